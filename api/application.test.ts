import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError } from 'sequelize';
import { z } from 'zod';
import { AppError } from '../infra/errors.ts';
import { serve } from './application.fixture.ts';
import { OPENAI } from './http/forms.ts';
import { money, moneyInput } from './http/money.ts';
import { ANSWERED, route } from './http/route.ts';

const base = { tag: 'Test', summary: 'test', access: 'open' } as const;
const echo = route({
  ...base,
  method: 'post',
  path: '/echo',
  operationId: 'test1',
  body: z.looseObject({}),
  success: z.unknown(),
  handler: ({ body }) => body,
});
const pay = route({
  ...base,
  method: 'post',
  path: '/pay',
  operationId: 'test2',
  body: z.object({ amount: moneyInput }),
  success: z.unknown(),
  handler: ({ body }) => ({ amount: money(body.amount) }),
});
const thing = route({
  ...base,
  method: 'get',
  path: '/things/{id}',
  operationId: 'test3',
  params: z.object({ id: z.string().max(100) }),
  unknownFields: 'ignored',
  success: z.string(),
  handler: ({ params }) => params.id,
});
const special = route({
  ...base,
  method: 'get',
  path: '/things/special',
  operationId: 'test4',
  success: z.string(),
  handler: () => 'fixed',
});
const failing = (path: string, error: () => unknown) =>
  route({
    ...base,
    method: 'post',
    path,
    operationId: path,
    success: z.null(),
    handler: () => {
      throw error();
    },
  });
const json = { 'content-type': 'application/json' };

test('a success is the envelope with the data, a trace id and security headers', async () => {
  await using app = await serve([special]);
  const response = await app.call('/things/special');
  const traceId = response.header('x-trace-id');
  assert.match(traceId ?? '', /^[0-9a-f]{32}$/);
  assert.deepEqual(JSON.parse(response.text), { code: 200, message: 'success', data: 'fixed', traceId });
  assert.equal(response.header('content-type'), 'application/json; charset=utf-8');
  assert.equal(response.header('x-content-type-options'), 'nosniff');
});

test('an incoming trace id is taken when it is well formed, from any of its headers', async () => {
  await using app = await serve([special]);
  for (const name of ['X-Trace-Id', 'X-Request-Id', 'Trace-Id']) {
    const response = await app.call('/things/special', { headers: { [name]: 'client.trace_1' } });
    assert.equal(response.header('x-trace-id'), 'client.trace_1');
  }
  for (const value of ['a b', 'x'.repeat(65), 'a"b', '{}']) {
    const response = await app.call('/things/special', { headers: { 'X-Trace-Id': value } });
    assert.notEqual(response.header('x-trace-id'), value);
  }
});

test("a traceparent's trace is the trace id, unless X-Trace-Id names another", async () => {
  await using app = await serve([special]);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const idOf = async (headers: Record<string, string>) =>
    (await app.call('/things/special', { headers })).header('x-trace-id');
  assert.equal(await idOf({ traceparent }), '4bf92f3577b34da6a3ce929d0e0e4736');
  assert.equal(await idOf({ traceparent, 'X-Request-Id': 'of-a-proxy' }), '4bf92f3577b34da6a3ce929d0e0e4736');
  assert.equal(await idOf({ traceparent, 'X-Trace-Id': 'mine' }), 'mine');
  assert.equal(await idOf({ traceparent: 'none', 'X-Request-Id': 'of-a-proxy' }), 'of-a-proxy');
});

test('fixed paths win over parameters, in whatever order they are declared', async () => {
  await using app = await serve([thing, special]);
  assert.equal((await app.call('/things/special')).at('data'), 'fixed');
  assert.equal((await app.call('/things/other')).at('data'), 'other');
});

test('unknown paths are 404, known ones with another method 405 with Allow', async () => {
  await using app = await serve([thing, special, echo]);
  const unknown = await app.call('/nothing');
  assert.equal(unknown.status, 404);
  assert.equal(unknown.at('code'), 404);
  for (const [path, allow] of [
    ['/things/5', 'HEAD, GET'],
    ['/echo', 'POST'],
  ] as const) {
    const wrong = await app.call(path, { method: 'PUT' });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.header('allow'), allow);
    assert.equal(wrong.at('code'), 405);
  }
});

