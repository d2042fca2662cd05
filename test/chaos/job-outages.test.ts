/** Jobs over long absences of one part. `npm run test:chaos` has each part away for a minute. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { isFullChaos } from '../../devstack/test-stack.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';

const AWAY_MS = isFullChaos() ? 60_000 : 8_000;
const accepted = z.object({ jobId: z.string() });
const counts = z.object({
  byModel: z.record(z.string(), z.object({ calls: z.number(), running: z.number(), completed: z.number() })),
});

describe('a part that is away for long', () => {
  let product: Product;
  before(async () => {
    product = await startProduct({ name: 'outages' });
  });
  after(() => product.close());

  const api = () => product.apis[0];
  const fault = (value: number) =>
    fetch(`${product.simulator.url}/control/faults`, {
      method: 'POST',
      body: JSON.stringify({ fault: 'slow-chunks', value, model: 'sim-chat' }),
    });
  const noFaults = () => fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
  const provider = async () => {
    const answer = await fetch(`${product.simulator.url}/control/counts`);
    return counts.parse(await answer.json()).byModel['sim-chat'] ?? { calls: 0, running: 0, completed: 0 };
  };
  const submit = async (key: string) => {
    const body = { userMessage: 'a story', modelIdentifier: 'sim-chat' };
    const answer = await call(api(), 'POST', '/v1/async/chat', { key, body });
    assert.equal(answer.status, 202, answer.message);
    return accepted.parse(answer.data).jobId;
  };
  const charges = async (jobId: string) =>
    (await product.rows(`SELECT id FROM transfers WHERE id='${jobId}' AND kind='charge'`)).length;

  test('MySQL gone when the provider answers: no second call, the job completes, charged once', async () => {
    const { key } = await newCustomer(api());
    const mysql = product.stack.part('mysql');
    const before = await provider();
    await fault(60);
    const jobId = await submit(key);
    await until('the provider answers', async () => (await provider()).running === 1);
    await mysql.kill('SIGKILL');
    try {
      await until('the provider has answered', async () => (await provider()).completed === before.completed + 1);
      await delay(AWAY_MS);
      assert.equal((await provider()).calls, before.calls + 1, 'nothing is called while the answer waits to be stored');
    } finally {
      await mysql.start();
      await noFaults();
    }
    assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
    assert.equal((await provider()).calls, before.calls + 1);
    assert.equal(await charges(jobId), 1);
  });

  test('Temporal gone: jobs are accepted and complete afterwards; synchronous chat does not notice', async () => {
    const { key } = await newCustomer(api());
    const temporal = product.stack.part('temporal');
    await temporal.kill('SIGKILL');
    const jobIds: string[] = [];
    const started = Date.now();
    let slowest = 0;
    try {
      while (Date.now() - started < AWAY_MS) {
        const asked = Date.now();
        jobIds.push(await submit(key));
        const answer = await call(api(), 'POST', '/v1/chat', { key, body: { userMessage: 'hello' } });
        assert.equal(answer.status, 200);
        slowest = Math.max(slowest, Date.now() - asked);
        await delay(500);
      }
    } finally {
      await temporal.start();
    }
    assert.ok(slowest < 2_000, `${slowest} ms`);
    for (const jobId of jobIds) {
      assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
      assert.equal(await charges(jobId), 1);
    }
  });

  test('Redis gone: jobs are accepted and complete', async () => {
    const { key } = await newCustomer(api());
    const redis = product.stack.part('redis');
    await redis.kill('SIGKILL');
    try {
      const jobIds = await Promise.all(Array.from({ length: 5 }, () => submit(key)));
      for (const jobId of jobIds) assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
    } finally {
      await redis.start();
    }
  });
});
