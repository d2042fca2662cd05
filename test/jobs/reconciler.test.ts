import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { z } from 'zod';
import { createServices, type Services } from '../../activities/services.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';

describe('jobs whose row and workflow have come apart', () => {
  let product: Product;
  let services: Services;
  let connection: Connection;
  before(async () => {
    product = await startProduct({ name: 'reconciler' });
    services = await createServices(product.config, pino({ level: 'silent' }));
    connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
    // Nothing runs: each test has a job that has only been started.
    await product.worker.stop();
  });
  after(async () => {
    await connection.close();
    await services.close();
    await product.close();
  });

  const api = () => product.apis[0];
  const namespace = () => product.config.TEMPORAL_NAMESPACE;
  const client = () => new Client({ connection, namespace: namespace() });
  /** A job whose workflow Temporal has. */
  const startedJob = async (key: string) => {
    const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello' } });
    const { jobId } = z.object({ jobId: z.string() }).parse(answer.data);
    await until('the start has left the outbox', async () => {
      return (await product.rows(`SELECT 1 FROM workflow_outbox WHERE workflow_id='${jobId}'`)).length === 0;
    });
    return jobId;
  };
  const age = async (jobId: string) => {
    const sequelize = connectSequelize(product.config);
    await sequelize.query('UPDATE jobs SET updated_at=updated_at - INTERVAL 2 MINUTE WHERE id=?', {
      replacements: [jobId],
    });
    await sequelize.close();
  };
  const forget = async (jobId: string) => {
    const handle = client().workflow.getHandle(jobId);
    await connection.workflowService.deleteWorkflowExecution({
      namespace: namespace(),
      workflowExecution: { workflowId: jobId },
    });
    await until('Temporal has forgotten the workflow', () =>
      handle.describe().then(
        () => false,
        () => true,
      ),
    );
  };

  test('a job that Temporal has lost is started again, once, and charged once', async () => {
    const { key } = await newCustomer(api());
    const jobId = await startedJob(key);
    await forget(jobId);
    assert.equal(await services.jobReconciler.reconcile(), 0, 'a young job is left alone');
    await age(jobId);
    const rounds = await Promise.all([services.jobReconciler.reconcile(), services.jobReconciler.reconcile()]);
    assert.equal(rounds[0] + rounds[1], 1);
    assert.equal(await services.jobReconciler.reconcile(), 0);
    await product.worker.start();
    assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
    const charges = await product.rows(`SELECT id FROM transfers WHERE id='${jobId}' AND kind='charge'`);
    assert.equal(charges.length, 1);
    await product.worker.stop();
  });

  test('a job whose workflow was terminated is ended, and its hold given back', async () => {
    const { key, token } = await newCustomer(api());
    const jobId = await startedJob(key);
    await client().workflow.getHandle(jobId).terminate('by an operator');
    await age(jobId);
    assert.equal(await services.jobReconciler.reconcile(), 1);
    const job = await jobEnd(api(), key, jobId);
    assert.deepEqual([job.status, job.cost], ['FAILED', 0]);
    assert.match(job.errorMessage ?? '', /stopped from outside/);
    const me = await call(api(), 'GET', '/v1/auth/me', { token });
    assert.equal(z.object({ held: z.number() }).parse(me.data).held, 0);
  });

  test('a job whose workflow runs, or whose start waits in the outbox, is left as it is', async () => {
    const { key } = await newCustomer(api());
    const running = await startedJob(key);
    const temporal = product.stack.part('temporal');
    await temporal.kill('SIGKILL');
    let waiting: string;
    try {
      const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello' } });
      waiting = z.object({ jobId: z.string() }).parse(answer.data).jobId;
    } finally {
      await temporal.start();
    }
    for (const jobId of [running, waiting]) await age(jobId);
    assert.equal(await services.jobReconciler.reconcile(), 0);
    await product.worker.start();
    for (const jobId of [running, waiting]) assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
  });
});
