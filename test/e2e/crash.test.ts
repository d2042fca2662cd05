import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { jobWorkflowId } from '../../workflows/contracts.ts';
import { until } from '../until.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from './product.ts';

const accepted = z.object({ jobId: z.string() });

describe('processes that are killed', () => {
  let product: Product;
  before(async () => {
    product = await startProduct({ name: 'crash', settings: { WRITER_TTL: '2s' } });
  });
  after(() => product.close());

  const api = () => product.apis[0];
  const fault = (body: object) =>
    fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: JSON.stringify(body) });
  const noFaults = () => fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
  const cancelWorkflow = async (workflowId: string) => {
    const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
    const client = new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE });
    await client.workflow.getHandle(workflowId).cancel();
    await connection.close();
  };
  /** A job whose first call is under way, and slow until the faults are taken back. */
  const slowJob = async (key: string) => {
    await fault({ fault: 'slow-chunks', value: 400, model: 'sim-chat' });
    const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'a story' } });
    const { jobId } = accepted.parse(answer.data);
    await until('the provider is called', async () => {
      const [job] = await product.rows(`SELECT provider_attempts AS n FROM jobs WHERE id='${jobId}'`);
      return Number(job?.n) === 1;
    });
    return jobId;
  };

  test('a worker killed in the middle of a job: another run completes it, charged once', async () => {
    const { key, userId } = await newCustomer(api());
    const jobId = await slowJob(key);
    await product.worker.kill('SIGKILL');
    await noFaults();
    await product.worker.start();
    assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
    const [count] = await product.rows(`SELECT COUNT(*) AS n FROM transfers WHERE id='${jobId}' AND kind='charge'`);
    assert.equal(Number(count?.n), 1);
    const [job] = await product.rows(`SELECT provider_attempts AS n, attempt FROM jobs WHERE id='${jobId}'`);
    assert.deepEqual([Number(job?.n), Number(job?.attempt)], [2, 2]);
    assert.equal(await product.openHolds(userId), 0);
  });

  for (const how of ['its owner', 'an operator'] as const) {
    test(`a job that ${how} has cancelled is cancelled, also when its worker dies before it hears of it`, async () => {
      const { key, userId } = await newCustomer(api());
      const jobId = await slowJob(key);
      await product.worker.kill('SIGSTOP');
      if (how === 'its owner') await call(api(), 'POST', `/v1/async/jobs/${jobId}/cancel`, { key });
      else await cancelWorkflow(jobWorkflowId({ type: 'chat', userId, id: jobId }));
      await product.worker.kill('SIGKILL');
      await product.worker.start();
      // Still slow: where Temporal runs the job once more before its workflow has the cancel, that meets the call.
      const job = await jobEnd(api(), key, jobId);
      await noFaults();
      assert.deepEqual([job.status, job.errorMessage], ['CANCELLED', null]);
      if (how === 'its owner') assert.equal(job.cost, 0, 'its row says so before a second call');
      assert.equal(await product.openHolds(userId), 0);
    });
  }

  test('an API killed in the middle of a call: nobody is charged and the hold is given back', async () => {
    const { key, token, userId } = await newCustomer(api());
    await fault({ fault: 'hang', model: 'sim-chat' });
    const lost = call(api(), 'POST', '/v1/chat', { key, body: { userMessage: 'hello', modelIdentifier: 'sim-chat' } });
    lost.catch(() => undefined);
    await until('the hold is taken', async () => (await product.openHolds(userId)) === 1);
    await api()?.kill('SIGKILL');
    await assert.rejects(lost);
    await noFaults();
    await api()?.start();
    await until('the sweeper has released the hold', async () => (await product.openHolds(userId)) === 0);
    const me = await call(api(), 'GET', '/v1/auth/me', { token });
    assert.deepEqual(z.object({ balance: z.number(), held: z.number() }).parse(me.data), { balance: 1, held: 0 });
  });

  test('a job accepted right before the API is killed is done all the same', async () => {
    const { key } = await newCustomer(api());
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hi' } })),
    );
    await api()?.kill('SIGKILL');
    await api()?.start();
    for (const answer of answers) {
      assert.equal((await jobEnd(api(), key, accepted.parse(answer.data).jobId)).status, 'COMPLETED');
    }
  });

  test('Temporal away: jobs are accepted, sync calls go on, and the jobs complete when it is back', async () => {
    const { key } = await newCustomer(api());
    const temporal = product.stack.part('temporal');
    await temporal.kill('SIGKILL');
    let jobIds: string[];
    try {
      const started = Date.now();
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hi' } })),
      );
      assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [202]);
      assert.equal((await call(api(), 'POST', '/v1/chat', { key, body: { userMessage: 'hi' } })).status, 200);
      assert.ok(Date.now() - started < 3_000, 'nobody waited for Temporal');
      const ready = await call(api(), 'GET', '/readyz');
      assert.equal(z.object({ status: z.string() }).parse(ready.data).status, 'degraded');
      jobIds = answers.map((answer) => accepted.parse(answer.data).jobId);
    } finally {
      await temporal.start();
    }
    for (const jobId of jobIds) assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
  });
});
