/** The ways in which clients of the earlier service call, each of which must go on working. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { ask, newKey, newPerson, numberAt, type Person, signIn, textAt } from './asking.ts';

describe('clients of the earlier service', () => {
  let product: Product;
  let root: string;
  let person: Person;
  let key: string;
  const api = () => product.apis[0];

  before(async () => {
    ({ product } = await sharedProduct('api'));
    root = await signIn(api(), 'root', product.rootPassword);
    person = await newPerson(api(), root, 'ROLE_USER', 5);
    key = (await newKey(api(), person.token)).text;
  });

  test('no body, an empty body and {} are the same wherever no field is required', async () => {
    const calls: [string, string][] = [
      ['/v1/access-keys', person.token],
      ['/v1/conversations', key],
      ['/v1/statistics/models', root],
      ['/v1/statistics/logs/query', root],
    ];
    for (const [path, bearer] of calls) {
      for (const sent of [{}, { body: '' }, { body: '{}' }, { body: {} }]) {
        const answer = await ask(api(), 'POST', path, { bearer, ...sent });
        assert.equal(answer.status, 200, `${path} with ${JSON.stringify(sent)}: ${answer.text}`);
      }
    }
  });

  test('a page of 1000 is clamped to 100, not refused', async () => {
    for (const [path, bearer] of [
      ['/v1/users', root],
      ['/v1/providers', root],
      ['/v1/models', root],
      ['/v1/orders', root],
      ['/v1/orders/my', person.token],
      ['/v1/async/jobs', key],
    ] as const) {
      const answer = await ask(api(), 'GET', `${path}?pageNum=1&pageSize=1000`, { bearer });
      assert.deepEqual([answer.status, answer.at('data.size')], [200, 100], path);
    }
  });

  test('login token and access key at once, as the web client sends them', async () => {
    const both = { bearer: person.token, headers: { 'ACCESS-KEY': key } };
    assert.equal((await ask(api(), 'GET', '/v1/auth/me', both)).at('data.id'), person.id);
    assert.notEqual((await ask(api(), 'GET', '/v1/models', both)).at('data.records'), undefined);
    const chat = await ask(api(), 'POST', '/v1/chat', { ...both, body: { userMessage: 'hello' } });
    assert.equal(chat.status, 200, chat.text);
    const stale = { bearer: 'a.stale.token', headers: { 'ACCESS-KEY': key } };
    assert.equal((await ask(api(), 'POST', '/v1/chat', { ...stale, body: { userMessage: 'hello' } })).status, 200);
    const alone = await ask(api(), 'GET', '/v1/models', { bearer: key });
    assert.deepEqual([alone.at('object'), alone.at('data.0.object')], ['list', 'model']);
  });

  test('prices are taken as numbers or text, exactly', async () => {
    const provider = await ask(api(), 'POST', '/v1/providers', {
      bearer: root,
      body: { name: 'earlier', urlBase: 'https://provider.example/v1' },
    });
    const make = (modelIdentifier: string, pricing: string) =>
      ask(api(), 'POST', '/v1/models', {
        bearer: root,
        body:
          `{"displayName":"x","modelIdentifier":"${modelIdentifier}","capabilities":["text-to-text"],"priority":1,` +
          `"providerId":${numberAt(provider, 'data.id')},"upstreamModel":null,"pricing":${pricing}}`,
      });
    const numbers = await make('numbers', '{"input":0.000000123456789,"output":0.0000002}');
    assert.equal(numbers.status, 200, numbers.text);
    assert.match(numbers.text, /"input":0\.000000123456789,"output":0\.0000002\b/);
    const texts = await make('texts', '{"input":"0.000000000000001","output":"2E-7"}');
    assert.equal(texts.status, 200, texts.text);
    assert.match(texts.text, /"input":0\.000000000000001,"output":0\.0000002\b/);
    assert.equal((await make('wrong', '{"input":0.02,"output":0.02}')).status, 400, 'meant per thousand');
  });

  test('local times are read in the zone of the installation', async () => {
    const expiresAt = async (text: string) =>
      (await ask(api(), 'POST', '/v1/access-keys', { bearer: person.token, body: { expiresAt: text } })).at(
        'data.expiresAt',
      );
    for (const text of [
      '2099-05-06 07:08:09',
      '2099-05-06T07:08:09',
      '2099-05-05T23:08:09Z',
      '2099-05-06T07:08:09+08:00',
    ]) {
      assert.equal(await expiresAt(text), '2099-05-06T07:08:09.000+08:00', text);
    }
    const logs = await ask(api(), 'POST', '/v1/statistics/logs/query', {
      bearer: root,
      body: { startTime: '2026-01-01 00:00:00', endTime: '2099-01-01T00:00:00', limit: null, isSuccess: null },
    });
    assert.equal(logs.status, 200, logs.text);
  });

  test('switches and ids come as numbers, texts or booleans', async () => {
    for (const status of [0, '0', 1, '1']) {
      const path = `/v1/users/${person.id}/status`;
      const answer = await ask(api(), 'POST', path, { bearer: root, body: { status } });
      assert.equal(answer.at('data.status'), Number(status));
    }
    const body = { userId: String(person.id), role: 'ROLE_USER' };
    assert.equal((await ask(api(), 'POST', '/v1/users/assign-role', { bearer: root, body })).status, 200);
  });

  test('a form sends a record back as it was read, with what was changed', async () => {
    for (const [path, change] of [
      ['/v1/providers', { name: 'renamed by a form' }],
      ['/v1/models', { displayName: 'renamed by a form' }],
    ] as const) {
      const row = (await ask(api(), 'GET', `${path}?sortBy=createdAt&sortOrder=desc&pageSize=1`, { bearer: root })).at(
        'data.records.0',
      );
      const body = { ...Object(row), ...change };
      const answer = await ask(api(), 'PUT', `${path}/${body.id}`, { bearer: root, body });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.at(`data.${Object.keys(change)[0]}`), 'renamed by a form');
    }
  });

  test('beside what is listed, inference takes anything and management nothing', async () => {
    const said = { userMessage: 'hello', clientVersion: '1.2', options: { top_k: 3 } };
    assert.equal((await ask(api(), 'POST', '/v1/chat', { bearer: key, body: said })).status, 200);
    const limited = await ask(api(), 'GET', '/v1/models?limit=1000', { bearer: key });
    assert.deepEqual([limited.status, limited.at('object')], [200, 'list'], 'as clients of OpenAI list models');
    const filtered = await ask(api(), 'GET', '/v1/models?limit=1000', { bearer: root });
    assert.deepEqual([filtered.status, filtered.at('data.errors.0.path')], [400, 'limit']);
  });

  test('every answer is the envelope and shows its trace id', async () => {
    const answer = await ask(api(), 'GET', '/v1/auth/me', { headers: { 'X-Request-Id': 'web-1' } });
    assert.deepEqual(
      [answer.status, answer.at('code'), answer.at('data'), answer.at('traceId'), answer.headers.get('x-trace-id')],
      [401, 401004, null, 'web-1', 'web-1'],
    );
    assert.ok(textAt(answer, 'message').length > 0);
  });
});
