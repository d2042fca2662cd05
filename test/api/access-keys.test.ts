import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Product, startProduct } from '../e2e/product.ts';
import { until } from '../until.ts';
import {
  ask,
  newKey,
  newPerson,
  numberAt,
  OWN_ADDRESSES,
  type Person,
  type RawAnswer,
  signIn,
  textAt,
} from './asking.ts';

const KEY_FORM = /^ak-[A-Za-z0-9_-]{59}$/;

describe('access keys', () => {
  let product: Product;
  let root: string;
  let owner: Person;
  const api = (index = 0) => product.apis[index];
  const keys = (method: string, path = '', body?: unknown, token = owner.token) =>
    ask(api(), method, `/v1/access-keys${path}`, { bearer: token, ...(body === undefined ? {} : { body }) });
  /** A call that needs a good key and costs nothing. */
  const use = (key: string, index = 0) => ask(api(index), 'GET', '/v1/async/jobs', { bearer: key });

  before(async () => {
    product = await startProduct({ name: 'access-keys', worker: false, apis: 2, settings: OWN_ADDRESSES });
    root = await signIn(api(), 'root', product.rootPassword);
    owner = await newPerson(api(), root, 'ROLE_USER', 1);
  });
  after(() => product.close());

  test('a key is made from an empty body, shown once, listed masked and stored as a hash', async () => {
    const made = await keys('POST');
    const text = textAt(made, 'data.keyValue');
    assert.match(text, KEY_FORM);
    assert.deepEqual([made.at('data.name'), made.at('data.isActive')], ['', true]);
    const list = await keys('GET');
    assert.equal(list.text.includes(text), false);
    assert.equal(list.at('data.0.maskedKeyValue'), `${text.slice(0, 7)}…${text.slice(-4)}`);
    const [row] = await product.rows(
      'SELECT HEX(key_hash) AS hash, public_part, last_four FROM access_keys ORDER BY id DESC LIMIT 1',
    );
    assert.equal(String(row?.hash).length, 64);
    assert.deepEqual([row?.public_part, row?.last_four], [text.slice(3, 19), text.slice(-4)]);
    assert.equal((await use(text)).status, 200);
  });

  test('limits are kept as given, in the lenient forms of earlier clients', async () => {
    const body =
      '{"name":"batch","expiresAt":"2099-01-02 03:04:05","allowedModels":["a","b"],"rpmLimit":"60","tpmLimit":1000,' +
      '"parallelLimit":null,"budget":12.000000001}';
    const made = await keys('POST', '', body);
    assert.deepEqual(
      ['expiresAt', 'allowedModels', 'rpmLimit', 'tpmLimit', 'parallelLimit', 'budgetPeriod'].map((name) =>
        made.at(`data.${name}`),
      ),
      ['2099-01-02T03:04:05.000+08:00', ['a', 'b'], 60, 1000, null, 'total'],
    );
    assert.match(made.text, /"budget":12\.000000001,/);
    const id = numberAt(made, 'data.id');
    const changed = await keys('PATCH', `/${id}`, {
      name: 'renamed',
      budget: null,
      rpmLimit: null,
      budgetPeriod: 'day',
    });
    assert.deepEqual(
      ['name', 'budget', 'rpmLimit', 'tpmLimit', 'allowedModels', 'budgetPeriod'].map((name) =>
        changed.at(`data.${name}`),
      ),
      ['renamed', null, null, 1000, ['a', 'b'], 'day'],
    );
    const unlimited = await keys('PATCH', `/${id}`, { allowedModels: null, expiresAt: null });
    assert.deepEqual([unlimited.at('data.allowedModels'), unlimited.at('data.expiresAt')], [null, null]);
    assert.equal((await keys('PATCH', `/${id}`, {})).at('data.tpmLimit'), 1000);
  });

  test('limits that make no sense are 400 and named', async () => {
    const cases: [string, unknown][] = [
      ['expiresAt', '2001-01-01 00:00:00'],
      ['expiresAt', 'tomorrow'],
      ['allowedModels', []],
      ['allowedModels', 'a'],
      ['rpmLimit', 0],
      ['rpmLimit', 1.5],
      ['tpmLimit', 1e12],
      ['budget', -1],
      ['budget', '1e-10'],
      ['budgetPeriod', 'week'],
      ['name', 'x'.repeat(101)],
      ['name', 5],
      ['name', 'a\u0007b'],
      ['name', 'a\u202eb'],
    ];
    for (const [name, value] of cases) {
      const refused = await keys('POST', '', { [name]: value });
      assert.equal(refused.status, 400, name);
      assert.ok(String(refused.at('data.errors.0.path')).startsWith(name), refused.text);
    }
  });

  test('a deleted key is refused by the next call on each of two processes', async () => {
    const key = await newKey(api(), owner.token);
    assert.deepEqual([(await use(key.text, 0)).status, (await use(key.text, 1)).status], [200, 200]);
    assert.equal((await keys('DELETE', `/${key.id}`)).status, 200);
    const next = await Promise.all([use(key.text, 0), use(key.text, 1)]);
    assert.deepEqual(
      next.map(({ status }) => status),
      [401, 401],
    );
    assert.equal((await keys('DELETE', `/${key.id}`)).status, 404);
    assert.equal((await keys('PATCH', `/${key.id}`, { isActive: true })).status, 404);
    assert.equal((await keys('GET')).text.includes(`"id":${key.id},`), false);
  });

  test('switching a key off and on, its expiry and its user’s state count on both processes', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 1);
    const key = await newKey(api(), person.token);
    const both = async (): Promise<RawAnswer[]> => [await use(key.text, 0), await use(key.text, 1)];
    const codes = async () => (await both()).map((answer) => answer.at('code'));
    assert.deepEqual(await codes(), [200, 200]);
    const patch = (body: unknown) => keys('PATCH', `/${key.id}`, body, person.token);
    await patch({ isActive: '0' });
    assert.deepEqual(await codes(), [401, 401]);
    await patch({ isActive: true, expiresAt: new Date(Date.now() + 1_500).toISOString() });
    assert.deepEqual(await codes(), [200, 200]);
    const deadline = Date.now() + 10_000;
    while ((await use(key.text)).status === 200) assert.ok(Date.now() < deadline, 'the key does not expire');
    await patch({ expiresAt: null });
    assert.deepEqual(await codes(), [200, 200]);
    const status = (value: number) =>
      ask(api(), 'POST', `/v1/users/${person.id}/status`, { bearer: root, body: { status: value } });
    await status(0);
    assert.deepEqual(await codes(), [401006, 401006]);
    await status(1);
    assert.deepEqual(await codes(), [200, 200]);
  });

  test('a key opens nothing of the management, and is not shown to others', async () => {
    const key = await newKey(api(), owner.token);
    for (const path of ['/v1/auth/me', '/v1/access-keys', '/v1/users', '/v1/providers', '/v1/audit']) {
      assert.equal((await ask(api(), 'GET', path, { bearer: key.text })).status, 401, path);
    }
    const other = await newPerson(api(), root, 'ROLE_ROOT_ADMIN', 0);
    assert.equal((await keys('PATCH', `/${key.id}`, { isActive: false }, other.token)).status, 404);
    assert.equal((await keys('DELETE', `/${key.id}`, undefined, other.token)).status, 404);
    assert.equal((await use(key.text)).status, 200);
  });

  test('a repeated creation makes one key and does not show it again', async () => {
    const create = () =>
      ask(api(), 'POST', '/v1/access-keys', {
        bearer: owner.token,
        body: { name: 'repeated' },
        headers: { 'Idempotency-Key': 'create-1' },
      });
    const first = await create();
    const second = await create();
    assert.match(textAt(first, 'data.keyValue'), KEY_FORM);
    assert.equal(second.status, 200);
    assert.equal(second.at('data.id'), first.at('data.id'));
    assert.equal(second.at('data.keyValue'), undefined);
  });

  test('a user never has more than a hundred keys, also when they are made at once on two processes', async () => {
    const { token } = await newPerson(api(), root, 'ROLE_USER', 0);
    const made = (index: number) => ask(api(index % 2), 'POST', '/v1/access-keys', { bearer: token });
    for (let n = 0; n < 95; n += 19) await Promise.all(Array.from({ length: 19 }, (_, index) => made(index)));
    const last = await Promise.all(Array.from({ length: 60 }, (_, index) => made(index)));
    assert.equal(last.filter(({ status }) => status === 200).length, 5);
    assert.equal(last.filter((answer) => answer.at('code') === 500006).length, 55);
    assert.equal((await keys('GET', '', undefined, token)).at('data.100'), undefined);
  });

  test('login token and access key at once: management takes the token, jobs the key', async () => {
    const key = await newKey(api(), owner.token);
    const headers = { 'ACCESS-KEY': key.text };
    assert.equal((await ask(api(), 'GET', '/v1/auth/me', { bearer: owner.token, headers })).at('data.id'), owner.id);
    assert.equal((await ask(api(), 'GET', '/v1/async/jobs', { bearer: 'not a token', headers })).status, 200);
    const used = `SELECT id FROM access_keys WHERE id=${key.id} AND last_used_at IS NOT NULL`;
    await until('the use is noted', async () => (await product.rows(used)).length === 1);
  });
});
