import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { z } from 'zod';
import { createServices, type Services } from '../../activities/services.ts';
import { webhookWorkflowId } from '../../workflows/contracts.ts';
import { type Customer, call, newCustomer, type Product } from '../e2e/product.ts';
import { until } from '../until.ts';
import type { Receiver } from './receiver.ts';
import { startedProduct } from './started.ts';

describe('webhook deliveries whose workflow was stopped or lost', () => {
  let product: Product;
  let receiver: Receiver;
  let services: Services;
  let connection: Connection;
  before(async () => {
    ({ product, receiver } = await startedProduct());
    services = await createServices(product.config, pino({ level: 'silent' }));
    connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
  });
  after(async () => {
    await connection.close();
    await services.close();
  });

  const api = () => product.apis[0];
  const namespace = () => product.config.TEMPORAL_NAMESPACE;
  const workflowOf = (id: string) => new Client({ connection, namespace: namespace() }).workflow.getHandle(id);
  const reconcile = () => services.deliveryReconciler.reconcile();
  const rowOf = async (id: string) => {
    const [row] = await product.rows(`SELECT status,attempts,last_error FROM webhook_deliveries WHERE id='${id}'`);
    return row ?? {};
  };
  const reaches = (id: string, status: string) =>
    until(`the delivery is ${status}`, async () => (await rowOf(id)).status === status);
  const age = (id: string) =>
    product.execute(`UPDATE webhook_deliveries SET updated_at=updated_at - INTERVAL 1 DAY WHERE id='${id}'`);
  const redeliver = (key: string, id: string) =>
    call(api(), 'POST', `/v1/webhooks/deliveries/${id}/redeliver`, { key });
  const started = (workflowId: string) =>
    until('the start has left the outbox', async () => {
      return (await product.rows(`SELECT 1 FROM workflow_outbox WHERE workflow_id='${workflowId}'`)).length === 0;
    });
  /** The delivery of a job, tried once without success. */
  const failedOnce = async ({ key, userId }: Customer, path: string) => {
    receiver.answerWith(path, 500);
    const webhookUrl = `http://127.0.0.1:${receiver.port}${path}`;
    const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello', webhookUrl } });
    const { jobId } = z.object({ jobId: z.string() }).parse(answer.data);
    await until('the first try has failed', async () => Number((await rowOf(jobId)).attempts) >= 1);
    await started(webhookWorkflowId(userId, jobId, 0));
    return jobId;
  };
  const closed = (workflowId: string, status: string) =>
    until(`the workflow is ${status}`, async () => (await workflowOf(workflowId).describe()).status.name === status);
  const stop = async (workflowId: string) => {
    await workflowOf(workflowId).cancel();
    await closed(workflowId, 'CANCELLED');
  };
  const forget = async (workflowId: string) => {
    await connection.workflowService.deleteWorkflowExecution({
      namespace: namespace(),
      workflowExecution: { workflowId },
    });
    await until('Temporal has forgotten the workflow', () =>
      workflowOf(workflowId)
        .describe()
        .then(
          () => false,
          () => true,
        ),
    );
  };

  test('one that was cancelled fails, and arrives when it is sent again; one that waits is left alone', async () => {
    const customer = await newCustomer(api());
    const { key, userId } = customer;
    const [id, waiting] = [await failedOnce(customer, '/stopped'), await failedOnce(customer, '/waiting')];
    await stop(webhookWorkflowId(userId, id, 0));
    assert.equal(await reconcile(), 0, 'its next try is not overdue');
    assert.equal((await redeliver(key, id)).code, 500006, 'it is on its way');
    // The worker has a reconciler of its own.
    await product.worker.stop();
    for (const delivery of [id, waiting]) await age(delivery);
    assert.equal(await reconcile(), 1);
    const row = await rowOf(id);
    assert.deepEqual([row.status, row.last_error], ['FAILED', 'stopped from outside; redeliver sends it again']);
    assert.equal((await rowOf(waiting)).status, 'PENDING');
    for (const path of ['/stopped', '/waiting']) receiver.answerWith(path, 200);
    assert.equal((await redeliver(key, id)).status, 202);
    await product.worker.start();
    for (const delivery of [id, waiting]) await reaches(delivery, 'DELIVERED');
  });

  test('one that Temporal has forgotten is started again, once, in the same round', async () => {
    const customer = await newCustomer(api());
    const { key, userId } = customer;
    const id = await failedOnce(customer, '/forgotten');
    await product.execute(`UPDATE webhook_deliveries SET status='FAILED' WHERE id='${id}'`);
    assert.equal((await redeliver(key, id)).status, 202);
    const again = webhookWorkflowId(userId, id, 1);
    await started(again);
    // The worker has a reconciler of its own.
    await product.worker.stop();
    await forget(again);
    await age(id);
    const rounds = await Promise.all([reconcile(), reconcile()]);
    assert.equal(rounds[0] + rounds[1], 1);
    await age(id);
    assert.equal(await reconcile(), 0, 'its start waits in the outbox');
    receiver.answerWith('/forgotten', 200);
    await product.worker.start();
    await reaches(id, 'DELIVERED');
    await closed(again, 'COMPLETED');
  });
});
