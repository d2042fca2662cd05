import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { z } from 'zod';
import { parseMoney } from '../../core/ledger/money.ts';
import { UsageStore } from '../../core/usage/usage-store.ts';
import { connectMongo } from '../../infra/mongo/connection.ts';
import { jobWorkflowId } from '../../workflows/contracts.ts';
import { until } from '../until.ts';
import { call, jobEnd, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';

const chatReply = z.object({
  assistantMessage: z.string().min(1),
  usedModelIdentifier: z.string(),
  inputTokensCount: z.number().positive(),
  outputTokensCount: z.number().positive(),
  cost: z.number().positive(),
  requestId: z.string(),
});
const accepted = z.object({ jobId: z.string(), status: z.literal('PENDING') });
const me = z.object({ balance: z.number(), held: z.number() });

describe('the line from a registration to charged calls', () => {
  let product: Product;
  before(async () => {
    ({ product } = await sharedProduct('jobs'));
  });

  const api = () => product.apis[0];
  const balanceOf = async (token: string) => me.parse((await call(api(), 'GET', '/v1/auth/me', { token })).data);

  test('a sync chat and a job are charged by the provider’s own count, to the nano-unit', async () => {
    const { key, token, userId } = await newCustomer(api());
    const sync = await call(api(), 'POST', '/v1/chat', { key, body: { userMessage: 'good morning' } });
    assert.equal(sync.status, 200);
    const reply = chatReply.parse(sync.data);
    assert.equal(sync.headers.get('x-request-id'), reply.requestId);
    assert.equal(parseMoney(sync.headers.get('x-cost') ?? ''), parseMoney(reply.cost));
    const job = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'good evening' } });
    assert.equal(job.status, 202);
    const ended = await jobEnd(api(), key, accepted.parse(job.data).jobId);
    assert.equal(ended.status, 'COMPLETED');
    const jobReply = chatReply.parse(ended.resultPayload);
    assert.equal(jobReply.cost, ended.cost);
    const after = await balanceOf(token);
    const spent = (parseMoney(reply.cost) ?? 0n) + (parseMoney(jobReply.cost) ?? 0n);
    assert.equal(parseMoney(after.balance), 100_000_000_000n - spent);
    assert.equal(after.held, 0);
    const charges = await product.rows(
      `SELECT t.prompt_tokens, t.completion_tokens, t.estimated FROM transfers t JOIN accounts a ON a.id=t.account_id
        WHERE a.owner_id=${userId} AND t.kind='charge' ORDER BY t.id`,
    );
    assert.deepEqual(charges, [
      { prompt_tokens: reply.inputTokensCount, completion_tokens: reply.outputTokensCount, estimated: 0 },
      { prompt_tokens: jobReply.inputTokensCount, completion_tokens: jobReply.outputTokensCount, estimated: 0 },
    ]);
    const entries = await usageEntries(product, userId, 2);
    for (const { requestId, cost } of [reply, jobReply]) {
      assert.equal(entries.get(requestId)?.cost, parseMoney(cost), 'the usage log says what was charged');
    }
    assert.deepEqual([entries.get(reply.requestId)?.isAsync, entries.get(jobReply.requestId)?.isAsync], [false, true]);
  });

  test('a failing provider is not charged, and the caller is told why', async () => {
    const { key, token } = await newCustomer(api());
    await fetch(`${product.simulator.url}/control/faults`, {
      method: 'POST',
      body: JSON.stringify({ fault: '500', model: 'sim-chat' }),
    });
    try {
      const answer = await call(api(), 'POST', '/v1/chat', {
        key,
        body: { userMessage: 'hello', modelIdentifier: 'sim-chat' },
      });
      assert.deepEqual([answer.status, answer.code], [502, 700003]);
    } finally {
      await fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
    }
    const balance = await balanceOf(token);
    assert.deepEqual([balance.balance, balance.held], [100, 0]);
  });

  test('without money there is a 402 and no call', async () => {
    const { key, userId } = await newCustomer(api());
    const root = await call(api(), 'POST', '/v1/auth/login', {
      body: { username: 'root', password: product.rootPassword },
    });
    const { token } = z.object({ token: z.string() }).parse(root.data);
    const drained = await call(api(), 'POST', `/v1/users/${userId}/adjust-balance`, {
      token,
      body: { amount: '-100', reason: 'test' },
      headers: { 'idempotency-key': `drain-${userId}` },
    });
    assert.equal(drained.status, 200, drained.message);
    for (const path of ['/v1/chat', '/v1/async/chat']) {
      const answer = await call(api(), 'POST', path, { key, body: { userMessage: 'hello' } });
      assert.deepEqual([answer.status, answer.code], [402, 402001], path);
    }
  });

  test('one key and body give one job and one charge; another body is refused', async () => {
    const { key, userId } = await newCustomer(api());
    const send = (userMessage: string) =>
      call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage }, headers: { 'idempotency-key': 'same' } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => send('hello')));
    const jobIds = new Set(answers.map((answer) => accepted.parse(answer.data).jobId));
    assert.equal(jobIds.size, 1);
    assert.equal((await send('other')).code, 409002);
    const [jobId = ''] = jobIds;
    assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
    const sync = (userMessage: string) =>
      call(api(), 'POST', '/v1/chat', { key, body: { userMessage, requestId: 'mine' } });
    const [first, second] = [await sync('hi'), await sync('hi')];
    assert.deepEqual(first.data, second.data);
    const [count] = await product.rows(
      `SELECT COUNT(*) AS n FROM transfers t JOIN accounts a ON a.id=t.account_id WHERE a.owner_id=${userId} AND t.kind='charge'`,
    );
    assert.equal(Number(count?.n), 2);
  });

  test('another user’s job is not there', async () => {
    const [owner, other] = [await newCustomer(api()), await newCustomer(api())];
    const job = await call(api(), 'POST', '/v1/async/chat', { key: owner.key, body: { userMessage: 'mine' } });
    const { jobId } = accepted.parse(job.data);
    for (const path of [`/v1/async/jobs/${jobId}`, `/v1/async/jobs/${jobId}?wait=1`]) {
      assert.equal((await call(api(), 'GET', path, { key: other.key })).status, 404);
    }
    assert.equal((await call(api(), 'POST', `/v1/async/jobs/${jobId}/cancel`, { key: other.key })).status, 404);
    assert.equal((await jobEnd(api(), owner.key, jobId)).status, 'COMPLETED');
  });

  test('a running job is cancelled at the provider and charged for what it had produced', async () => {
    const { key, token } = await newCustomer(api());
    await fetch(`${product.simulator.url}/control/faults`, {
      method: 'POST',
      body: JSON.stringify({ fault: 'slow-chunks', value: 300, model: 'sim-chat' }),
    });
    const job = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'a long story please' } });
    const { jobId } = accepted.parse(job.data);
    try {
      await until('the job runs', async () => {
        const answer = await call(api(), 'GET', `/v1/async/jobs/${jobId}`, { key });
        return z.object({ status: z.string() }).parse(answer.data).status === 'PROCESSING';
      });
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const started = Date.now();
      await call(api(), 'POST', `/v1/async/jobs/${jobId}/cancel`, { key });
      const ended = await jobEnd(api(), key, jobId);
      assert.equal(ended.status, 'CANCELLED');
      assert.ok(Date.now() - started < 5_000, 'the cancel reached the provider call');
      assert.ok((ended.cost ?? 0) > 0, 'what was produced is charged');
    } finally {
      await fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
    }
    assert.equal((await balanceOf(token)).held, 0);
  });

  test('an order is paid once by ten callers, and an unpaid one fails by its workflow', async () => {
    const { token } = await newCustomer(api());
    const order = async () => {
      const answer = await call(api(), 'POST', '/v1/orders', { token, body: { amount: 5 } });
      return z.object({ orderNo: z.string() }).parse(answer.data).orderNo;
    };
    const [paid, unpaid] = [await order(), await order()];
    const payments = await Promise.all(
      Array.from({ length: 10 }, () =>
        call(api(), 'POST', '/v1/orders/pay-success', { token, body: { orderNo: paid } }),
      ),
    );
    assert.deepEqual([...new Set(payments.map((answer) => answer.status))], [200]);
    assert.equal((await balanceOf(token)).balance, 105);
    await until('the unpaid order has failed', async () => {
      const answer = await call(api(), 'GET', `/v1/orders/get?orderNo=${unpaid}`, { token });
      return z.object({ status: z.string() }).parse(answer.data).status === 'FAILED';
    });
    assert.equal((await balanceOf(token)).balance, 105);
  });

  test('histories hold titles and references, never prompts, keys or answers', async () => {
    const { key, userId } = await newCustomer(api());
    const canary = 'zanzibar';
    const good = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: `say ${canary}` } });
    const bad = await call(api(), 'POST', '/v1/async/chat', {
      key,
      body: { userMessage: `fail ${canary}`, options: { temperature: 99 } },
    });
    const jobIds = [good, bad].map((answer) => accepted.parse(answer.data).jobId);
    const ends = await Promise.all(jobIds.map((jobId) => jobEnd(api(), key, jobId)));
    assert.equal(ends[0]?.status, 'COMPLETED');
    assert.ok(JSON.stringify(ends[0]?.resultPayload).includes(canary), 'the simulator echoes the prompt');
    const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
    try {
      const client = new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE });
      for (const jobId of jobIds) {
        const handle = client.workflow.getHandle(jobWorkflowId({ type: 'chat', userId, id: jobId }));
        await until('the workflow has ended', async () => (await handle.describe()).status.name !== 'RUNNING');
        const description = await handle.describe();
        assert.match(String(description.memo?.title), /^chat · sim-\S+ · user \d+ · hold 0\.\d+$/);
        assert.match((await description.staticSummary()) ?? '', /^chat · /);
        assert.match(
          (await description.staticDetails()) ?? '',
          /^\[In the console\]\(http:\/\/localhost:\d+\/console\/all-jobs\?job=[\w-]{36}\)$/,
        );
        assert.equal(description.typedSearchAttributes.getAll().length >= 3, true);
        const history = textOf(await handle.fetchHistory());
        assert.ok(history.includes(jobId), 'payloads are read');
        for (const secret of [canary, key, key.slice(-20)]) assert.equal(history.includes(secret), false, secret);
      }
    } finally {
      await connection.close();
    }
  });
});

/** A user's entries in the usage log, once there are this many. */
async function usageEntries(product: Product, userId: number, count: number) {
  const mongo = connectMongo(product.config, pino({ level: 'silent' }));
  try {
    const log = new UsageStore(mongo);
    const logged = () => log.newest({ userId }, 10).catch(() => []);
    await until('the calls are in the usage log', async () => (await logged()).length === count);
    return new Map((await logged()).map((entry) => [entry.requestId, entry]));
  } finally {
    await mongo.close();
  }
}

/** All text in a history: its strings, and its payloads decoded. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return `${value}\n`;
  if (value instanceof Uint8Array) return `${Buffer.from(value).toString()}\n`;
  if (typeof value !== 'object' || value === null) return '';
  return Object.values(value).map(textOf).join('');
}
