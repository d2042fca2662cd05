import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { type Service, startService } from '../../infra/local/services.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from '../line/product.ts';

const PER_USER = 2;
const PER_PROVIDER = 3;
const JOBS_EACH = 6;

describe('limits of running jobs over two workers', () => {
  let product: Product;
  let second: Service;
  before(async () => {
    const settings = { JOBS_PER_USER: String(PER_USER), JOBS_PER_PROVIDER: String(PER_PROVIDER) };
    product = await startProduct({ name: 'limits', settings });
    second = await startService({
      kind: 'worker',
      name: 'limits-worker-2',
      dataFolder: product.stack.dataFolder,
      environment: product.environment,
    });
  });
  after(async () => {
    await second?.stop();
    await product.close();
  });

  const api = () => product.apis[0];
  const running = async () => {
    const rows = await product.rows(
      "SELECT user_id,COUNT(*) AS n FROM jobs WHERE status='PROCESSING' GROUP BY user_id",
    );
    return rows.map((row) => Number(row.n));
  };

  test('never more of one user or provider run than may, all complete, and the room is used', async () => {
    const customers = [await newCustomer(api()), await newCustomer(api())];
    await fetch(`${product.simulator.url}/control/faults`, {
      method: 'POST',
      body: JSON.stringify({ fault: 'slow-chunks', value: 30, model: 'sim-chat' }),
    });
    const submitted = await Promise.all(
      customers.flatMap(({ key }) =>
        Array.from({ length: JOBS_EACH }, async () => {
          const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello' } });
          return { key, jobId: z.object({ jobId: z.string() }).parse(answer.data).jobId };
        }),
      ),
    );
    let done = false;
    const ends = Promise.all(submitted.map(({ key, jobId }) => jobEnd(api(), key, jobId))).finally(() => {
      done = true;
    });
    const seen = { ofUser: 0, ofProvider: 0 };
    while (!done) {
      const counts = await running();
      seen.ofUser = Math.max(seen.ofUser, ...counts);
      seen.ofProvider = Math.max(
        seen.ofProvider,
        counts.reduce((a, b) => a + b, 0),
      );
    }
    assert.deepEqual([...new Set((await ends).map((job) => job.status))], ['COMPLETED']);
    assert.deepEqual(seen, { ofUser: PER_USER, ofProvider: PER_PROVIDER });
    const calls = await product.rows('SELECT SUM(provider_attempts) AS calls,MAX(attempt) AS attempts FROM jobs');
    assert.deepEqual(
      [Number(calls[0]?.calls), Number(calls[0]?.attempts)],
      [submitted.length, 1],
      'waiting begins nothing',
    );
  });
});
