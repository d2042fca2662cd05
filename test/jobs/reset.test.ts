import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { jobWorkflowId } from '../../workflows/contracts.ts';
import { call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { until } from '../until.ts';

const counts = z.object({ byModel: z.record(z.string(), z.object({ calls: z.number() })) });

describe('a workflow that an operator resets', () => {
  let product: Product;
  let connection: Connection;
  before(async () => {
    ({ product } = await sharedProduct('workers'));
    connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
  });
  after(() => connection?.close());

  const api = () => product.apis[0];
  const calls = async () => {
    const answer = await fetch(`${product.simulator.url}/control/counts`);
    return Object.values(counts.parse(await answer.json()).byModel).reduce((sum, model) => sum + model.calls, 0);
  };

  test('after its job has ended it finds the result: no call, no charge', async () => {
    const { key, token, userId } = await newCustomer(api());
    const ends = [{ userMessage: 'hello' }, { userMessage: 'hello', options: { temperature: 99 } }];
    for (const body of ends) {
      const answer = await call(api(), 'POST', '/v1/async/chat', { key, body });
      const { jobId } = z.object({ jobId: z.string() }).parse(answer.data);
      const workflowId = jobWorkflowId({ type: 'chat', userId, id: jobId });
      const before = await jobEnd(api(), key, jobId);
      const state = async () => ({
        calls: await calls(),
        row: (
          await product.rows(`SELECT status,cost,attempt,provider_attempts,finished_at FROM jobs WHERE id='${jobId}'`)
        )[0],
        transfers: await product.rows(`SELECT kind,amount FROM transfers WHERE id='${jobId}'`),
        balance: (await call(api(), 'GET', '/v1/auth/me', { token })).data,
      });
      const handle = new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE }).workflow.getHandle(
        workflowId,
      );
      await until('the workflow has ended', async () => (await handle.describe()).status.name !== 'RUNNING');
      const first = (await handle.describe()).runId;
      const { events } = await handle.fetchHistory();
      const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes);
      assert.ok(firstTask?.eventId);
      const stateBefore = await state();
      await connection.workflowService.resetWorkflowExecution({
        namespace: product.config.TEMPORAL_NAMESPACE,
        workflowExecution: { workflowId, runId: first },
        reason: 'a test',
        // Everything after the first workflow task happens again.
        workflowTaskFinishEventId: firstTask.eventId,
        requestId: `reset-${jobId}`,
      });
      await until('the new run has ended', async () => {
        const { runId, status } = await handle.describe();
        return runId !== first && status.name !== 'RUNNING';
      });
      assert.deepEqual(await state(), stateBefore);
      const expected = before.status === 'COMPLETED' ? 'COMPLETED' : 'FAILED';
      assert.equal((await handle.describe()).status.name, expected);
    }
  });
});
