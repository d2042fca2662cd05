import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { webhookWorkflowId } from '../../workflows/contracts.ts';
import { type Customer, call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';
import { rootToken } from '../e2e/upstream.ts';
import { until } from '../until.ts';
import type { Received, Receiver } from './receiver.ts';
import { startedProduct } from './started.ts';

const message = z.object({
  type: z.string(),
  timestamp: z.iso.datetime(),
  data: z.object({
    jobId: z.string(),
    status: z.string(),
    cost: z.number(),
    resultPayload: z.unknown(),
    metadata: z.unknown(),
  }),
});
const delivery = z.object({
  ...{ id: z.string(), jobId: z.string(), url: z.string(), status: z.string(), attempts: z.number() },
  ...{ redeliveries: z.number(), lastStatus: z.number().nullable(), lastError: z.string().nullable() },
});

describe('webhooks', () => {
  let product: Product;
  let receiver: Receiver;
  before(async () => {
    ({ product, receiver } = await startedProduct());
  });

  const api = () => product.apis[0];
  const urlOf = (path: string) => `http://127.0.0.1:${receiver.port}${path}`;
  const submit = (key: string, webhookUrl: string, more: object = {}) =>
    call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello', webhookUrl, ...more } });
  const jobIdOf = (answer: { data: unknown }) => z.object({ jobId: z.string() }).parse(answer.data).jobId;
  const log = async (key: string) => {
    const answer = await call(api(), 'GET', '/v1/webhooks/deliveries', { key });
    return z.object({ records: z.array(delivery), total: z.number() }).parse(answer.data);
  };
  const deliveryOf = async (key: string, jobId: string) =>
    (await log(key)).records.find((record) => record.jobId === jobId);
  const deliveredAs = (key: string, jobId: string, status: string) =>
    until(`the delivery is ${status}`, async () => (await deliveryOf(key, jobId))?.status === status);
  const newSecret = async ({ token }: Customer) => {
    const answer = await call(api(), 'POST', '/v1/webhooks/secrets', { token });
    assert.equal(answer.status, 201);
    return z.object({ secret: z.string().startsWith('whsec_') }).parse(answer.data).secret;
  };
  const redeliver = (key: string, id: string) =>
    call(api(), 'POST', `/v1/webhooks/deliveries/${id}/redeliver`, { key });

  test('the end of a job arrives signed, with its result, and is in the log of its owner only', async () => {
    const [owner, other] = [await newCustomer(api()), await newCustomer(api())];
    const secret = await newSecret(owner);
    const jobId = jobIdOf(await submit(owner.key, urlOf('/good'), { metadata: { order: 7 } }));
    const ended = await jobEnd(api(), owner.key, jobId);
    await deliveredAs(owner.key, jobId, 'DELIVERED');
    const [got, ...more] = receiver.at('/good');
    assert.ok(got);
    assert.equal(more.length, 0);
    assert.equal(got.headers['webhook-id'], jobId);
    const { type, data } = message.parse(new Webhook(secret).verify(got.body, got.headers));
    assert.deepEqual([type, data.jobId, data.status, data.cost], ['job.completed', jobId, 'COMPLETED', ended.cost]);
    assert.deepEqual(data.resultPayload, ended.resultPayload);
    assert.deepEqual(data.metadata, { order: 7 });
    assert.equal((await log(other.key)).total, 0);
    assert.equal((await redeliver(other.key, jobId)).status, 404);
    await assertNothingPrivate(product, webhookWorkflowId(owner.userId, jobId, 0), ['/good', secret, 'hello']);

    const root = await rootToken(product);
    const again = await call(api(), 'POST', `/v1/admin/webhook-deliveries/${jobId}/redeliver`, { token: root });
    const answered = delivery.extend({ userId: z.number(), username: z.string() }).parse(again.data);
    assert.deepEqual(
      [again.status, answered.status, answered.redeliveries, answered.userId, answered.username],
      [202, 'PENDING', 1, owner.userId, owner.name],
    );
    await deliveredAs(owner.key, jobId, 'DELIVERED');
    assert.equal(receiver.at('/good').length, 2);
    assert.equal((await redeliver(owner.key, jobId)).status, 202);
    await deliveredAs(owner.key, jobId, 'DELIVERED');
    const records = await product.rows(`SELECT action,actor_name FROM audit_log WHERE target_id='${jobId}'`);
    assert.deepEqual(records, [{ action: 'webhooks.redeliver', actor_name: 'root' }], "not the owner's own");
  });

  test('a private address that providers may have is refused to webhooks', async () => {
    const { key } = await newCustomer(api());
    const provider = product.simulator.url;
    assert.ok(product.config.OUTBOUND_PRIVATE_HOSTS.includes(new URL(provider).host));
    const answer = await submit(key, `${provider}/control/faults`);
    assert.deepEqual([answer.status, answer.code], [400, 400001], answer.message);
  });

  test('a secret that is replaced signs beside the new one; secrets are shown once', async () => {
    const owner = await newCustomer(api());
    const secrets = [await newSecret(owner), await newSecret(owner)];
    const jobId = jobIdOf(await submit(owner.key, urlOf('/rotated')));
    await deliveredAs(owner.key, jobId, 'DELIVERED');
    const [got] = receiver.at('/rotated');
    assert.ok(got);
    assert.equal(got.headers['webhook-signature']?.split(' ').length, 2);
    for (const secret of secrets) assert.doesNotThrow(() => new Webhook(secret).verify(got.body, got.headers));
    const listed = await call(api(), 'GET', '/v1/webhooks/secrets', { token: owner.token });
    const shown = z.array(z.object({ id: z.number(), retiresAt: z.string().nullable() })).parse(listed.data);
    assert.deepEqual(
      shown.map((entry) => entry.retiresAt === null),
      [true, false],
    );
    assert.equal(JSON.stringify(listed.data).includes('whsec_'), false);
    const stored = await product.rows('SELECT secret FROM webhook_secrets');
    for (const row of stored) assert.equal(String(row.secret).includes('whsec_'), false, 'sealed at rest');
  });

  test('of secrets that are made at once the last one is the present one', async () => {
    const owner = await newCustomer(api());
    await Promise.all(Array.from({ length: 12 }, () => newSecret(owner)));
    const present = await product.rows(
      `SELECT id FROM webhook_secrets WHERE user_id=${owner.userId} AND retires_at IS NULL`,
    );
    assert.equal(present.length, 1);
  });

  test('a repeated request for a secret makes none and does not show it again, for it is kept nowhere', async () => {
    const { token, userId } = await newCustomer(api());
    const ask = (key: string) =>
      call(api(), 'POST', '/v1/webhooks/secrets', { token, headers: { 'idempotency-key': key } });
    const made = z.strictObject({ id: z.number(), secret: z.string() });
    const first = made.parse((await ask('secret-1')).data);
    const repeated = await ask('secret-1');
    assert.equal(repeated.status, 201);
    assert.deepEqual(repeated.data, { id: first.id });
    const kept = await product.rows(`SELECT answer FROM idempotency WHERE scope='u${userId}'`);
    assert.deepEqual(
      kept.map(({ answer }) => String(answer)),
      [`{"id":${first.id}}`],
    );
    const { id } = made.parse((await ask('secret-2')).data);
    const listed = await call(api(), 'GET', '/v1/webhooks/secrets', { token });
    const ids = z.array(z.object({ id: z.number() })).parse(listed.data);
    assert.deepEqual(
      ids.map((secret) => secret.id),
      [id, first.id],
    );
  });

  test('without a secret of its own a user’s messages are signed all the same', async () => {
    const owner = await newCustomer(api());
    const jobId = jobIdOf(await submit(owner.key, urlOf('/unasked')));
    await deliveredAs(owner.key, jobId, 'DELIVERED');
    assert.match(receiver.at('/unasked')[0]?.headers['webhook-signature'] ?? '', /^v1,[\w+/]{43}=$/);
  });

  test('a failed job and one cancelled before it began are announced, too', async () => {
    const owner = await newCustomer(api());
    const bad = jobIdOf(await submit(owner.key, urlOf('/failed'), { options: { temperature: 99 } }));
    await deliveredAs(owner.key, bad, 'DELIVERED');
    assert.equal(message.parse(JSON.parse(receiver.at('/failed')[0]?.body ?? '')).type, 'job.failed');
    await product.worker.stop();
    const jobId = jobIdOf(await submit(owner.key, urlOf('/cancelled')));
    await call(api(), 'POST', `/v1/async/jobs/${jobId}/cancel`, { key: owner.key });
    await product.worker.start();
    await deliveredAs(owner.key, jobId, 'DELIVERED');
    assert.equal(message.parse(JSON.parse(receiver.at('/cancelled')[0]?.body ?? '')).type, 'job.cancelled');
  });

  test('a redirect is a failure and not followed; the next try repeats the same message', async () => {
    const owner = await newCustomer(api());
    receiver.answerWith('/moved', 302);
    const jobId = jobIdOf(await submit(owner.key, urlOf('/moved')));
    await until('the first try has failed', async () => (await deliveryOf(owner.key, jobId))?.attempts === 1);
    const failed = await deliveryOf(owner.key, jobId);
    assert.deepEqual([failed?.status, failed?.lastStatus], ['PENDING', 302]);
    assert.equal((await redeliver(owner.key, jobId)).code, 500006, 'it is on its way');
    receiver.answerWith('/moved', 200);
    await deliveredAs(owner.key, jobId, 'DELIVERED');
    const [first, second] = receiver.at('/moved') as [Received, Received];
    assert.equal(first.headers['webhook-id'], second.headers['webhook-id']);
    assert.equal(first.body, second.body);
    assert.ok(second.atMs - first.atMs >= 4_900, `${second.atMs - first.atMs} ms`);
    assert.equal(receiver.at('/elsewhere').length, 0);
  });

  test('410 ends the use of an address until a redelivery comes through', async () => {
    const owner = await newCustomer(api());
    receiver.answerWith('/gone', 410);
    const first = jobIdOf(await submit(owner.key, urlOf('/gone')));
    await deliveredAs(owner.key, first, 'DISABLED');
    const second = jobIdOf(await submit(owner.key, urlOf('/gone')));
    await deliveredAs(owner.key, second, 'FAILED');
    assert.equal(receiver.at('/gone').length, 1, 'nothing was sent to it again');
    receiver.answerWith('/gone', 200);
    assert.equal((await redeliver(owner.key, second)).status, 202);
    await deliveredAs(owner.key, second, 'DELIVERED');
    assert.equal((await deliveryOf(owner.key, second))?.redeliveries, 1);
    const third = jobIdOf(await submit(owner.key, urlOf('/gone')));
    await deliveredAs(owner.key, third, 'DELIVERED');
  });

  test('addresses that are not public are refused: at submission, or by their name at delivery', async () => {
    const owner = await newCustomer(api());
    const before = receiver.received.length;
    const inner = ['http://127.0.0.1/', 'http://10.0.0.1:8080/', 'http://[::1]/', 'http://168.63.129.16/'];
    const named = ['http://localhost:8080/', 'http://database/', 'http://metadata.google.internal/'];
    for (const url of [...inner, ...named, 'https://a:b@example.com/']) {
      const answer = await submit(owner.key, url);
      assert.deepEqual([answer.status, answer.code], [400, 400001], url);
      assert.match(JSON.stringify(answer.data), /webhookUrl/);
    }
    const jobId = jobIdOf(await submit(owner.key, 'http://no-such-host.invalid:8080/'));
    await until('the try has failed', async () => (await deliveryOf(owner.key, jobId))?.attempts === 1);
    assert.match((await deliveryOf(owner.key, jobId))?.lastError ?? '', /could not be reached at a public address/);
    assert.equal(receiver.received.length, before);
    const [count] = await product.rows(`SELECT COUNT(*) AS n FROM jobs WHERE user_id=${owner.userId}`);
    assert.equal(Number(count?.n), 1, 'a refused submission leaves no job');
  });
});

/** A history holds references: not the address, no secret, nothing of the result. */
async function assertNothingPrivate(product: Product, workflowId: string, texts: readonly string[]): Promise<void> {
  const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
  try {
    const client = new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE });
    const handle = client.workflow.getHandle(workflowId);
    await until('the workflow has ended', async () => (await handle.describe()).status.name === 'COMPLETED');
    const history = Buffer.concat(bytesOf(await handle.fetchHistory())).toString();
    assert.ok(history.includes('deliveryId'), 'payloads are read');
    for (const text of texts) assert.equal(history.includes(text), false, text);
  } finally {
    await connection.close();
  }
}

function bytesOf(value: unknown): Uint8Array[] {
  if (typeof value === 'string') return [Buffer.from(value)];
  if (value instanceof Uint8Array) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(bytesOf);
}
