/** A row that this version cannot read, as one of another version may be, holds no other row up. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { z } from 'zod';
import { createServices, type Services } from '../../activities/services.ts';
import { jobWorkflowId } from '../../workflows/contracts.ts';
import { call, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';

describe('a row that cannot be read', () => {
  let product: Product;
  let services: Services;
  before(async () => {
    // The test runs the background jobs itself, and no job.
    product = await startProduct({ name: 'unreadable', worker: false });
    services = await createServices(product.config, pino({ level: 'silent' }));
  });
  after(async () => {
    await services.close();
    await product.close();
  });

  const workflowIdOf = (userId: number, id = '') => jobWorkflowId({ type: 'chat', userId, id });
  const submit = async (key: string) => {
    const answer = await call(product.apis[0], 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello' } });
    return z.object({ jobId: z.string() }).parse(answer.data).jobId;
  };
  const statusesOf = async (jobIds: readonly string[]) => {
    const rows = await product.rows(`SELECT status FROM jobs WHERE id IN ('${jobIds.join("','")}') ORDER BY id`);
    return rows.map(({ status }) => status);
  };

  test('in the outbox leaves the starts beside it to be made', async () => {
    const { key, userId } = await newCustomer(product.apis[0]);
    const temporal = product.stack.part('temporal');
    await temporal.kill('SIGKILL');
    try {
      const jobIds = [await submit(key), await submit(key), await submit(key)];
      await product.execute(
        `UPDATE workflow_outbox SET start='{"workflow":"chatJob"}' WHERE workflow_id='${workflowIdOf(userId, jobIds[1])}'`,
      );
      // It would make them itself.
      await product.apis[0]?.kill('SIGKILL');
    } finally {
      await temporal.start();
      await product.apis[0]?.start();
    }
    const relay = services.backgroundJobs.find(({ name }) => name === 'workflow starts');
    assert.ok(relay);
    await until('only the unreadable one is left', async () => {
      await relay.round();
      return (await product.rows('SELECT 1 FROM workflow_outbox')).length === 1;
    });
    await product.execute('DELETE FROM workflow_outbox');
  });

  test('among overdue jobs leaves the others to be ended, and is reported', async () => {
    const { key, userId } = await newCustomer(product.apis[0]);
    const jobIds = [await submit(key), await submit(key), await submit(key)];
    const [, unreadable] = jobIds;
    const [before] = await product.rows(`SELECT plan FROM jobs WHERE id='${unreadable}'`);
    await product.execute(`UPDATE jobs SET plan='{}' WHERE id='${unreadable}'`);
    await product.execute(`UPDATE jobs SET deadline_at=NOW(3) - INTERVAL 1 HOUR WHERE user_id=${userId}`);
    await assert.rejects(services.jobSweeper.sweep(), /^AggregateError: 1 overdue jobs cannot be ended/);
    assert.deepEqual(await statusesOf(jobIds), ['FAILED', 'PENDING', 'FAILED']);
    const plan = typeof before?.plan === 'string' ? before.plan : JSON.stringify(before?.plan);
    await product.execute(`UPDATE jobs SET plan='${plan}' WHERE id='${unreadable}'`);
    assert.equal(await services.jobSweeper.sweep(), 1);
    assert.deepEqual(await statusesOf(jobIds), ['FAILED', 'FAILED', 'FAILED']);
  });

  test('among aged jobs leaves the others to be put right', async () => {
    const { key, userId } = await newCustomer(product.apis[0]);
    const jobIds = [await submit(key), await submit(key)];
    await until('Temporal has both', async () => (await product.rows('SELECT 1 FROM workflow_outbox')).length === 0);
    const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
    const { workflow } = new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE });
    for (const jobId of jobIds) await workflow.getHandle(workflowIdOf(userId, jobId)).terminate();
    await connection.close();
    await product.execute(`UPDATE jobs SET plan='{}' WHERE id='${jobIds[0]}'`);
    await product.execute(`UPDATE jobs SET updated_at=updated_at - INTERVAL 2 MINUTE WHERE user_id=${userId}`);
    assert.equal(await services.jobReconciler.reconcile(), 1);
    assert.deepEqual(await statusesOf(jobIds), ['PENDING', 'FAILED']);
  });
});