test('a path that is no UTF-8 is 400', async () => {
  await using app = await serve([thing]);
  assert.equal((await app.call('/things/%ff')).status < 500, true);
});

test('a missing body is an empty object; other types, bad JSON and too much are refused', async () => {
  await using app = await serve([echo]);
  const post = (init: RequestInit) => app.call('/echo', { method: 'POST', ...init });
  assert.deepEqual((await post({})).at('data'), {});
  assert.deepEqual((await post({ body: '', headers: json })).at('data'), {});
  const cases: [RequestInit, number, number][] = [
    [{ body: '{', headers: json }, 400, 400003],
    [{ body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415, 415],
    [{ body: '{}', headers: { ...json, 'content-encoding': 'gzip' } }, 415, 415],
    [{ body: '[]', headers: json }, 400, 400004],
    [{ body: `"${'x'.repeat(16 * 1024)}"`, headers: json }, 413, 800002],
  ];
  for (const [init, status, code] of cases) {
    const response = await post(init);
    assert.equal(response.status, status);
    assert.equal(response.at('code'), code);
  }
});

test('a body without a length is cut at the limit', async () => {
  await using app = await serve([echo]);
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent += 1;
      if (sent > 30) controller.close();
      else controller.enqueue(new Uint8Array(1024).fill(32));
    },
  });
  const response = await app.call('/echo', { method: 'POST', body, headers: json, duplex: 'half' } as RequestInit);
  assert.equal(response.status, 413);
});

test('money goes in and out exactly', async () => {
  await using app = await serve([pay]);
  const paid = async (amount: string): Promise<string> => {
    const response = await app.call('/pay', { method: 'POST', headers: json, body: `{"amount":${amount}}` });
    return response.text.replace(/,"traceId".*/, '');
  };
  assert.equal(
    await paid('123456789.123456789'),
    '{"code":200,"message":"success","data":{"amount":123456789.123456789}',
  );
  assert.equal(await paid('"0.000000001"'), '{"code":200,"message":"success","data":{"amount":0.000000001}');
  assert.match(await paid('0.30000000000000004'), /"code":400001/);
  assert.match(await paid('1e30'), /"code":400001/);
  assert.match(await paid('true'), /"code":400004|"code":400001/);
});

test('an unexpected error is 500 without its text, and logged with the trace id', async () => {
  await using app = await serve([failing('/bug', () => new Error('canary text'))]);
  const response = await app.call('/bug', { method: 'POST' });
  const { text } = response;
  assert.equal(response.status, 500);
  assert.equal(text.includes('canary'), false);
  assert.match(app.logText(), /canary text/);
  assert.match(app.logText(), new RegExp(`"traceId":"${response.header('x-trace-id')}"`));
});

