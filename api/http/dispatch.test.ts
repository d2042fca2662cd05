import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { serve } from '../application.fixture.ts';
import { type Access, type Route, route } from './route.ts';

const TOKEN = { authorization: 'Bearer user' };
const ROOT_TOKEN = { authorization: 'Bearer root' };
const KEY_HEADERS = [
  { 'access-key': 'ak-good' },
  { 'ACCESS-KEY': 'ak-good' },
  { 'x-api-key': 'ak-good' },
  { authorization: 'Bearer ak-good' },
  { authorization: 'bearer ak-good' },
];

/** Answers who the caller is. */
function whoami(access: Access): Route {
  return route({
    method: 'get',
    path: '/who',
    operationId: 'test1',
    summary: 'test',
    tag: 'Test',
    access,
    success: z.unknown(),
    handler: ({ caller }) => caller?.kind ?? 'nobody',
  });
}

async function who(access: Access, headers: Record<string, string>): Promise<unknown> {
  await using app = await serve([whoami(access)]);
  const answer = await app.call('/who', { headers });
  return answer.status === 200 ? answer.at('data') : answer.at('code');
}

test('an access key is taken from each of its headers', async () => {
  for (const headers of KEY_HEADERS)
    assert.equal(await who('access-key', headers), 'access-key', Object.keys(headers)[0]);
});

test('each kind of access asks for its own credentials', async () => {
  const roles: Access = { roles: ['ROLE_ROOT_ADMIN'] };
  const key = { 'access-key': 'ak-good' };
  const cases: [Access, Record<string, string>, unknown][] = [
    ['open', {}, 'nobody'],
    ['open', { authorization: 'Bearer bad' }, 'nobody'],
    ['optional-jwt', {}, 'nobody'],
    ['optional-jwt', TOKEN, 'user'],
    ['optional-jwt', { authorization: 'Bearer bad' }, 401002],
    ['jwt', {}, 401004],
    ['jwt', { authorization: 'Basic dXNlcg==' }, 401004],
    ['jwt', { authorization: 'Bearer ' }, 401004],
    ['jwt', TOKEN, 'user'],
    ['jwt', key, 401004],
    [roles, {}, 401004],
    [roles, TOKEN, 403001],
    [roles, ROOT_TOKEN, 'user'],
    [roles, key, 401004],
    ['access-key', {}, 401],
    ['access-key', TOKEN, 401],
    ['access-key', { 'access-key': 'ak-bad' }, 401],
    ['jwt-or-access-key', {}, 401],
    ['jwt-or-access-key', TOKEN, 'user'],
    ['jwt-or-access-key', key, 'access-key'],
    ['anyone-signed-in', {}, 401],
    ['anyone-signed-in', key, 'access-key'],
  ];
  for (const [access, headers, expected] of cases) {
    assert.equal(await who(access, headers), expected, JSON.stringify([access, headers]));
  }
});

test('both credentials at once: inference takes the key, management the token', async () => {
  const both = { ...TOKEN, 'access-key': 'ak-good' };
  assert.equal(await who('access-key', both), 'access-key');
  assert.equal(await who('access-key', { authorization: 'Bearer bad', 'access-key': 'ak-good' }), 'access-key');
  assert.equal(await who('jwt-or-access-key', both), 'access-key');
  assert.equal(await who('anyone-signed-in', both), 'user');
  assert.equal(await who('jwt', both), 'user');
});

test('credentials are checked before the body is read', async () => {
  const guarded = route({
    method: 'post',
    path: '/guarded',
    operationId: 'test2',
    summary: 'test',
    tag: 'Test',
    access: 'jwt',
    body: z.object({ needed: z.string() }),
    success: z.null(),
    handler: () => null,
  });
  await using app = await serve([guarded]);
  assert.equal((await app.call('/guarded', { method: 'POST', body: '{' })).status, 401);
});

function makeThing(idempotent: true | 'required'): { made: Route; count: () => number } {
  let count = 0;
  const made = route({
    method: 'post',
    path: '/things',
    operationId: 'test3',
    summary: 'test',
    tag: 'Test',
    access: 'jwt',
    body: z.object({ name: z.string() }),
    success: z.object({ name: z.string(), number: z.number(), secret: z.string().optional() }),
    status: 201,
    idempotent,
    kept: ({ secret: _, ...rest }) => rest,
    handler: ({ body }) => {
      count += 1;
      return { name: body.name, number: count, secret: 'shown once' };
    },
  });
  return { made, count: () => count };
}

test('the same Idempotency-Key and body run once; what is not kept is not shown again', async () => {
  const { made, count } = makeThing(true);
  await using app = await serve([made]);
  const post = (key: string, body: string, token = TOKEN) =>
    app.call('/things', {
      method: 'POST',
      headers: { ...token, 'content-type': 'application/json', 'Idempotency-Key': key },
      body,
    });
  const first = await post('k1', '{"name":"a"}');
  assert.deepEqual([first.status, first.at('data.number'), first.at('data.secret')], [201, 1, 'shown once']);
  const again = await post('k1', '{"name":"a"}');
  assert.deepEqual([again.status, again.at('data.number'), again.at('data.secret')], [201, 1, undefined]);
  assert.notEqual(again.at('traceId'), first.at('traceId'));
  assert.equal((await post('k1', '{"name":"b"}')).status, 422);
  assert.equal((await post('k2', '{"name":"a"}')).at('data.number'), 2);
  assert.equal((await post('k1', '{"name":"a"}', ROOT_TOKEN)).at('data.number'), 3, 'keys belong to their caller');
  assert.equal(count(), 3);
});

test('a required Idempotency-Key is asked for, a malformed one refused', async () => {
  const { made, count } = makeThing('required');
  await using app = await serve([made]);
  const post = (headers: Record<string, string>) =>
    app.call('/things', {
      method: 'POST',
      headers: { ...TOKEN, 'content-type': 'application/json', ...headers },
      body: '{"name":"a"}',
    });
  const missing = await post({});
  assert.deepEqual(
    [missing.status, missing.at('code'), missing.at('data.errors.0.path')],
    [400, 400002, 'Idempotency-Key'],
  );
  assert.equal((await post({ 'Idempotency-Key': 'a b' })).status, 400);
  assert.equal((await post({ 'Idempotency-Key': 'x'.repeat(256) })).status, 400);
  assert.equal(count(), 0);
});

test('a page must say that its body is JSON; a program may leave the type out', async () => {
  const told = route({
    method: 'post',
    path: '/told',
    operationId: 'test2',
    summary: 'test',
    tag: 'Test',
    access: 'open',
    body: z.object({ name: z.string() }),
    success: z.unknown(),
    handler: ({ body }) => body.name,
  });
  await using app = await serve([told]);
  const send = async (headers: Record<string, string>) => {
    const body = new Blob([JSON.stringify({ name: 'x' })]);
    return (await app.call('/told', { method: 'POST', headers, body })).status;
  };
  assert.equal(await send({}), 200);
  for (const page of [{ cookie: 'a=b' }, { origin: 'https://other.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    assert.equal(await send(page), 415, JSON.stringify(page));
    assert.equal(await send({ ...page, 'content-type': 'application/json' }), 200, JSON.stringify(page));
  }
});
