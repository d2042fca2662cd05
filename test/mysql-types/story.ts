/** The main paths of the product through every store, and what each step answered, without ids and times. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { lookAtMysql } from '../../cli/doctor/mysql.ts';
import { reconcile } from '../../core/ledger/reconcile.ts';
import { migrate } from '../../infra/mysql/migrations.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { apiFetch } from '../e2e/api-fetch.ts';
import { call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';
import { addProvider, rootToken, upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';
import type { Receiver } from '../webhooks/receiver.ts';

/** Before each token of an answer, so that a job is asked for while it runs whether it was cancelled. */
const SLOW_CHUNK_MS = 40;
const JOB_AT_LEAST_MS = 1_500;
/** Calls of the story that are in the usage log. */
const CALLS = 5;

const idOf = (data: unknown) => z.object({ id: z.number() }).parse(data).id;
const jobIdOf = (data: unknown) => z.object({ jobId: z.string() }).parse(data).jobId;

/** @param tag names what is made, apart from another run of the story. */
export async function story(product: Product, receiver: Receiver, tag: string): Promise<Record<string, unknown>> {
  const steps: Record<string, unknown> = {};
  const [api] = product.apis;
  const model = `model-${tag}`;
  const record = (step: string, answer: unknown) => {
    assert.equal(step in steps, false, step);
    steps[step] = plain(answer, tag);
  };
  /** Each answer is part of the story. */
  const ask = async (step: string, method: string, path: string, options: Parameters<typeof call>[3] = {}) => {
    const { status, code, message, data } = await call(api, method, path, options);
    record(step, { status, code, message, data });
    return data;
  };

  // The catalog.
  const root = await rootToken(product);
  const [keyId] = await addProvider(product, {
    name: `provider-${tag}`,
    keys: [`sim-${tag}`],
    models: [
      { identifier: model, upstream: 'sim-chat' },
      { identifier: `other-${tag}`, upstream: 'sim-chat' },
    ],
  });
  await ask('a key of the provider is switched off', 'POST', `/v1/providers/keys/${keyId}/status`, {
    token: root,
    body: { status: 0 },
  });
  await ask('and on again', 'POST', `/v1/providers/keys/${keyId}/status`, { token: root, body: { status: 1 } });
  await ask('the models', 'GET', `/v1/models?modelIdentifier=${model}&pageSize=1`, { token: root });
  await ask('the providers', 'GET', `/v1/providers?name=provider-${tag}`, { token: root });

  // An account, its money and its keys.
  const credentials = { username: `teller-${tag}`, password: `pass-${tag}` };
  await ask('registration', 'POST', '/v1/auth/register', { body: credentials });
  const login = await call(api, 'POST', '/v1/auth/login', { body: credentials });
  const { token } = z.object({ token: z.string() }).parse(login.data);
  const userId = idOf(await ask('who I am', 'GET', '/v1/auth/me', { token }));
  const order = await ask('an order', 'POST', '/v1/orders', { token, body: { amount: 5 } });
  const { orderNo } = z.object({ orderNo: z.string() }).parse(order);
  await ask('its payment', 'POST', '/v1/orders/pay-success', { token, body: { orderNo } });
  await ask('a second order', 'POST', '/v1/orders', { token, body: { amount: '0.50' } });
  await ask('the orders, page 2', 'GET', '/v1/orders/my?pageSize=1&pageNum=2', { token });
  const newKey = await call(api, 'POST', '/v1/access-keys', {
    token,
    body: { name: 'limited', rpmLimit: 1_000, budget: '4.00', budgetPeriod: 'month' },
  });
  const { keyValue: key } = z.object({ keyValue: z.string() }).parse(newKey.data);

  // Calls.
  const say = { userMessage: 'good morning', modelIdentifier: model };
  const keyed = { key, body: say, headers: { 'idempotency-key': 'mine' } };
  await ask('a chat', 'POST', '/v1/chat', keyed);
  await ask('the same chat', 'POST', '/v1/chat', keyed);
  await ask('the same key for another chat', 'POST', '/v1/chat', { ...keyed, body: { ...say, userMessage: 'x' } });
  const conversation = await ask('a conversation', 'POST', '/v1/conversations', { key, body: { title: 'Talk' } });
  const { conversationId } = z.object({ conversationId: z.string() }).parse(conversation);
  const kept = { ...say, persistHistory: true, conversationId };
  await ask('a kept chat', 'POST', '/v1/chat', { key, body: kept });
  const stream = await apiFetch(`${api?.url}/v2/chat/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'access-key': key },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'and good night' }] }),
  });
  record('a stream', { status: stream.status, said: (await stream.text()).includes('[DONE]') });
  const generated = await call(api, 'POST', '/v1/generate-image', { key, body: { prompt: 'a lighthouse' } });
  const [link = ''] = z.object({ imageUrls: z.array(z.string()) }).parse(generated.data).imageUrls;
  const { pathname, search } = new URL(link);
  const image = await apiFetch(`${api?.url}${pathname}${search}`);
  record('an image', { status: image.status, type: image.headers.get('content-type') });

  // Jobs.
  const slow = upstream(product);
  await slow.fault({ fault: 'slow-chunks', value: SLOW_CHUNK_MS, key: `sim-${tag}` });
  const submit = async (from: string, body: object) =>
    jobIdOf((await call(api, 'POST', '/v1/async/chat', { key: from, body })).data);
  const job = await submit(key, {
    ...kept,
    webhookUrl: `http://127.0.0.1:${receiver.port}/${tag}`,
    metadata: { a: [1] },
  });
  const submittedMs = Date.now();
  // Another user's: what it costs depends on the moment.
  const other = await newCustomer(api);
  const cancelled = await submit(other.key, { ...say, modelIdentifier: `other-${tag}` });
  await until('the job runs', async () => {
    const { data } = await call(api, 'GET', `/v1/async/jobs/${cancelled}`, { key: other.key });
    return z.object({ status: z.string() }).parse(data).status === 'PROCESSING';
  });
  await call(api, 'POST', `/v1/async/jobs/${cancelled}/cancel`, { key: other.key });
  record('a job that is cancelled', (await jobEnd(api, other.key, cancelled)).status);
  const ended = await jobEnd(api, key, job);
  assert.equal(ended.status, 'COMPLETED');
  record('a job of seconds', ended);
  assert.ok(Date.now() - submittedMs > JOB_AT_LEAST_MS);
  await slow.noFaults();
  await until('the webhook is delivered', async () => {
    const { data } = await call(api, 'GET', '/v1/webhooks/deliveries', { key });
    const { records } = z.object({ records: z.array(z.object({ status: z.string() })) }).parse(data);
    return records.some(({ status }) => status === 'DELIVERED');
  });
  await ask('the deliveries', 'GET', '/v1/webhooks/deliveries?pageSize=1', { key });
  record('the webhook', JSON.parse(receiver.at(`/${tag}`)[0]?.body ?? 'null'));
  await ask('the completed jobs', 'GET', '/v1/async/jobs?status=COMPLETED&pageSize=1', { key });

  // A call whose process died: the sweeper gives the money back.
  await product.execute(`UPDATE accounts SET available=available-1000 WHERE owner_id=${userId};`.replace(/;$/, ''));
  await product.execute(
    `INSERT INTO holds (id,account_id,owner,amount,state,slot,epoch,expires_at,created_at)
       SELECT UUID(),id,'call',1000,'open',0,0,NOW(3)-INTERVAL 1 SECOND,NOW(3) FROM accounts WHERE owner_id=${userId}`,
  );
  await until('nothing is held', async () => {
    const { data } = await call(api, 'GET', '/v1/auth/me', { token });
    return z.object({ held: z.number() }).parse(data).held === 0;
  });

  // What is counted and listed.
  await until('the usage log has all calls', async () => {
    const { data } = await call(api, 'GET', '/v1/statistics/logs/me?limit=50', { token });
    const called = z
      .array(z.object({ status: z.string() }))
      .parse(data)
      .filter(({ status }) => status !== 'REFUSED');
    return called.length === CALLS;
  });
  await ask('the conversation', 'GET', `/v1/conversations/${conversationId}/messages?limit=10`, { key });
  await ask('the usage by model', 'GET', '/v1/statistics/usage?groupBy=model', { token });
  await ask('the usage by key', 'GET', '/v1/statistics/usage?groupBy=accessKey', { token });
  await ask('the statistics', 'POST', '/v1/statistics/models', { token: root, body: { modelIdentifier: model } });
  await ask('the statement', 'GET', `/v1/billing/statement?month=${new Date().toISOString().slice(0, 7)}`, { token });
  await ask('the keys', 'GET', '/v1/access-keys', { token });
  await ask('the users', 'GET', `/v1/users?username=teller-${tag}`, { token: root });
  await ask('the audit log', 'GET', `/v1/audit?targetKind=provider_key&targetId=${keyId}&pageSize=2`, { token: root });
  await ask('the account at the end', 'GET', '/v1/auth/me', { token });
  await check(product, record);
  return steps;
}