test('a database that is away is 503, a wrong statement is 500', async () => {
  const lost = Object.assign(new Error('Connection lost'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
  const wrong = Object.assign(new Error('syntax'), { code: 'ER_PARSE_ERROR', sql: 'SELECT canary' });
  await using app = await serve([
    failing('/lost', () => lost),
    failing('/lost-inside', () => new DatabaseError(Object.assign(lost, { sql: 'SELECT canary' }))),
    failing('/wrong', () => new DatabaseError(wrong)),
    failing('/upstream', () => Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
  ]);
  for (const [path, status, code] of [
    ['/lost', 503, 900001],
    ['/lost-inside', 503, 900001],
    ['/wrong', 500, 500],
    ['/upstream', 500, 500],
  ] as const) {
    const response = await app.call(path, { method: 'POST' });
    assert.equal(response.status, status, path);
    assert.equal(response.at('code'), code, path);
  }
  assert.equal(app.logText().includes('SELECT canary'), false);
});

test('Retry-After follows the error', async () => {
  await using app = await serve([
    failing('/busy', () => new AppError('tooManyRequests', 'slow down', { retryAfterSeconds: 7 })),
  ]);
  const response = await app.call('/busy', { method: 'POST' });
  assert.equal(response.status, 429);
  assert.equal(response.header('retry-after'), '7');
});

test("OpenAI's paths answer errors in OpenAI's form", async () => {
  const chat = failing(
    '/v1/chat/completions',
    () => new AppError('modelNotFound', 'there is no model x', { param: 'model' }),
  );
  const models = route({
    ...base,
    method: 'get',
    path: '/v1/models',
    operationId: 'test5',
    access: 'anyone-signed-in',
    success: z.null(),
    successForKey: z.null(),
    handler: () => null,
  });
  await using app = await serve([{ ...chat, form: OPENAI }, models]);
  const response = await app.call('/v1/chat/completions', { method: 'POST' });
  assert.equal(response.status, 404);
  assert.deepEqual(JSON.parse(response.text), {
    error: { message: 'there is no model x', type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
  });
  const keyAlone = await app.call('/v1/models', { headers: { authorization: 'Bearer ak-bad' } });
  assert.equal(keyAlone.at('error.code'), 'invalid_api_key');
  const both = await app.call('/v1/models', { headers: { authorization: 'Bearer bad', 'access-key': 'ak-bad' } });
  assert.equal(both.at('code'), 401002);
  for (const path of ['/v1/chat/completions', '/v1/embeddings', '/v1/images/variations', '/v1/chat/other']) {
    assert.equal((await app.call(path)).at('error.type'), 'invalid_request_error', `no GET ${path}`);
  }
  for (const path of ['/v1/filesystem', '/v1/embedding', '/embeddings']) {
    assert.equal((await app.call(path)).at('code'), 404, path);
  }
});

test('only listed origins may read answers', async () => {
  await using app = await serve([special]);
  const from = (origin: string) => app.call('/things/special', { headers: { origin } });
  assert.equal((await from('http://web.test')).header('access-control-allow-origin'), 'http://web.test');
  assert.equal((await from('http://api.test')).header('access-control-allow-origin'), 'http://api.test');
  assert.equal((await from('http://evil.test')).header('access-control-allow-origin'), null);
  const preflight = await app.call('/things/special', {
    method: 'OPTIONS',
    headers: {
      origin: 'http://web.test',
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'access-key',
    },
  });
  assert.equal(preflight.status, 204);
  assert.match(preflight.header('access-control-allow-methods') ?? '', /PATCH/);
  assert.equal(preflight.header('access-control-allow-headers'), 'access-key');
});

test('each request is logged and measured once, without query, headers or body', async () => {
  await using app = await serve([thing, echo]);
  await app.call('/things/5?token=canary', { headers: { authorization: 'Bearer canary' } });
  await app.call('/echo', { method: 'POST', headers: json, body: '{"x":"canary"}' });
  // Written when the answer has ended, which the client may know a moment earlier.
  const requests = () => app.logText().match(/"msg":"request"/g)?.length ?? 0;
  const deadline = AbortSignal.timeout(5_000);
  while (requests() < 2 && !deadline.aborted) await new Promise((resolve) => setImmediate(resolve));
  const metrics = await app.metrics.registry.metrics();
  assert.match(metrics, /http_request_duration_seconds_count\{method="GET",route="\/things\/\{id\}",status="200"\} 1/);
  assert.equal(requests(), 2);
  assert.equal(app.logText().includes('canary'), false);
});

test('the signal of a handler aborts when the client leaves', async () => {
  const aborted = Promise.withResolvers<string>();
  const started = Promise.withResolvers<void>();
  const slow = route({
    ...base,
    method: 'get',
    path: '/slow',
    operationId: 'test6',
    success: z.null(),
    handler: ({ signal, ctx }) => {
      signal.addEventListener('abort', () => aborted.resolve(String(signal.reason)));
      started.resolve();
      return aborted.promise.then(() => {
        ctx.body = null;
        return ANSWERED;
      });
    },
  });
  await using app = await serve([slow]);
  const client = new AbortController();
  const call = app.call('/slow', { signal: client.signal });
  await started.promise;
  client.abort();
  await assert.rejects(call);
  assert.match(await aborted.promise, /client has left/);
});
