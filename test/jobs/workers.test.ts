import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { z } from 'zod';
import { startService } from '../../devstack/services.ts';
import { call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { until } from '../until.ts';

describe('worker processes', () => {
  let product: Product;
  before(async () => {
    ({ product } = await sharedProduct('workers'));
  });

  const api = () => product.apis[0];
  const fault = (body: object) =>
    fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: JSON.stringify(body) });
  const noFaults = () => fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
  const submit = async (key: string) => {
    const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'a story' } });
    return z.object({ jobId: z.string() }).parse(answer.data).jobId;
  };

  test('a worker that is told to stop gives its job to another, which completes it; charged once', async () => {
    const { key } = await newCustomer(api());
    await fault({ fault: 'slow-chunks', value: 500, model: 'sim-chat' });
    const jobId = await submit(key);
    await until('the provider is called', async () => {
      const [job] = await product.rows(`SELECT provider_attempts AS n FROM jobs WHERE id='${jobId}'`);
      return Number(job?.n) === 1;
    });
    const other = await startService({
      kind: 'worker',
      name: 'workers-worker-2',
      dataFolder: product.stack.dataFolder,
      environment: product.environment,
    });
    try {
      const asked = Date.now();
      await product.worker.kill('SIGTERM');
      await noFaults();
      await until('the first worker has gone', async () => product.worker.pid === undefined);
      assert.ok(Date.now() - asked < 10_000, 'within its grace and a little');
      const job = await jobEnd(api(), key, jobId);
      assert.equal(job.status, 'COMPLETED');
      const [row] = await product.rows(`SELECT attempt,provider_attempts AS calls FROM jobs WHERE id='${jobId}'`);
      assert.deepEqual([Number(row?.attempt), Number(row?.calls)], [2, 2]);
      const charges = await product.rows(`SELECT id FROM transfers WHERE id='${jobId}' AND kind='charge'`);
      assert.equal(charges.length, 1);
    } finally {
      await other.stop();
      await product.worker.start();
    }
  });

  test('one scrape of the worker brings its own metrics and those of Temporal', async () => {
    const { key } = await newCustomer(api());
    await jobEnd(api(), key, await submit(key));
    const text = await (await fetch(`${product.worker.url}/metrics`)).text();
    for (const name of [
      'process_cpu_seconds_total',
      'temporal_workflow_task_execution_latency_count',
      'temporal_activity_execution_latency_count',
      'temporal_worker_task_slots_available',
    ]) {
      assert.match(text, new RegExp(`^${name}[{ ]`, 'm'));
    }
  });
});
