import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { z } from 'zod';
import { createServices, type Services } from '../../activities/services.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { type JobInput, jobWorkflowId, TASK_QUEUES } from '../../workflows/contracts.ts';
import { type Customer, call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { rootToken } from '../e2e/upstream.ts';
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
  const startedJob = async ({ key, userId }: Customer) => {
    const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello' } });
    const { jobId } = z.object({ jobId: z.string() }).parse(answer.data);
    await until('the start has left the outbox', async () => {
      return (
        (await product.rows(`SELECT 1 FROM workflow_outbox WHERE workflow_id='${workflowIdOf(userId, jobId)}'`))
          .length === 0
      );
    });
    return jobId;
  };
  const workflowIdOf = (userId: number, id: string) => jobWorkflowId({ type: 'chat', userId, id });
  /** The same as an earlier version has started it: with the job's id as its workflow's. */
  const formerJob = async (customer: Customer) => {
    const jobId = await startedJob(customer);
    const workflowId = workflowIdOf(customer.userId, jobId);
    const { events } = await client().workflow.getHandle(workflowId).fetchHistory();
    const started = events?.[0]?.workflowExecutionStartedEventAttributes;
    const input = JSON.parse(Buffer.from(started?.input?.payloads?.[0]?.data ?? '').toString());
    await forget(workflowId);
    await product.execute(`UPDATE jobs SET workflow_id=NULL WHERE id='${jobId}'`);
    await client().workflow.start<(input: JobInput) => Promise<unknown>>('chatJob', {
      ...{ workflowId: jobId, taskQueue: TASK_QUEUES.jobs, args: [input] },
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
  const forget = async (workflowId: string) => {
    const handle = client().workflow.getHandle(workflowId);
    await connection.workflowService.deleteWorkflowExecution({
      namespace: namespace(),
      workflowExecution: { workflowId },
    });
    await until('Temporal has forgotten the workflow', () =>
      handle.describe().then(
        () => false,
        () => true,
      ),
    );
  };

  test('a job that Temporal has lost is started again, once, and charged once', async () => {
    const customer = await newCustomer(api());
    const { key, userId } = customer;
    const jobId = await startedJob(customer);
    await forget(workflowIdOf(userId, jobId));
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
    const customer = await newCustomer(api());
    const { key, token, userId } = customer;
    const jobId = await startedJob(customer);
    await client().workflow.getHandle(workflowIdOf(userId, jobId)).terminate('by an operator');
    await age(jobId);
    assert.equal(await services.jobReconciler.reconcile(), 1);
    const job = await jobEnd(api(), key, jobId);
    assert.deepEqual([job.status, job.cost], ['FAILED', 0]);
    assert.match(job.errorMessage ?? '', /stopped from outside/);
    const me = await call(api(), 'GET', '/v1/auth/me', { token });
    assert.equal(z.object({ held: z.number() }).parse(me.data).held, 0);
  });

  test('jobs of an earlier version: their workflows have other ids, and are found, linked, cancelled, started again', async () => {
    const customer = await newCustomer(api());
    const { key } = customer;
    const [present, running, lost, stopped, cancelled] = [
      await startedJob(customer),
      await formerJob(customer),
      await formerJob(customer),
      await formerJob(customer),
      await formerJob(customer),
    ];
    const jobIds = [present, running, lost, stopped, cancelled];
    const token = await rootToken(product);
    const links = await Promise.all(
      [present, running].map(async (jobId) => (await call(api(), 'GET', `/v1/admin/jobs/${jobId}`, { token })).data),
    );
    assert.deepEqual(
      links.map((data) => z.object({ temporalUrl: z.string() }).parse(data).temporalUrl.split('/workflows/')[1]),
      [encodeURIComponent(workflowIdOf(customer.userId, present)), running],
    );
    await forget(lost);
    await client().workflow.getHandle(stopped).terminate('by an operator');
    await call(api(), 'POST', `/v1/async/jobs/${cancelled}/cancel`, { key });
    await until('the cancel has reached its workflow', async () => {
      const { events } = await client().workflow.getHandle(cancelled).fetchHistory();
      return events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes) ?? false;
    });
    for (const jobId of jobIds) await age(jobId);
    assert.equal(await services.jobReconciler.reconcile(), 2);
    await product.worker.start();
    const ends = await Promise.all(jobIds.map(async (jobId) => (await jobEnd(api(), key, jobId)).status));
    assert.deepEqual(ends, ['COMPLETED', 'COMPLETED', 'COMPLETED', 'FAILED', 'CANCELLED']);
    assert.equal((await client().workflow.getHandle(lost).describe()).type, 'chatJob');
    await product.worker.stop();
  });

  test('a job whose workflow runs, or whose start waits in the outbox, is left as it is', async () => {
    const customer = await newCustomer(api());
    const { key } = customer;
    const running = await startedJob(customer);
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