/** What commands read of the database. */
async function check(product: Product, record: (step: string, answer: unknown) => void): Promise<void> {
  const sequelize = connectSequelize(product.config);
  try {
    record('migrations that are missing', await migrate(product.config, sequelize, () => undefined));
    const { breaches, invariants } = await reconcile(sequelize);
    record('the ledger', { breaches, invariants: invariants.map(({ name, breaches: wrong }) => [name, wrong]) });
  } finally {
    await sequelize.close();
  }
  record('the doctor', await lookAtMysql(product.config));
}

const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>'],
  [/[0-9a-f]{32}/g, '<id>'],
  [/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})/g, '<time>'],
  [/ak-.{4}….{4}/g, '<key>'],
  [/^grant-\d+$/, '<grant>'],
  [/127\.0\.0\.1:\d+/g, '<host>'],
];
/** Numbers that another run of the story has others for, by the name of their field. */
const CHANGING_NUMBERS = /^id$|Id$|Ms$|^latency/;

/** An answer with what changes from one run to the next replaced. */
function plain(value: unknown, tag: string, field = ''): unknown {
  if (typeof value === 'number') return CHANGING_NUMBERS.test(field) ? '<number>' : value;
  if (typeof value === 'string') {
    const text = CHANGING.reduce((said, [pattern, name]) => said.replace(pattern, name), value);
    return text.replaceAll(tag, '<tag>');
  }
  if (Array.isArray(value)) return value.map((each) => plain(each, tag, field));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each, tag, name)]));
}
