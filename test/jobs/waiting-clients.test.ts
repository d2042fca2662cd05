import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { call, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';

const CLIENTS = isFullChaos() ? 1_000 : 200;
const JOBS = 20;
const WINDOW_MS = isFullChaos() ? 10_000 : 5_000;
/** In Linux's unit of 10 ms. */
const TICK_MS = 10;

describe('clients that wait', () => {
  let product: Product;
  before(async () => {
    product = await startProduct({ name: 'waiting' });
  });
  after(() => product.close());

  const api = () => product.apis[0];
  const queries = async () => {
    const [row] = await product.rows("SHOW GLOBAL STATUS LIKE 'Questions'");
    return Number(row?.Value);
  };
  /** CPU time of the API process so far, in milliseconds. */
  const cpuMs = () => {
    const fields = readFileSync(`/proc/${api()?.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  };
  const during = async () => {
    const before = { queries: await queries(), cpuMs: cpuMs() };
    await delay(WINDOW_MS);
    return { queries: (await queries()) - before.queries, cpuMs: cpuMs() - before.cpuMs };
  };

  test(`${CLIENTS} in ?wait=30 cost the database and the API nothing, and all hear of the end`, async (context) => {
    const { key } = await newCustomer(api());
    // Nothing happens: no worker is there.
    await product.worker.stop();
    const jobIds: string[] = [];
    for (let index = 0; index < JOBS; index += 1) {
      const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello' } });
      jobIds.push(z.object({ jobId: z.string() }).parse(answer.data).jobId);
    }
    await until('the starts are out', async () => (await product.rows('SELECT 1 FROM workflow_outbox')).length === 0);
    const alone = await during();
    const asked = Date.now();
    const before = await queries();
    let looks = 0;
    const waits = Array.from({ length: CLIENTS }, (_, index) =>
      call(api(), 'GET', `/v1/async/jobs/${jobIds[index % JOBS]}?wait=60`, { key }),
    );
    await until('each has read its job once', async () => {
      looks += 1;
      return (await queries()) - before - looks >= CLIENTS;
    });
    await delay(2_000);
    const together = await during();
    context.diagnostic(`alone ${JSON.stringify(alone)}, with ${CLIENTS} waiting ${JSON.stringify(together)}`);
    const more = together.queries - alone.queries;
    assert.ok(more <= (2 * WINDOW_MS) / 1_000 + 5, `${more} more queries in ${WINDOW_MS} ms`);
    assert.ok(together.cpuMs - alone.cpuMs < WINDOW_MS * 0.1, `${together.cpuMs} ms of CPU`);
    await product.worker.start();
    const statuses = (await Promise.all(waits)).map(({ data }) => z.object({ status: z.string() }).parse(data).status);
    assert.deepEqual([...new Set(statuses)], ['COMPLETED']);
    assert.ok(Date.now() - asked < 60_000, 'they were woken, not timed out');
  });
});
