import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { z } from 'zod';
import { apiFetch } from '../e2e/api-fetch.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';
import { ask } from './asking.ts';

const chatReply = z.object({ inputTokensCount: z.number(), outputTokensCount: z.number() });
const HELLO = { userMessage: 'hello', modelIdentifier: 'sim-chat', options: { max_tokens: 20 } };

describe('limits of access keys', () => {
  let product: Product;
  before(async () => {
    product = await startProduct({ name: 'key-limits', apis: 2 });
  });
  after(() => product.close());

  const api = (index = 0) => product.apis[index];
  const chat = (key: string, index = 0, body: object = HELLO) => call(api(index), 'POST', '/v1/chat', { key, body });
  const fault = (body: object) =>
    fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: JSON.stringify(body) });
  const noFaults = () => fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
  const limitHeaders = (headers: Headers) =>
    Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-ratelimit-')));

  test('a key without limits is told of none', async () => {
    const { key } = await newCustomer(api());
    assert.deepEqual(limitHeaders((await chat(key)).headers), {});
  });

  test('requests a minute are counted over all processes; a refusal says when to come again and costs nothing', async () => {
    const { key, userId } = await newCustomer(api(), { rpmLimit: 3 });
    const answers = [await chat(key, 0), await chat(key, 1), await chat(key, 0), await chat(key, 1)];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 429],
    );
    const refused = answers[3];
    assert.equal(refused?.code, 429);
    const waitSeconds = Number(refused?.headers.get('retry-after'));
    assert.ok(waitSeconds > 10 && waitSeconds <= 20, `${waitSeconds} s`);
    const [first] = answers;
    assert.deepEqual(
      ['limit', 'remaining', 'reset'].map((part) => first?.headers.get(`x-ratelimit-${part}-requests`)),
      ['3', '2', '20s'],
    );
    assert.equal(first?.headers.get('x-ratelimit-limit-tokens'), null);
    assert.equal(refused?.headers.get('x-ratelimit-remaining-requests'), '0');
    const [charges] = await product.rows(
      `SELECT COUNT(*) AS n FROM transfers t JOIN accounts a ON a.id=t.account_id WHERE a.owner_id=${userId} AND kind='charge'`,
    );
    assert.equal(Number(charges?.n), 3);
    assert.equal(await product.openHolds(userId), 0);
  });

  test('OpenAI’s client sees a RateLimitError with the headers it knows', async () => {
    const { key } = await newCustomer(api(), { rpmLimit: 1 });
    const client = new OpenAI({ baseURL: `${api()?.url}/v1`, apiKey: key, maxRetries: 0, fetch: apiFetch });
    const send = (stream: boolean) =>
      client.chat.completions.create({ model: 'sim-chat', messages: [{ role: 'user', content: 'hi' }], stream });
    await send(false);
    for (const stream of [false, true]) {
      await assert.rejects(send(stream), (error) => {
        assert.ok(error instanceof OpenAI.RateLimitError);
        assert.deepEqual([error.code, error.type], ['rate_limit_exceeded', 'rate_limit_error']);
        assert.equal(error.headers?.get('x-ratelimit-limit-requests'), '1');
        assert.match(error.headers?.get('x-ratelimit-reset-requests') ?? '', /^(1m0s|\d+(\.\d+)?s)$/);
        return true;
      });
    }
  });

  test('tokens a minute are counted by their bound before the call and by the usage after it', async () => {
    const { key } = await newCustomer(api(), { tpmLimit: 1_000 });
    const first = await chat(key);
    assert.equal(first.status, 200);
    const bound = 1_000 - Number(first.headers.get('x-ratelimit-remaining-tokens'));
    const { inputTokensCount, outputTokensCount } = chatReply.parse(first.data);
    const used = inputTokensCount + outputTokensCount;
    assert.ok(bound > used, `${bound} were counted, ${used} used`);
    const second = await chat(key, 1);
    const after = 1_000 - Number(second.headers.get('x-ratelimit-remaining-tokens'));
    assert.ok(after >= bound && after <= bound + used, `${after} after ${used} used and ${bound} asked`);
    const large = await chat(key, 0, { ...HELLO, options: { max_tokens: 5_000 } });
    assert.equal(large.status, 429, 'one that may need more than a minute’s tokens waits until all are free');
    assert.ok(Number(large.headers.get('retry-after')) > 0);
  });

  test('a failed call gives its tokens back', async () => {
    const { key } = await newCustomer(api(), { tpmLimit: 1_000 });
    await fault({ fault: '500', model: 'sim-chat' });
    try {
      assert.equal((await chat(key)).status, 502);
    } finally {
      await noFaults();
    }
    const { headers } = await chat(key);
    const counted = 1_000 - Number(headers.get('x-ratelimit-remaining-tokens'));
    assert.ok(counted < 100, `${counted} are counted for one call`);
  });

  test('requests at once, in one process and the other, streams too', async () => {
    const { key, userId } = await newCustomer(api(), { parallelLimit: 2 });
    await fault({ fault: 'latency', value: 1_500, model: 'sim-chat' });
    try {
      const body = { model: 'sim-chat', messages: [{ role: 'user', content: 'hi' }], max_tokens: 20 };
      const running = [chat(key, 0), ask(api(1), 'POST', '/v2/chat/stream', { bearer: key, body })];
      await until('both are under way', async () => (await product.openHolds(userId)) === 2);
      const refused = await chat(key, 0);
      assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
      assert.deepEqual(
        (await Promise.all(running)).map(({ status }) => status),
        [200, 200],
      );
    } finally {
      await noFaults();
    }
    assert.equal((await chat(key, 1)).status, 200);
  });

  test('places of a process that was killed come free when its leases end', async () => {
    const { key, userId } = await newCustomer(api(), { parallelLimit: 1 });
    await fault({ fault: 'hang', model: 'sim-chat' });
    const lost = chat(key, 1);
    lost.catch(() => undefined);
    await until('it is under way', async () => (await product.openHolds(userId)) === 1);
    await api(1)?.kill('SIGKILL');
    await noFaults();
    assert.equal((await chat(key)).status, 429);
    await until('the lease has ended', async () => (await chat(key)).status === 200, 20_000);
    await api(1)?.start();
  });

  test('a job counts until it has ended, however it ends', async () => {
    const { key } = await newCustomer(api(), { parallelLimit: 1, tpmLimit: 10_000 });
    const submit = () => call(api(), 'POST', '/v1/async/chat', { key, body: HELLO });
    await fault({ fault: 'latency', value: 1_000, model: 'sim-chat' });
    const first = await submit();
    assert.equal(first.status, 202);
    const bound = 10_000 - Number(first.headers.get('x-ratelimit-remaining-tokens'));
    assert.equal((await submit()).status, 429);
    assert.equal((await chat(key)).status, 429, 'calls and jobs have one limit');
    const { jobId } = z.object({ jobId: z.string() }).parse(first.data);
    assert.equal((await jobEnd(api(), key, jobId)).status, 'COMPLETED');
    const second = await submit();
    assert.equal(second.status, 202);
    const counted = 10_000 - Number(second.headers.get('x-ratelimit-remaining-tokens'));
    assert.ok(counted < 2 * bound, `${counted} tokens counted after one job of ${bound}`);
    const cancelled = z.object({ jobId: z.string() }).parse(second.data).jobId;
    await call(api(), 'POST', `/v1/async/jobs/${cancelled}/cancel`, { key });
    await noFaults();
    await until('its place is free', async () => (await chat(key)).status === 200);
    await fault({ fault: '500', model: 'sim-chat' });
    const failing = z.object({ jobId: z.string() }).parse((await submit()).data).jobId;
    await jobEnd(api(), key, failing);
    await noFaults();
    await until('its place is free', async () => (await chat(key)).status === 200);
  });

  test('while Redis is away each process counts for itself, and calls go on', async () => {
    const redis = product.stack.part('redis');
    await redis.kill('SIGKILL');
    try {
      const { key } = await newCustomer(api(), { rpmLimit: 2 });
      const statuses = [];
      for (let request = 0; request < 3; request += 1) statuses.push((await chat(key)).status);
      assert.deepEqual(statuses, [200, 200, 429]);
    } finally {
      await redis.start();
    }
    const { key } = await newCustomer(api(), { rpmLimit: 2 });
    await until('counted together again', async () => {
      await chat(key, 0);
      return (await chat(key, 1)).headers.get('x-ratelimit-remaining-requests') === '0';
    });
  });
});
