import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { type Service, startService } from '../../devstack/services.ts';
import { call, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';

const MANY = 50;
const FEW = 5;
const SLOTS = 4;

describe('a backlog', () => {
  let product: Product;
  let worker: Service | undefined;
  before(async () => {
    product = await startProduct({ name: 'fairness', worker: false, settings: { WORKER_JOB_SLOTS: String(SLOTS) } });
  });
  after(async () => {
    await worker?.stop();
    await product.close();
  });

  const api = () => product.apis[0];
  const startWorker = async () => {
    const { environment, stack } = product;
    if (worker) await worker.start();
    else
      worker = await startService({
        kind: 'worker',
        name: 'fairness-worker',
        dataFolder: stack.dataFolder,
        environment,
      });
  };
  const submit = async (key: string, count: number, body: object = {}) => {
    for (let index = 0; index < count; index += 1) {
      const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello', ...body } });
      assert.equal(answer.status, 202);
      z.object({ jobId: z.string() }).parse(answer.data);
    }
  };
  const allStarted = () =>
    until('Temporal has all of them', async () => (await product.rows('SELECT 1 FROM workflow_outbox')).length === 0);
  /** Places in the order of their ends, counted from 1, of jobs since `from`. */
  const placesOf = async (from: string, which: string) => {
    await until('all have ended', async () => {
      const rows = await product.rows("SELECT 1 FROM jobs WHERE status IN ('PENDING','PROCESSING')");
      return rows.length === 0;
    });
    const rows = await product.rows(
      `SELECT ${which} AS counts FROM jobs WHERE created_at >= '${from}' ORDER BY finished_at,id`,
    );
    return rows.flatMap((row, index) => (Number(row.counts) === 1 ? [index + 1] : []));
  };
  const now = async () => String((await product.rows('SELECT CAST(NOW(3) AS CHAR) AS at'))[0]?.at);

  for (const priority of [3, 1]) {
    test(`of one user with priority ${priority} does not delay the few jobs of another`, async () => {
      const [busy, other] = [await newCustomer(api()), await newCustomer(api())];
      await worker?.stop();
      const from = await now();
      await submit(busy.key, MANY, { priority });
      await submit(other.key, FEW);
      await allStarted();
      await startWorker();
      const places = await placesOf(from, `user_id=${other.userId}`);
      assert.equal(places.length, FEW);
      assert.ok(Math.max(...places) < MANY, `places ${places} of ${MANY + FEW}`);
    });
  }

  test('lets urgent jobs pass others of their own user', async () => {
    const busy = await newCustomer(api());
    await worker?.stop();
    const from = await now();
    await submit(busy.key, MANY);
    await submit(busy.key, FEW, { priority: 1 });
    await allStarted();
    await startWorker();
    const places = await placesOf(from, 'priority=1');
    assert.ok(Math.max(...places) < MANY, `places ${places} of ${MANY + FEW}`);
  });

  test('lets jobs of priority 5 stand back behind all others', async () => {
    const [busy, urgent] = [await newCustomer(api()), await newCustomer(api())];
    await worker?.stop();
    const from = await now();
    await submit(busy.key, 20, { priority: 5 });
    await submit(urgent.key, 5, { priority: 1 });
    await allStarted();
    await startWorker();
    const places = await placesOf(from, `user_id=${urgent.userId}`);
    // As many of the first may have been taken before the queue knew of all.
    assert.ok(Math.max(...places) <= 5 + 2 * SLOTS, `places ${places}`);
  });
});
