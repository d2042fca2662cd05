/** What ROOT sees and does beyond the own account: users, access keys, and what they spent. */
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

describe('administration', () => {
  let product: Product;
  let root: string;
  let person: Person;
  let key: { id: number; text: string };
  const api = () => product.apis[0];
  const get = (path: string, bearer = root) => ask(api(), 'GET', path, { bearer });
  const post = (path: string, body: unknown, bearer: string | undefined = root) =>
    ask(api(), 'POST', path, { body, bearer });
  const chat = (bearer: string, model = 'sim-chat'): Promise<RawAnswer> =>
    post('/v1/chat', { userMessage: 'hello', modelIdentifier: model, options: { max_tokens: 5 } }, bearer);

  before(async () => {
    product = await startProduct({ name: 'administration', settings: OWN_ADDRESSES });
    root = await signIn(api(), 'root', product.rootPassword);
    person = await newPerson(api(), root, 'ROLE_USER', 10);
    key = await newKey(api(), person.token, { name: 'first', budget: '2.00', budgetPeriod: 'month' });
    assert.equal((await chat(key.text)).status, 200);
  });
  after(() => product.close());

  describe('users', () => {
    test('a user is found by the beginning of its name, of its address, and by its id', async () => {
      const body = { username: 'Searched_user', password: 'secret 1', email: 'find_me@example.com' };
      const id = numberAt(await post('/v1/users', body), 'data.id');
      const found = async (search: string) => {
        const list = await get(`/v1/users?search=${encodeURIComponent(search)}`);
        assert.equal(list.status, 200, list.text);
        return list.at('data.records.0.id');
      };
      for (const search of ['searched_', 'find_', String(id)]) assert.equal(await found(search), id, search);
      // Signs of LIKE are letters like any other.
      for (const search of ['%', 'searched%', 'searcheduuser', 'user', '\\'])
        assert.equal(await found(search), undefined, search);
    });

    test('one user is told with balance, spend, keys and last calls', async () => {
      const path = `/v1/users/${person.id}`;
      await until('the call is in the log', async () => (await get(path)).at('data.lastCalls.0.isSuccess') === true);
      const user = await get(path);
      const cost = numberAt(user, 'data.lastCalls.0.cost');
      assert.deepEqual(
        [user.at('data.user.username'), user.at('data.accessKeys'), user.at('data.today.requests')],
        [person.username, 1, 1],
      );
      assert.ok(cost > 0);
      assert.deepEqual([user.at('data.today.cost'), user.at('data.last30Days.cost')], [cost, cost]);
      assert.equal(numberAt(user, 'data.user.balance'), 10 - cost);
    });

    test('a link sets a password once; the old password and sessions end with its making', async () => {
      const lost = await newPerson(api(), root, 'ROLE_USER', 0);
      const login = (password: string) => post('/v1/auth/login', { username: lost.username, password }, undefined);
      const reset = (token: string, newPassword: string) =>
        post('/v1/auth/reset-password', { token, newPassword }, undefined);
      const first = textAt(await post(`/v1/users/${lost.id}/reset-password`, {}), 'data.token');
      assert.equal((await login(lost.password)).at('code'), 401001);
      assert.equal((await get('/v1/auth/me', lost.token)).status, 401);
      const second = textAt(await post(`/v1/users/${lost.id}/reset-password`, { form: 'link' }), 'data.token');
      assert.equal((await reset(first, 'newly made 1')).at('code'), 401002, 'the second has replaced it');
      const answers = await Promise.all([1, 2, 3].map((n) => reset(second, `newly made ${n}`)));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401, 401]);
      const winner = answers.findIndex(({ status }) => status === 200) + 1;
      assert.equal((await login(`newly made ${winner}`)).status, 200);
      const stored = await product.rows(`SELECT COUNT(*) AS tokens FROM password_resets WHERE user_id=${lost.id}`);
      assert.equal(Number(stored[0]?.tokens), 0);
    });

    test('an expired link sets nothing', async () => {
      const lost = await newPerson(api(), root, 'ROLE_USER', 0);
      const token = textAt(await post(`/v1/users/${lost.id}/reset-password`, {}), 'data.token');
      await product.execute(`UPDATE password_resets SET expires_at=NOW(3) WHERE user_id=${lost.id}`);
      const late = await post('/v1/auth/reset-password', { token, newPassword: 'too late 1' }, undefined);
      assert.equal(late.at('code'), 401003);
    });

    test('a generated password signs in; a ROOT user cannot be reset or closed', async () => {
      const lost = await newPerson(api(), root, 'ROLE_USER', 0);
      const made = await post(`/v1/users/${lost.id}/reset-password`, { form: 'password' });
      await signIn(api(), lost.username, textAt(made, 'data.password'));
      const other = await newPerson(api(), root, 'ROLE_ROOT_ADMIN', 0);
      assert.equal((await post(`/v1/users/${other.id}/reset-password`, {})).status, 403);
      assert.equal((await post(`/v1/users/${other.id}/close`, { reason: 'x' })).status, 403);
      assert.equal((await get('/v1/auth/me', other.token)).status, 200);
    });

    test('a closed account calls and signs in no more, keeps its money, and stays closed', async () => {
      const gone = await newPerson(api(), root, 'ROLE_USER', 3);
      const itsKey = await newKey(api(), gone.token);
      assert.equal((await chat(itsKey.text)).status, 200);
      const balance = (await get('/v1/auth/me', gone.token)).at('data.balance');
      const closed = await post(`/v1/users/${gone.id}/close`, { reason: 'asked for' });
      assert.deepEqual([closed.at('data.status'), closed.at('data.balance')], [0, balance], closed.text);
      const closedAt = textAt(closed, 'data.closedAt');
      assert.equal((await chat(itsKey.text)).status, 401);
      assert.equal((await get('/v1/auth/me', gone.token)).status, 401);
      const login = await post('/v1/auth/login', { username: gone.username, password: gone.password }, undefined);
      assert.equal(login.at('code'), 401006);
      assert.equal((await post(`/v1/users/${gone.id}/close`, { reason: 'again' })).at('data.closedAt'), closedAt);
      for (const [path, body] of [
        [`/v1/users/${gone.id}/status`, { status: 1 }],
        [`/v1/users/${gone.id}/reset-password`, {}],
        ['/v1/users/assign-role', { userId: gone.id, role: 'ROLE_MODEL_ADMIN' }],
      ] as const) {
        assert.equal((await post(path, body)).at('code'), 500006, path);
      }
      const take = { amount: String(-Number(balance)), reason: 'paid back' };
      const taken = await ask(api(), 'POST', `/v1/users/${gone.id}/adjust-balance`, {
        ...{ bearer: root, body: take, headers: { 'Idempotency-Key': `close-${gone.id}` } },
      });
      assert.equal(taken.at('data'), 0, taken.text);
    });
  });

  describe('access keys of all users', () => {
    test('each is listed with its owner, its use and its budget; pages do not overlap', async () => {
      const second = await newKey(api(), person.token, { name: 'second' });
      const list = (query: string) => get(`/v1/admin/access-keys?userId=${person.id}&${query}`);
      const page = await list('pageSize=1');
      assert.equal(page.at('data.records.0.id'), second.id);
      const next = await list(`pageSize=1&cursor=${textAt(page, 'data.next')}`);
      const record = 'data.records.0.';
      assert.deepEqual(
        ['id', 'username', 'budget'].map((field) => next.at(record + field)),
        [key.id, person.username, 2],
        next.text,
      );
      assert.equal(next.at('data.next'), null);
      const spent = 10 - numberAt(await get('/v1/auth/me', person.token), 'data.balance');
      assert.ok(Math.abs(numberAt(next, `${record}budgetUsed`) - spent) < 1e-9);
      assert.equal(typeof next.at(`${record}lastUsedAt`), 'string');
      assert.equal(next.text.includes(key.text), false);
    });

    test('one is found by its mask and by its text, and by nothing else', async () => {
      const masked = `${key.text.slice(0, 7)}…${key.text.slice(-4)}`;
      const byMask = async (mask: string) =>
        (await get(`/v1/admin/access-keys?mask=${encodeURIComponent(mask)}`)).at('data.records.0.id');
      assert.equal(await byMask(masked), key.id);
      assert.equal(await byMask(masked.replace('…', '...')), key.id);
      assert.equal(await byMask(key.text.slice(0, 12)), key.id);
      const other = key.text.endsWith('AAAA') ? 'BBBB' : 'AAAA';
      assert.equal(await byMask(`${key.text.slice(0, 7)}…${other}`), undefined);
      for (const mask of ['ak-%%%%', 'ak-a', 'x', 'ak-abcd…w']) {
        const refused = await get(`/v1/admin/access-keys?mask=${encodeURIComponent(mask)}`);
        assert.deepEqual([refused.status, refused.at('data.errors.0.path')], [400, 'mask'], mask);
      }
      const byText = (keyValue: string) => post('/v1/admin/access-keys/find', { keyValue });
      assert.equal((await byText(` ${key.text}\n`)).at('data.id'), key.id);
      for (const wrong of [`${key.text.slice(0, -4)}${other}`, key.text.slice(0, -1), 'ak-', 'sk-1']) {
        const refused = await byText(wrong);
        assert.equal(refused.status, 404, wrong);
        assert.equal(refused.text.includes(key.text.slice(3, 19)), false);
      }
    });

    test('a revoked key is dead at once, its owner cannot bring it back, and it is still found', async () => {
      const leaked = await newKey(api(), person.token, { name: 'leaked' });
      assert.equal((await chat(leaked.text)).status, 200);
      const revoked = await post(`/v1/admin/access-keys/${leaked.id}/revoke`, { reason: 'in a repository' });
      assert.deepEqual([revoked.status, revoked.at('data.isActive')], [200, false], revoked.text);
      assert.equal((await chat(leaked.text)).status, 401);
      const back = await ask(api(), 'PATCH', `/v1/access-keys/${leaked.id}`, {
        ...{ bearer: person.token, body: { isActive: true } },
      });
      assert.equal(back.status, 404);
      const again = await post(`/v1/admin/access-keys/${leaked.id}/revoke`, {});
      assert.equal(again.at('data.deletedAt'), revoked.at('data.deletedAt'));
      const found = await post('/v1/admin/access-keys/find', { keyValue: leaked.text });
      assert.equal(found.at('data.deletedAt'), revoked.at('data.deletedAt'));
      const records = await product.rows(
        `SELECT action FROM audit_log WHERE target_kind='access-key' AND target_id='${leaked.id}'`,
      );
      assert.deepEqual(
        records.map(({ action }) => action),
        ['access-keys.revoke'],
        'once',
      );
    });
  });
});
