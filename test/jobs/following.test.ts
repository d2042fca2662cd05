import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { apiFetch } from '../e2e/api-fetch.ts';
import { call, jobEnd, newCustomer, type Product, startProduct } from '../e2e/product.ts';
import { rootToken } from '../e2e/upstream.ts';
import { until } from '../until.ts';

const stateSchema = z.object({ jobId: z.string(), status: z.string(), progress: z.number() });

describe('who waits for a job', () => {
  let product: Product;
  before(async () => {
    product = await startProduct({ name: 'following', apis: 2 });
  });
  after(() => product.close());

  const api = (index = 0) => product.apis[index];
  const submit = async (key: string, userMessage = 'hello') => {
    const answer = await call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage } });
    return z.object({ jobId: z.string() }).parse(answer.data).jobId;
  };
  const fault = (body: object) =>
    fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: JSON.stringify(body) });
  const noFaults = () => fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
  /** All states of a job's stream until it ends. */
  const follow = async (
    index: number,
    key: string,
    jobId: string,
    onState: (status: string) => void = () => undefined,
  ) => {
    const answer = await apiFetch(`${api(index)?.url}/v1/async/jobs/${jobId}/events`, {
      headers: { 'access-key': key },
    });
    assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    const states: z.output<typeof stateSchema>[] = [];
    const parser = createParser({
      onEvent: ({ event, data }) => {
        assert.equal(event, 'status');
        const state = stateSchema.parse(JSON.parse(data));
        states.push(state);
        onState(state.status);
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }));
    return states;
  };

  test('sees the present state at once, every change from another process, and the end', async () => {
    const { key } = await newCustomer(api());
    await fault({ fault: 'slow-chunks', value: 60, model: 'sim-chat' });
    await product.worker.stop();
    const jobId = await submit(key);
    const following = follow(1, key, jobId);
    await product.worker.start();
    const states = await following;
    await noFaults();
    assert.deepEqual(
      states.map((state) => state.status),
      ['PENDING', 'PROCESSING', 'COMPLETED'],
    );
    assert.equal(states.at(-1)?.progress, 100);
    assert.deepEqual(await follow(0, key, jobId), [{ jobId, status: 'COMPLETED', progress: 100 }], 'an ended job');
  });

  test('only the owner; a job that is not there is a 404, not a stream', async () => {
    const [owner, other] = [await newCustomer(api()), await newCustomer(api())];
    const jobId = await submit(owner.key);
    for (const [key, id] of [
      [other.key, jobId],
      [owner.key, 'none'],
    ]) {
      const answer = await call(api(), 'GET', `/v1/async/jobs/${id}/events`, { key: key ?? '' });
      assert.deepEqual([answer.status, answer.code], [404, 500002]);
    }
    await jobEnd(api(), owner.key, jobId);
  });

  test('without Redis the end is reported all the same, a little later', async () => {
    const { key } = await newCustomer(api());
    const redis = product.stack.part('redis');
    await fault({ fault: 'slow-chunks', value: 100, model: 'sim-chat' });
    const jobId = await submit(key, 'a story of some length');
    try {
      let started = false;
      const following = follow(1, key, jobId, () => {
        started = true;
      });
      await until('the stream has begun', async () => started);
      await redis.kill('SIGKILL');
      await noFaults();
      const waited = await call(api(1), 'GET', `/v1/async/jobs/${jobId}?wait=30`, { key });
      assert.equal(z.object({ status: z.string() }).parse(waited.data).status, 'COMPLETED');
      assert.equal((await following).at(-1)?.status, 'COMPLETED');
    } finally {
      await redis.start();
    }
  });

  test('a wait ends with its seconds, a stream with its client', async () => {
    const { key } = await newCustomer(api());
    await fault({ fault: 'slow-chunks', value: 200, model: 'sim-chat' });
    const jobId = await submit(key);
    const started = Date.now();
    const waited = await call(api(), 'GET', `/v1/async/jobs/${jobId}?wait=1`, { key });
    assert.match(z.object({ status: z.string() }).parse(waited.data).status, /PENDING|PROCESSING/);
    assert.ok(Date.now() - started >= 950);
    const leaving = new AbortController();
    const stream = apiFetch(`${api()?.url}/v1/async/jobs/${jobId}/events`, {
      headers: { 'access-key': key },
      signal: leaving.signal,
    }).then((answer) => answer.text());
    leaving.abort();
    await assert.rejects(stream);
    await noFaults();
    await call(api(), 'POST', `/v1/async/jobs/${jobId}/cancel`, { key });
    assert.equal((await jobEnd(api(), key, jobId)).status, 'CANCELLED');
  });

  test('a stream ends soon after its caller may not ask for it any more, in another process, too', async () => {
    const { name, token, key } = await newCustomer(api());
    await product.worker.stop();
    const jobId = await submit(key);
    const begun = await apiFetch(`${api()?.url}/v1/responses`, {
      method: 'POST',
      headers: { 'access-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'hi', background: true }),
    });
    const { id } = z.object({ id: z.string() }).parse(await begun.json());
    const open = async (path: string, headers: Record<string, string>) => {
      const answer = await apiFetch(`${api(1)?.url}${path}`, { headers });
      assert.equal(answer.status, 200);
      return { path, rest: answer.text() };
    };
    const ofSession = await open(`/v1/async/jobs/${jobId}/events`, { authorization: `Bearer ${token}` });
    const ofKey = [
      await open(`/v1/async/jobs/${jobId}/events`, { 'access-key': key }),
      await open(`/v1/responses/${id}?stream=true`, { 'access-key': key }),
    ];
    await call(api(), 'DELETE', '/v1/auth/session', { token });
    assert.match(await ofSession.rest, /PENDING/);
    const again = await call(api(), 'GET', `/v1/async/jobs/${jobId}`, { key });
    assert.equal(again.status, 200, 'the key is good');
    const login = await call(api(), 'POST', '/v1/auth/login', { body: { username: name, password: `pass-${name}` } });
    const { token: second } = z.object({ token: z.string() }).parse(login.data);
    const keys = await call(api(), 'GET', '/v1/access-keys', { token: second });
    const [own] = z.array(z.object({ id: z.number() })).parse(keys.data);
    await call(api(), 'DELETE', `/v1/access-keys/${own?.id}`, { token: second });
    for (const { path, rest } of ofKey) assert.doesNotMatch(await rest, /COMPLETED|response\.completed|\[DONE\]/, path);
    await product.worker.start();
  });

  test('a list of jobs leaves long payloads in the database, one job is answered whole', async () => {
    const { key } = await newCustomer(api());
    const text = '"界" '.repeat(20_000);
    const long = await submit(key, text);
    const short = await submit(key);
    await jobEnd(api(), key, short);
    const whole = await jobEnd(api(), key, long);
    const requestSchema = z.object({ requestPayload: z.object({ userMessage: z.string() }) });
    assert.equal(requestSchema.parse(whole).requestPayload.userMessage, text);
    const omitted = z.object({ omittedBytes: z.number().min(100_000), message: z.string().includes('/{jobId}') });
    const pageSchema = z.object({
      records: z.tuple([
        requestSchema.extend({ jobId: z.literal(short), resultPayload: z.object({ assistantMessage: z.string() }) }),
        z.object({ jobId: z.literal(long), requestPayload: omitted }),
      ]),
      total: z.literal(2),
    });
    const listed = await call(api(), 'GET', '/v1/async/jobs?pageSize=100', { key });
    const page = pageSchema.parse(listed.data);
    assert.equal(page.records[0].requestPayload.userMessage, 'hello');
    assert.ok(JSON.stringify(listed.data).length < 40_000);
    const ids = z.object({ records: z.array(z.object({ jobId: z.string() })) });
    const oldestFirst = await call(api(), 'GET', '/v1/async/jobs?sortBy=createdAt&sortOrder=asc&status=&type=', {
      key,
    });
    assert.deepEqual(
      ids.parse(oldestFirst.data).records.map(({ jobId }) => jobId),
      [long, short],
    );
  });

  test('a job of a later version is left out, and the others are answered', async () => {
    const { key } = await newCustomer(api());
    const [known, later] = [await submit(key), await submit(key)];
    for (const jobId of [known, later]) await jobEnd(api(), key, jobId);
    await product.execute('ALTER TABLE jobs DROP CONSTRAINT jobs_types');
    await product.execute(`UPDATE jobs SET type='video' WHERE id='${later}'`);
    const list = z.object({ records: z.array(z.object({ jobId: z.string() })) });
    const own = await call(api(), 'GET', '/v1/async/jobs', { key });
    assert.deepEqual(
      list.parse(own.data).records.map(({ jobId }) => jobId),
      [known],
    );
    assert.equal((await call(api(), 'GET', `/v1/async/jobs/${later}`, { key })).status, 404);
    const root = { token: await rootToken(product) };
    const all = await call(api(), 'GET', '/v1/admin/jobs?pageSize=100', root);
    const ids = list.parse(all.data).records.map(({ jobId }) => jobId);
    assert.deepEqual([ids.includes(known), ids.includes(later)], [true, false]);
    assert.equal((await call(api(), 'GET', `/v1/admin/jobs/${later}`, root)).status, 404);
    await product.execute(`UPDATE jobs SET type='chat' WHERE id='${later}'`);
  });

  test('a large job is answered whole, to so many clients of a user at once as read it', async () => {
    const { key } = await newCustomer(api());
    const [large, small] = [await submit(key), await submit(key)];
    for (const jobId of [large, small]) await jobEnd(api(), key, jobId);
    const length = 10_000_000;
    await product.execute(
      `UPDATE jobs SET request=JSON_OBJECT('userMessage',REPEAT('x',${length})),payload_bytes=${length} WHERE id='${large}'`,
    );
    const path = `/v1/async/jobs/${large}`;
    const whole = z.object({ requestPayload: z.object({ userMessage: z.string().length(length) }) });
    whole.parse((await call(api(), 'GET', path, { key })).data);
    /** A client that sees the beginning of its answer and reads no more. */
    const openUnread = async () => {
      const socket = connect(Number(new URL(api()?.url ?? '').port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\naccess-key: ${key}\r\n\r\n`);
      await once(socket, 'readable');
      return socket;
    };
    const unread = await Promise.all(Array.from({ length: 4 }, openUnread));
    const isRefused = async () => (await call(api(), 'GET', path, { key })).status === 429;
    const refused = await call(api(), 'GET', `${path}?wait=1`, { key });
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
    assert.match(refused.message, /4 answers over 1 MB are on their way/);
    assert.equal((await call(api(), 'GET', `/v1/async/jobs/${small}`, { key })).status, 200);
    for (const socket of unread) socket.destroy();
    await until('those who left have made room', async () => !(await isRefused()));
  });

  test('metadata is kept as deep as the database reads it, and refused by name beyond', async () => {
    const { key } = await newCustomer(api());
    const nested = (levels: number): object => (levels === 1 ? { a: 1 } : { a: nested(levels - 1) });
    const submitWith = (metadata: object) =>
      call(api(), 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello', metadata } });
    assert.equal((await submitWith(nested(30))).status, 202);
    const refused = await submitWith(nested(40));
    assert.deepEqual([refused.status, refused.code], [400, 400001]);
    assert.match(JSON.stringify(refused.data), /"path":"metadata"/);
  });
});
