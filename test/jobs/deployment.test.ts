import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Connection } from '@temporalio/client';
import { z } from 'zod';
import { startService } from '../../devstack/services.ts';
import { jobWorkflowId } from '../../workflows/contracts.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';

describe('a deploy with versioned workers', () => {
  let product: Product;
  before(async () => {
    product = await startProduct({ name: 'deploy', settings: { WORKER_BUILD_ID: 'one', SHUTDOWN_GRACE: '1s' } });
  });
  after(() => product?.close());

  const api = () => product.apis[0];
  const fault = (body: object) =>
    fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: JSON.stringify(body) });
  const noFaults = () => fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
  const submit = async (key: string) => {
    const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'a story' } });
    return z.object({ jobId: z.string() }).parse(answer.data).jobId;
  };
  /** The build that a workflow was last carried on by. */
  const buildOf = async (userId: number, jobId: string) => {
    const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
    const { workflowExecutionInfo } = await connection.workflowService.describeWorkflowExecution({
      namespace: product.config.TEMPORAL_NAMESPACE,
      execution: { workflowId: jobWorkflowId({ type: 'chat', userId, id: jobId }) },
    });
    await connection.close();
    return workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
  };

  test('jobs that run go over to the new build and complete, new ones begin there', async () => {
    const { key, userId } = await newCustomer(api());
    const before = await submit(key);
    assert.equal((await jobEnd(api(), key, before)).status, 'COMPLETED');
    assert.equal(await buildOf(userId, before), 'one');
    // Minutes: it must not end before the old worker goes, however slow the machine is.
    await fault({ fault: 'slow-chunks', value: 3_000, model: 'sim-chat' });
    const running = await submit(key);
    await until('the provider is called', async () => {
      const [job] = await product.rows(`SELECT provider_attempts AS n FROM jobs WHERE id='${running}'`);
      return Number(job?.n) === 1;
    });
    const next = await startService({
      kind: 'worker',
      name: 'deploy-worker-two',
      dataFolder: product.stack.dataFolder,
      environment: { ...product.environment, WORKER_BUILD_ID: 'two' },
    });
    try {
      await until('the new build has the work', async () => {
        await noFaults();
        const jobId = await submit(key);
        assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
        return (await buildOf(userId, jobId)) === 'two';
      });
      await product.worker.kill('SIGTERM');
      assert.equal((await jobEnd(api(), key, running)).status, 'COMPLETED');
      assert.equal(await buildOf(userId, running), 'two');
      const charges = await product.rows(`SELECT id FROM transfers WHERE id='${running}' AND kind='charge'`);
      assert.equal(charges.length, 1);
    } finally {
      await next.stop();
    }
  });
});
