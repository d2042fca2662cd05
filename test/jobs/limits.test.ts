import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { type Service, startService } from '../../devstack/services.ts';
import { type Customer, call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';

const PER_USER = 2;
const PER_PROVIDER = 3;
const JOBS_EACH = 6;
const LIVE = 10;

describe('limits of jobs over two workers and two API processes', () => {
  let product: Product;
  let second: Service;
  before(async () => {
    const settings = {
      JOBS_PER_USER: String(PER_USER),
      JOBS_PER_PROVIDER: String(PER_PROVIDER),
      JOBS_LIVE_PER_USER: String(LIVE),
      JOB_STORAGE_PER_USER: '200KB',
    };
    product = await startProduct({ name: 'limits', settings, apis: 2 });
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
    // For what follows one is enough.
    await second.stop();
  });

  const accepted = z.object({ jobId: z.string() });
  const submit = (key: string, userMessage = 'hello', headers: Record<string, string> = {}, index = 0) =>
    call(product.apis[index], 'POST', '/v1/async/chat', { key, body: { userMessage }, headers });
  const jobOf = async (key: string, jobId: string) => {
    const { data } = await call(api(), 'GET', `/v1/async/jobs/${jobId}`, { key });
    return z
      .looseObject({ cost: z.number(), payloadsRemovedAt: z.string().nullable(), resultPayload: z.unknown() })
      .parse(data);
  };
  /** What the user's jobs are counted with, and what they have. */
  const stored = async (userId: number) => {
    const [row] = await product.rows(
      `SELECT (SELECT bytes FROM job_storage WHERE user_id=${userId}) AS counted,
              (SELECT SUM(payload_bytes) FROM jobs WHERE user_id=${userId}) AS had,
              (SELECT SUM(OCTET_LENGTH(request)+COALESCE(OCTET_LENGTH(result),0)) FROM jobs WHERE user_id=${userId}
                  AND payloads_removed_at IS NULL) AS there`,
    );
    assert.equal(Number(row?.counted), Number(row?.had ?? 0));
    assert.equal(Number(row?.counted), Number(row?.there ?? 0));
    return Number(row?.counted);
  };
  const withoutWorker = async (work: () => Promise<void>) => {
    await product.worker.stop();
    try {
      await work();
    } finally {
      await product.worker.start();
    }
  };
  const endsOf = async ({ key }: Customer, jobIds: readonly string[]) =>
    Promise.all(jobIds.map((jobId) => jobEnd(api(), key, jobId)));

  test('of thirty jobs that a user submits at once to two processes, exactly those within its limit are taken', async () => {
    const customer = await newCustomer(api());
    await withoutWorker(async () => {
      const first = accepted.parse((await submit(customer.key, 'hello', { 'idempotency-key': 'mine' })).data);
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, at) => submit(customer.key, 'hello', {}, at % 2)),
      );
      assert.equal(answers.filter(({ status }) => status === 202).length, LIVE - 1);
      const refused = answers.filter(({ status }) => status !== 202);
      assert.deepEqual([...new Set(refused.map(({ status }) => status))], [429]);
      assert.match(refused[0]?.message ?? '', /at most 10 jobs .*JOBS_LIVE_PER_USER/);
      assert.ok(Number(refused[0]?.headers.get('retry-after')) > 0);
      const again = await submit(customer.key, 'hello', { 'idempotency-key': 'mine' });
      assert.deepEqual(accepted.parse(again.data), first, 'a repeated request has its job');
      const other = await newCustomer(api());
      assert.equal((await submit(other.key)).status, 202, 'the limit is each user’s own');
      assert.equal(await product.openHolds(customer.userId), LIVE, 'a refused job holds nothing');
    });
    const jobIds = (await product.rows(`SELECT id FROM jobs WHERE user_id=${customer.userId}`)).map(({ id }) =>
      String(id),
    );
    for (const { status } of await endsOf(customer, jobIds)) assert.equal(status, 'COMPLETED');
    assert.equal((await submit(customer.key)).status, 202);
  });

  test('requests and results of a user have so many bytes; what is cancelled or deleted makes room', async () => {
    const customer = await newCustomer(api());
    const { key, userId } = customer;
    const large = 'x'.repeat(60_000);
    await withoutWorker(async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => submit(key, large, {}, at % 2)));
      const taken = answers.flatMap(({ status, data }) => (status === 202 ? [accepted.parse(data).jobId] : []));
      assert.equal(taken.length, 3);
      const refused = answers.find(({ status }) => status === 429);
      assert.match(refused?.message ?? '', /204800 bytes \(JOB_STORAGE_PER_USER\)/);
      assert.ok((await stored(userId)) > 180_000);
      const [cancelled = ''] = taken;
      await call(api(), 'POST', `/v1/async/jobs/${cancelled}/cancel`, { key });
      const [row] = await product.rows(`SELECT request FROM jobs WHERE id='${cancelled}'`);
      assert.equal(row?.request, 'null', 'what it asked is gone at once');
      assert.ok((await stored(userId)) < 125_000);
      assert.equal((await submit(key, large)).status, 202);
      const live = await call(api(), 'DELETE', `/v1/async/jobs/${taken[1]}`, { key });
      assert.deepEqual([live.status, live.code], [409, 500006]);
    });
    const [ended] = await product.rows(`SELECT id FROM jobs WHERE user_id=${userId} AND status<>'CANCELLED'`);
    const jobId = String(ended?.id);
    const { cost } = await jobEnd(api(), key, jobId);
    const stranger = await newCustomer(api());
    assert.equal((await call(api(), 'DELETE', `/v1/async/jobs/${jobId}`, { key: stranger.key })).status, 404);
    for (const _again of [1, 2]) {
      assert.equal((await call(api(), 'DELETE', `/v1/async/jobs/${jobId}`, { key })).status, 200);
      const job = await jobOf(key, jobId);
      assert.deepEqual([job.cost, job.requestPayload, job.resultPayload], [cost, null, null]);
      assert.ok(job.payloadsRemovedAt);
    }
  });

  test('payloads and images of jobs go when their time is over, and nothing that still has time', async () => {
    const customer = await newCustomer(api());
    const { key, userId } = customer;
    const image = async () => {
      const body = { prompt: 'a cat' };
      return accepted.parse((await call(api(), 'POST', '/v1/async/generate-image', { key, body })).data).jobId;
    };
    const [oldChat, newChat, oldImage, newImage] = [
      accepted.parse((await submit(key)).data).jobId,
      accepted.parse((await submit(key)).data).jobId,
      await image(),
      await image(),
    ];
    const ends = await endsOf(customer, [oldChat, newChat, oldImage, newImage]);
    const ended = "status IN ('COMPLETED','FAILED','CANCELLED')";
    await product.execute(
      `UPDATE jobs SET finished_at=finished_at-INTERVAL 31 DAY WHERE id IN ('${oldChat}','${oldImage}') AND ${ended}`,
    );
    const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
    const client = new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE });
    const removed = await client.workflow.execute('retention', {
      workflowId: `retention-${product.config.DB_NAME}`,
      taskQueue: 'maintenance',
    });
    await connection.close();
    assert.deepEqual(z.looseObject({ jobPayloads: z.number(), pictures: z.number() }).parse(removed).jobPayloads, 2);
    for (const [at, jobId] of [oldChat, newChat, oldImage, newImage].entries()) {
      const job = await jobOf(key, jobId);
      assert.equal(job.cost, ends[at]?.cost);
      assert.equal(job.resultPayload === null, at % 2 === 0);
    }
    const images = await product.rows(`SELECT request_id FROM stored_images WHERE user_id=${userId}`);
    assert.deepEqual(
      images.map((row) => row.request_id),
      [newImage],
    );
    for (const [at, status] of [
      [2, 404],
      [3, 200],
    ] as const) {
      const [url = ''] = z.object({ imageUrls: z.array(z.string()) }).parse(ends[at]?.resultPayload).imageUrls;
      const { pathname, search } = new URL(url);
      assert.equal((await fetch(`${api()?.url}${pathname}${search}`)).status, status);
    }
    await stored(userId);
  });

  test('a job that waits is not begun once its key is deleted or its user is switched off', async () => {
    const [deleted, disabled] = [await newCustomer(api()), await newCustomer(api())];
    const login = { body: { username: 'root', password: product.rootPassword } };
    const { token } = z.object({ token: z.string() }).parse((await call(api(), 'POST', '/v1/auth/login', login)).data);
    const jobIds: string[] = [];
    await withoutWorker(async () => {
      for (const { key } of [deleted, disabled]) jobIds.push(accepted.parse((await submit(key)).data).jobId);
      const keys = await call(api(), 'GET', '/v1/access-keys', { token: deleted.token });
      const [accessKey] = z.array(z.object({ id: z.number() })).parse(keys.data);
      await call(api(), 'DELETE', `/v1/access-keys/${accessKey?.id}`, { token: deleted.token });
      await call(api(), 'POST', `/v1/users/${disabled.userId}/status`, { token, body: { status: 0 } });
    });
    await until('both have ended', async () => {
      const rows = await product.rows(
        `SELECT status,cost,provider_attempts AS calls FROM jobs WHERE id IN ('${jobIds.join("','")}')`,
      );
      return rows.every(({ status, cost, calls }) => status === 'FAILED' && Number(cost) === 0 && Number(calls) === 0);
    });
  });
});
