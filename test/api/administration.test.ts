/** What ROOT sees and does beyond the own account: users, access keys, and what they spent. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { apiFetch } from '../e2e/api-fetch.ts';
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
    // Each call takes a hold of its own.
    product = await startProduct({ name: 'administration', settings: { ...OWN_ADDRESSES, LEASE_SHARE: '0' } });
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

    test('lists of all users are filtered by what one knows of a user: name, email address or id', async () => {
      const body = { username: 'Filtered Person', password: 'secret 1', email: 'filtered@example.com', balance: 5 };
      const owner = numberAt(await post('/v1/users', body), 'data.id');
      const bearer = await signIn(api(), body.username, body.password);
      await post('/v1/orders', { amount: 1 }, bearer);
      const { text } = await newKey(api(), bearer);
      await post('/v1/async/chat', { userMessage: 'hello', webhookUrl: 'http://no-such-host.invalid/' }, text);
      assert.equal((await chat(text)).status, 200);
      const ownersIn = async (path: string) => {
        const list = await get(path);
        assert.equal(list.status, 200, list.text);
        return [...new Set([...list.text.matchAll(/"userId":(\d+)/g)].map(([, id]) => Number(id)))];
      };
      const lists = ['/v1/orders', '/v1/admin/jobs', '/v1/admin/access-keys', '/v1/statistics/spend?groupBy=user'];
      const known = ['filtered person', 'FILTERED@example.com', String(owner), ` ${body.username} `];
      for (const list of lists) {
        const by = (user: string) => `${list}${list.includes('?') ? '&' : '?'}user=${encodeURIComponent(user)}`;
        for (const user of known) assert.deepEqual(await ownersIn(by(user)), [owner], by(user));
        assert.deepEqual(await ownersIn(by('  ')), await ownersIn(list), 'blanks are no filter');
        for (const user of ['filtered', 'nobody', '%', `${owner}&userId=${person.id}`.replace('&', '%26')]) {
          assert.deepEqual(await ownersIn(by(user)), [], by(user));
        }
        assert.deepEqual(await ownersIn(`${by(body.username)}&userId=${person.id}`), [], 'two that are not the same');
      }
      const calls = async (user: string, asker = root) =>
        (await post('/v1/statistics/logs/query', { user }, asker)).at('data.0.userId');
      await until('its call is in the log', async () => (await calls(body.email)) === owner);
      const admin = await newPerson(api(), root, 'ROLE_MODEL_ADMIN', 0);
      assert.deepEqual(
        [await calls(body.username, admin.token), await calls(body.email, admin.token)],
        [owner, undefined],
      );
      for (const [user, status] of [
        ['root', 403],
        ['nobody', 403],
        [person.username, 403],
        [String(person.id), 403],
        [body.username, 200],
        [body.email, 200],
        [String(owner), 200],
      ]) {
        assert.equal((await get(`/v1/statistics/spend?user=${user}`, bearer)).status, status, `${user} of its own`);
      }
    });

    test('nobody takes the place of another in a filter by a name that is its id or its address', async () => {
      const victim = { username: 'Meant One', password: 'secret 1', email: 'meant@example.com' };
      const meant = numberAt(await post('/v1/users', victim), 'data.id');
      const signUp = (username: string) => post('/v1/auth/register', { username, password: 'secret 1' }, '');
      assert.equal((await signUp('MEANT@example.com')).status, 409);
      assert.equal((await signUp('7777777')).status, 400);
      assert.equal((await post('/v1/users', { ...victim, email: null, username: victim.email })).status, 409);
      assert.equal(
        (await post('/v1/users', { username: 'own@example.com', email: 'own@example.com', password: 'secret 1' }))
          .status,
        200,
      );
      // As names of earlier versions.
      const rename = async (name: string) => {
        const stranger = await newPerson(api(), root, 'ROLE_USER', 1);
        await product.execute(`UPDATE users SET username='${name}' WHERE id=${stranger.id}`);
        await newKey(api(), stranger.token);
        return stranger.id;
      };
      await newKey(api(), await signIn(api(), victim.username, victim.password));
      const [digits, address] = [await rename(String(meant)), await rename(victim.email)];
      const admin = await newPerson(api(), root, 'ROLE_MODEL_ADMIN', 0);
      const owners = async (path: string, asker = root) => [
        ...new Set([...(await get(path, asker)).text.matchAll(/"userId":(\d+)/g)].map(([, id]) => Number(id))),
      ];
      for (const user of [String(meant), victim.email, victim.username]) {
        assert.deepEqual(await owners(`/v1/admin/access-keys?user=${user}`), [meant], user);
      }
      assert.deepEqual(await owners(`/v1/statistics/spend?groupBy=user&user=${victim.email}`, admin.token), []);
      assert.deepEqual(await owners(`/v1/admin/access-keys?userId=${digits}`), [digits]);
      assert.deepEqual(await owners(`/v1/admin/access-keys?userId=${address}`), [address]);
      const free = await rename('4294967295');
      assert.deepEqual(await owners('/v1/admin/access-keys?user=4294967295'), [free], 'digits that are no id');
    });

    test('what people write for others turns no line around', async () => {
      const order = textAt(await post('/v1/orders', { amount: 1 }), 'data.orderNo');
      const turned = { reason: 'given \u202e 00.001' };
      const refused = [
        [`/v1/users/${person.id}/adjust-balance`, { ...turned, amount: 1 }],
        [`/v1/users/${person.id}/close`, turned],
        [`/v1/admin/access-keys/${key.id}/revoke`, turned],
        ['/v1/orders/refund', { ...turned, orderNo: order, amount: 1 }],
      ] as const;
      for (const [path, body] of refused) {
        const headers = { 'Idempotency-Key': 'turned' };
        const answer = await ask(api(), 'POST', path, { bearer: root, body, headers });
        assert.deepEqual([answer.status, answer.at('data.errors.0.path')], [400, 'reason'], path + answer.text);
      }
    });

    test('one user is shown with balance, spend, keys and last calls', async () => {
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
      const one = await get(`/v1/admin/access-keys?id=${key.id}`);
      assert.deepEqual([one.at('data.records.0.id'), one.at('data.records.1')], [key.id, undefined]);
      assert.equal((await get('/v1/admin/access-keys?id=x')).status, 400);
      const own = await get('/v1/access-keys', person.token);
      assert.equal(own.at('data.0.id'), key.id);
      assert.equal(own.at('data.0.budgetUsed'), next.at(`${record}budgetUsed`));
      assert.equal(own.at('data.1.budgetUsed'), null, 'a key without a budget');
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

  describe('jobs, orders, deliveries', () => {
    test('a job of any user is listed, shown with its workflow, cancelled, and recorded once', async () => {
      const fault = (init: RequestInit) => fetch(`${product.simulator.url}/control/faults`, init);
      await fault({ method: 'POST', body: JSON.stringify({ fault: 'hang', model: 'sim-chat' }) });
      const body = {
        userMessage: 'wait',
        modelIdentifier: 'sim-chat',
        webhookUrl: 'https://hooks.example/jobs?token=of-mine',
      };
      const jobId = textAt(await post('/v1/async/chat', body, key.text), 'data.jobId');
      try {
        const found = async (query: string) => (await get(`/v1/admin/jobs?${query}`)).at('data.records.0.jobId');
        assert.equal(await found(`userId=${person.id}&modelName=sim-chat&type=chat`), jobId);
        assert.equal(await found(`userId=${person.id}&status=COMPLETED`), undefined);
        assert.equal(await found('traceId=of-nothing'), undefined);
        await until('a provider is called', async () => {
          return (await get(`/v1/admin/jobs/${jobId}`)).at('data.providerCalls') === 1;
        });
        assert.equal(await found('status=PROCESSING'), jobId);
        const job = await get(`/v1/admin/jobs/${jobId}`);
        assert.deepEqual([job.at('data.username'), job.at('data.cost')], [person.username, null]);
        assert.equal(await found(`traceId=${textAt(job, 'data.traceId')}`), jobId);
        const url = new URL(textAt(job, 'data.temporalUrl'));
        assert.ok(decodeURIComponent(url.pathname).endsWith(jobId), url.href);
        assert.equal(job.text.includes('wait'), false, 'never what was asked');
        assert.equal((await post(`/v1/admin/jobs/${jobId}/cancel`, undefined)).status, 200);
        const again = await post(`/v1/admin/jobs/${jobId}/cancel`, undefined);
        assert.equal(typeof again.at('data.cancelRequestedAt'), 'string', again.text);
        const records = await product.rows(`SELECT action FROM audit_log WHERE target_id='${jobId}'`);
        assert.deepEqual(
          records.map(({ action }) => action),
          ['jobs.cancel'],
        );
      } finally {
        await fault({ method: 'DELETE' });
      }
      const ended = textAt(
        await post('/v1/async/chat', { ...body, modelIdentifier: 'sim-vision' }, key.text),
        'data.jobId',
      );
      await until('the delivery of a job that has ended is listed', async () => {
        const list = await get(`/v1/admin/webhook-deliveries?userId=${person.id}&jobId=${ended}`);
        const url = list.at('data.records.0.url');
        assert.ok(url === undefined || url === 'https://hooks.example/jobs?[hidden]', String(url));
        return list.at('data.records.0.jobId') === ended && list.at('data.records.0.userId') === person.id;
      });
      for (const path of ['/v1/admin/jobs', '/v1/admin/webhook-deliveries']) {
        const refused = await get(`${path}?cursor=x`);
        assert.deepEqual([refused.status, refused.at('data.errors.0.path')], [400, 'cursor'], path);
        assert.equal((await get(`${path}?cursor=${ended}`)).status, 200, path);
      }
    });

    test('parts of an order are refunded once by their key, with events and refunds to see, and the ledger agrees', async () => {
      const buyer = await newPerson(api(), root, 'ROLE_USER', 0);
      const orderNo = textAt(await post('/v1/orders', { userId: buyer.id, amount: '10.00' }), 'data.orderNo');
      const paying = { orderNo, amount: '10.00', currency: 'CNY', eventId: `evt-${orderNo}` };
      const short = { ...paying, amount: '9.99', eventId: `short-${orderNo}` };
      assert.equal((await post('/v1/orders/pay-success', short)).at('data.errors.0.path'), 'amount');
      assert.equal((await post('/v1/orders/pay-success', paying)).status, 200);
      const refund = (body: object, key?: string) =>
        ask(api(), 'POST', '/v1/orders/refund', {
          ...{ bearer: root, body: { orderNo, reason: 'not needed', ...body } },
          headers: key === undefined ? {} : { 'Idempotency-Key': `${key}-${orderNo}` },
        });
      const without = await refund({ amount: '1.00' });
      assert.deepEqual([without.status, without.at('data.errors.0.path')], [400, 'Idempotency-Key']);
      for (const amount of [0, -1, '0.0000000001']) {
        assert.deepEqual([(await refund({ amount }, 'bad')).at('data.errors.0.path')], ['amount'], String(amount));
      }
      const all = await Promise.all(Array.from({ length: 5 }, () => refund({ amount: '2.500000001' }, 'first')));
      for (const { status, text } of all) assert.ok([200, 409].includes(status), text);
      assert.equal((await refund({ amount: '2.500000001' }, 'first')).at('data.refundedAmount'), 2.500000001);
      const over = await refund({ amount: '8' }, 'over');
      assert.deepEqual([over.status, over.at('data.errors.0.path')], [400, 'amount']);
      await ask(api(), 'POST', `/v1/users/${buyer.id}/adjust-balance`, {
        ...{ bearer: root, body: { amount: '-5', reason: 'spent' }, headers: { 'Idempotency-Key': `s-${orderNo}` } },
      });
      assert.equal((await refund({ amount: '3' }, 'short')).at('code'), 402001);
      assert.equal((await refund({ amount: '1' }, 'second')).status, 200);
      const rest = await refund({});
      assert.equal(rest.at('data.refundedAmount'), 5, 'what is available');
      assert.equal((await refund({ amount: '1' }, 'third')).at('code'), 500006);
      const order = await get(`/v1/admin/orders/${orderNo}`);
      assert.deepEqual(
        ['0.amount', '1.amount', '2.amount', '3'].map((at) => order.at(`data.refunds.${at}`)),
        [2.500000001, 1, 1.499999999, undefined],
        order.text,
      );
      assert.deepEqual(
        [0, 1, 2].map((n) =>
          ['kind', 'amount', 'currency', 'outcome'].map((name) => order.at(`data.paymentEvents.${n}.${name}`)),
        ),
        [
          ['payment', 9.99, 'CNY', 'amount_mismatch'],
          ['payment', 10, 'CNY', 'paid'],
          [undefined, undefined, undefined, undefined],
        ],
        order.text,
      );
      assert.ok(textAt(order, 'data.temporalUrl').includes(encodeURIComponent(orderNo)));
      const check = await post('/v1/admin/reconciliations', undefined);
      assert.deepEqual([check.status, check.at('data.breaches')], [200, 0], check.text);
    });
  });

  describe('the ledger', () => {
    test('transfers and holds of a user come in pages that do not overlap and leave nothing out', async () => {
      const spender = await newPerson(api(), root, 'ROLE_USER', 5);
      const itsKey = await newKey(api(), spender.token);
      for (let calls = 0; calls < 3; calls += 1) assert.equal((await chat(itsKey.text)).status, 200);
      // As many as one commit may hold: the time of all is the same.
      await product.execute(
        `UPDATE transfers SET created_at=(SELECT * FROM (SELECT MIN(created_at) FROM transfers) t)
          WHERE account_id=(SELECT id FROM accounts WHERE owner_id=${spender.id} AND owner_kind='user')`,
      );
      const pages = async (path: string) => {
        const ids: unknown[] = [];
        for (let cursor: unknown = ''; cursor !== null; ) {
          const page = await get(
            `${path}?pageSize=1${path.endsWith('holds') ? '&state=captured' : ''}&cursor=${cursor}`,
          );
          assert.equal(page.status, 200, page.text);
          ids.push(page.at('data.records.0.id'));
          cursor = page.at('data.next');
        }
        return ids;
      };
      const transfers = await pages(`/v1/admin/users/${spender.id}/transfers`);
      assert.deepEqual([transfers.length, new Set(transfers).size], [4, 4], 'a grant and three charges');
      assert.equal((await pages(`/v1/admin/users/${spender.id}/holds`)).length, 3);
      for (const path of [`/v1/admin/users/${spender.id}/holds?cursor=x`, '/v1/statistics/logs/me?before=x']) {
        const refused = await get(path);
        const field = /(\w+)=x$/.exec(path)?.[1];
        assert.deepEqual([refused.status, refused.at('data.errors.0.path')], [400, field], path);
      }
      const grants = await get(`/v1/admin/users/${spender.id}/transfers?kind=grant`);
      assert.deepEqual([grants.at('data.records.0.amount'), grants.at('data.records.1')], [5, undefined]);
      const late = ['999999999999999.charge.x', '253402300800000.charge.x'];
      for (const cursor of ['x', '1.charge', '1.nothing.id', ...late]) {
        const refused = await get(`/v1/admin/users/${spender.id}/transfers?cursor=${cursor}`);
        assert.deepEqual([refused.status, refused.at('data.errors.0.path')], [400, 'cursor'], cursor);
      }
    });

    test('what an account has adds up to its transfers, and one id shows all that moved for it', async () => {
      const spender = await newPerson(api(), root, 'ROLE_USER', 5);
      const itsKey = await newKey(api(), spender.token);
      const requestId = textAt(await chat(itsKey.text), 'data.requestId');
      const moved = await get(`/v1/admin/transfers/${requestId}`);
      assert.deepEqual(
        [moved.at('data.transfers.0.kind'), moved.at('data.transfers.0.userId'), moved.at('data.transfers.1')],
        ['charge', spender.id, undefined],
        moved.text,
      );
      assert.deepEqual([moved.at('data.hold.state'), moved.at('data.hold.userId')], ['captured', spender.id]);
      const account = await get(`/v1/admin/users/${spender.id}/account`);
      const left = (5_000_000_000 + numberAt(moved, 'data.transfers.0.amount') * 1_000_000_000) / 1_000_000_000;
      assert.deepEqual(account.at('data'), {
        ...{ userId: spender.id, available: left, leased: 0, held: 0, debt: 0, currency: 'CNY' },
      });
      const holds = (query: string) => get(`/v1/admin/users/${spender.id}/holds?state=captured&${query}`);
      assert.equal((await holds('owner=call')).at('data.records.0.id'), requestId);
      assert.equal((await holds('owner=lease')).at('data.records.0'), undefined);
      for (const path of ['/v1/admin/transfers/no-such-id', '/v1/admin/users/4000000000/account']) {
        assert.equal((await get(path)).status, 404, path);
      }
    });

    test('a trace or some ids show all that moved for them: calls, jobs, orders with refunds of a part', async () => {
      const spender = await newPerson(api(), root, 'ROLE_USER', 5);
      const itsKey = await newKey(api(), spender.token);
      const answer = await chat(itsKey.text);
      const traceId = answer.headers.get('x-trace-id') ?? '';
      const requestId = textAt(answer, 'data.requestId');
      const orderNo = textAt(await post('/v1/orders', { amount: 4 }, spender.token), 'data.orderNo');
      assert.equal((await post('/v1/orders/pay-success', { orderNo })).status, 200);
      const refund = (amount: number) =>
        ask(api(), 'POST', '/v1/orders/refund', {
          ...{ bearer: root, body: { orderNo, amount, reason: 'a part' } },
          headers: { 'Idempotency-Key': `part-${amount}-${orderNo}` },
        });
      for (const amount of [1, 2]) assert.equal((await refund(amount)).status, 200);
      const shown = z.object({
        transfers: z.array(z.object({ id: z.string(), kind: z.string(), amount: z.number(), userId: z.number() })),
        holds: z.array(z.object({ id: z.string(), state: z.string(), batchId: z.null() })).optional(),
        isWhole: z.literal(true).optional(),
      });
      const moved = async (path: string) => {
        const found = await get(`/v1/admin/transfers${path}`);
        assert.equal(found.status, 200, found.text);
        return shown.parse(found.at('data'));
      };
      const ofOrder = [
        ['top_up', 4],
        ['refund', -1],
        ['refund', -2],
      ];
      const figures = ({ transfers }: z.infer<typeof shown>) => transfers.map(({ kind, amount }) => [kind, amount]);
      assert.deepEqual(figures(await moved(`/${orderNo}`)), ofOrder);
      const both = await moved(`?ids=${orderNo},${requestId},no-such-id`);
      assert.deepEqual(figures(both).slice(1), ofOrder);
      assert.deepEqual(both.holds, [{ id: requestId, state: 'captured', batchId: null }]);
      assert.deepEqual(both.isWhole, true);
      assert.ok(both.transfers.every(({ userId }) => userId === spender.id));
      await until('the call is in the log', async () => (await moved(`?traceId=${traceId}`)).transfers.length > 0);
      assert.equal((await moved(`?traceId=${traceId}`)).transfers[0]?.id, requestId);
      assert.deepEqual((await moved('?ids=no-such-id')).transfers, []);
      for (const [query, path] of [
        ['', 'ids'],
        ['?ids=a,,b', 'ids'],
        [`?ids=${Array(101).fill('a').join()}`, 'ids'],
        ['?ids=%C3%A9', 'ids'],
        ['?traceId=a,b', 'traceId'],
      ]) {
        const refused = await get(`/v1/admin/transfers${query}`);
        assert.deepEqual([refused.status, refused.at('data.errors.0.path')], [400, path], query);
      }
    });

    test('a check of the ledger finds what is wrong and is kept', async () => {
      await product.execute(
        `UPDATE accounts SET available=available+1 WHERE owner_kind='user' AND owner_id=${person.id}`,
      );
      try {
        const check = await post('/v1/admin/reconciliations', undefined);
        assert.ok(numberAt(check, 'data.breaches') > 0);
        const list = await get('/v1/admin/reconciliations?pageSize=1');
        assert.equal(list.at('data.records.0.breaches'), check.at('data.breaches'));
        assert.match(textAt(list, 'data.records.0.findings.0.examples.0'), /^account /);
      } finally {
        await product.execute(
          `UPDATE accounts SET available=available-1 WHERE owner_kind='user' AND owner_id=${person.id}`,
        );
      }
    });
  });

  test('an earlier price says what it was of, also after the model has begun to make something else', async () => {
    const made = await post('/v1/models', {
      ...{ displayName: 'Turned', modelIdentifier: 'turned', capabilities: ['text-to-text'], status: 0 },
      ...{ pricing: { input: '0.000002', output: '0.000008' }, providerName: 'simulator' },
    });
    const id = numberAt(made, 'data.id');
    const save = (body: object) => ask(api(), 'PUT', `/v1/models/${id}`, { bearer: root, body });
    await save({ capabilities: ['text-to-image'], pricing: { output: '0.2' } });
    await save({ capabilities: ['text-to-text', 'text-to-image'], pricing: { input: 0, output: 0, perImage: 0.3 } });
    const { text, at } = await get(`/v1/admin/models/${id}/prices`);
    assert.deepEqual(
      [0, 1, 2].map((index) => at(`data.records.${index}.capabilities`)),
      [['text-to-text', 'text-to-image'], ['text-to-image'], ['text-to-text']],
    );
    assert.match(text, /"input":0\.000002,"output":0\.000008[,}]/);
    assert.match(text, /"output":0\.2[,}]/);
    assert.match(text, /"perImage":0\.3[,}]/);
  });

  test('a price replaces the one that its author has seen, also of two who save at once', async () => {
    const pricing = (input: string) => ({ input, output: '0.000008' });
    const made = await post('/v1/models', {
      ...{ displayName: 'Twice open', modelIdentifier: 'twice-open', capabilities: ['text-to-text'], status: 0 },
      ...{ pricing: pricing('0.000002'), providerName: 'simulator' },
    });
    const save = (body: object) => ask(api(), 'PUT', `/v1/models/${numberAt(made, 'data.id')}`, { bearer: root, body });
    const both = await Promise.all(
      ['0.000003', '0.000004'].map((input) => save({ pricing: pricing(input), priceVersion: 1 })),
    );
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
    const late = await save({ displayName: 'Late', pricing: pricing('0.000005'), priceVersion: 1 });
    assert.deepEqual([late.status, late.at('code'), late.at('data.errors.0.path')], [409, 500006, 'priceVersion']);
    const renamed = await save({ displayName: 'Renamed', priceVersion: 1 });
    assert.deepEqual([renamed.status, renamed.at('data.priceVersion')], [200, 2], 'a name replaces no price');
    assert.equal(renamed.at('data.displayName'), 'Renamed');
    const wrong = await save({ pricing: pricing('0.000005'), priceVersion: 'first' });
    assert.deepEqual([wrong.status, wrong.at('data.errors.0.path')], [400, 'priceVersion']);
    const seen = await save({ pricing: pricing('0.000006'), priceVersion: 2 });
    assert.deepEqual([seen.status, seen.at('data.priceVersion')], [200, 3]);
  });

  test('the audit log is filtered by trace and day, and shows money as people write it', async () => {
    const body = {
      ...{ displayName: 'Audited', modelIdentifier: 'audited-price', capabilities: ['text-to-text'], status: 0 },
      ...{ pricing: { input: '0.0000375', output: '0.000001' }, providerName: 'simulator' },
    };
    const made = await post('/v1/models', body);
    const id = numberAt(made, 'data.id');
    const changed = await ask(api(), 'PUT', `/v1/models/${id}`, {
      ...{ bearer: root, body: { pricing: { input: '0.00004', output: '0.000001' } } },
    });
    assert.equal(changed.status, 200, changed.text);
    assert.deepEqual([made.at('data.priceVersion'), changed.at('data.priceVersion')], [1, 2]);
    const found = await get(`/v1/audit?traceId=${changed.headers.get('x-trace-id')}`);
    assert.deepEqual([found.at('data.total'), found.at('data.records.0.action')], [1, 'models.update']);
    assert.deepEqual(
      [found.at('data.records.0.before.pricing.input'), found.at('data.records.0.after.pricing.input')],
      ['0.0000375', '0.00004'],
    );
    const day = textAt(found, 'data.records.0.createdAt').slice(0, 10);
    const ofDay = async (query: string) =>
      numberAt(await get(`/v1/audit?targetKind=model&targetId=${id}&${query}`), 'data.total');
    assert.equal(await ofDay(`startDate=${day}&endDate=${day}`), 2);
    assert.equal((await get('/v1/audit?traceId=%E5%AF%86')).at('data.errors.0.path'), 'traceId');
    assert.equal(await ofDay('endDate=2020-01-01'), 0);
    assert.equal(await ofDay('startDate=2100-01-01'), 0);
    const list = `/v1/audit?targetKind=model&targetId=${id}&pageSize=1&startDate=${day}`;
    const newest = await get(list);
    assert.deepEqual([newest.at('data.records.0.action'), newest.at('data.total')], ['models.update', 2]);
    const before = await get(`${list}&cursor=${newest.at('data.next')}`);
    assert.deepEqual(
      ['data.records.0.action', 'data.next', 'data.total'].map((path) => before.at(path)),
      ['models.create', null, undefined],
    );
    const prices = await get(`/v1/admin/models/${id}/prices?pageSize=1`);
    assert.deepEqual([prices.at('data.records.0.version'), prices.at('data.next')], [2, '2']);
    assert.match(prices.text, /"input":0\.00004,/);
    const older = await get(`/v1/admin/models/${id}/prices?cursor=2`);
    assert.match(older.text, /"input":0\.0000375,.*"next":null/);
  });

  test('a key of a provider shows why it is out, until when, and its last error', async () => {
    const fault = (init: RequestInit) => fetch(`${product.simulator.url}/control/faults`, init);
    await fault({ method: 'POST', body: JSON.stringify({ fault: '429', value: 30, model: 'sim-vision' }) });
    try {
      assert.ok((await chat(key.text, 'sim-vision')).status >= 429);
    } finally {
      await fault({ method: 'DELETE' });
    }
    const provider = (await get('/v1/providers')).at('data.records.0.id');
    const keys = await get(`/v1/providers/${provider}/keys`);
    const out = 'data.0.modelCircuits.0';
    assert.deepEqual([keys.at(`${out}.circuit`), keys.at(`${out}.reason`)], ['open', 'rate'], keys.text);
    assert.ok(Date.parse(textAt(keys, `${out}.until`)) > Date.now());
    assert.deepEqual(
      [keys.at('data.0.lastError.kind'), typeof keys.at('data.0.lastError.message')],
      ['rate', 'string'],
    );
    assert.ok(numberAt(keys, 'data.0.recentCalls') >= numberAt(keys, 'data.0.recentFailures'));
  });

  describe('the whole, and the catalog', () => {
    test('money by day and kind, the balances of all and live jobs are told as the ledger has them', async () => {
      const movements = z.array(
        z.object({ date: z.string(), kind: z.string(), transfers: z.number(), amount: z.number() }),
      );
      let told = await get('/v1/admin/overview?days=31');
      const isAsInTheLedger = async () => {
        told = await get('/v1/admin/overview?days=31');
        const rows = await product.rows(
          `SELECT CONCAT(day,' ',kind) AS name, COUNT(*) AS transfers, SUM(amount) AS amount FROM transfers
            GROUP BY day, kind`,
        );
        const written = rows.map(({ name, transfers, amount }) => `${name} ${transfers} ${Number(amount)}`);
        const read = movements
          .parse(told.at('data.movements'))
          .map(({ date, kind, transfers, amount }) => `${date} ${kind} ${transfers} ${Math.round(amount * 1e9)}`);
        return isDeepStrictEqual(read.sort(), written.sort());
      };
      await until('the movements are those of the ledger', isAsInTheLedger);
      const before = told.at('data.balances.available');
      await post('/v1/users', { username: 'overview-person', password: 'secret 1', balance: '0.000000001' });
      await until('the opening balance has moved', async () => {
        return (await isAsInTheLedger()) && told.at('data.balances.available') !== before;
      });
      assert.equal(typeof told.at('data.jobs.processing'), 'number');
      assert.equal((await get('/v1/admin/overview?days=32')).status, 400);
    });

    test('models are found by a part of their name, of one provider; signs of LIKE are letters', async () => {
      const found = async (query: string) => (await get(`/v1/models?${query}`)).at('data.total');
      assert.equal(await found('search=M-CHA'), 1);
      for (const search of ['%', 'sim_chat', '\\'])
        assert.equal(await found(`search=${encodeURIComponent(search)}`), 0);
      const all = await found('pageSize=1');
      const providerId = (await get('/v1/models?pageSize=1')).at('data.records.0.providerId');
      assert.equal(await found(`providerId=${providerId}`), all);
      assert.equal(await found('providerId=4000000'), 0);
    });

    test("a key's weight and name change; the rest of it and its health stay", async () => {
      const keys = await get('/v1/admin/provider-keys');
      const [id, name] = [keys.at('data.0.id'), keys.at('data.0.name')];
      const change = (body: object) => ask(api(), 'PATCH', `/v1/providers/keys/${id}`, { bearer: root, body });
      assert.deepEqual(
        [(await change({ weight: 7 })).at('data.weight'), (await change({})).at('data.name')],
        [7, name],
      );
      assert.equal((await change({ weight: 0 })).at('data.errors.0.path'), 'weight');
      const after = await get('/v1/admin/provider-keys');
      assert.deepEqual([after.at('data.0.weight'), after.at('data.0.circuit')], [7, 'closed']);
      assert.doesNotMatch(after.text, /sim-local/);
    });
  });

  describe('the live feed', () => {
    interface Told {
      readonly event: string | undefined;
      readonly data: Readonly<Record<string, unknown>>;
    }
    const request = (headers: Readonly<Record<string, string>>, signal: AbortSignal) =>
      apiFetch(`${api()?.url}/v1/admin/feed`, { headers, signal });
    /** Opens one; `told` grows until it ends. */
    const follow = async (headers: Readonly<Record<string, string>>) => {
      const leaving = new AbortController();
      const answer = await request(headers, leaving.signal);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
      const told: Told[] = [];
      const parser = createParser({ onEvent: ({ event, data }) => told.push({ event, data: JSON.parse(data) }) });
      let text = '';
      const decoder = new TextDecoder();
      const read = async () => {
        for await (const chunk of answer.body ?? []) {
          const piece = decoder.decode(chunk, { stream: true });
          text += piece;
          parser.feed(piece);
        }
      };
      const ended = read().catch((error: unknown) => assert.ok(leaving.signal.aborted, String(error)));
      const close = async () => {
        leaving.abort();
        await ended;
      };
      return { told, ended, text: () => text, close };
    };
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

    test('shows a call, a job from its submission to its end, and a circuit, of all processes and without contents', async () => {
      const feed = await follow(bearer(root));
      const dataOf = (event: string, by: object) =>
        feed.told.filter((one) => one.event === event && isSubset(by, one.data)).map(({ data }) => data);
      const secret = 'canary of the feed';
      const called = await post('/v1/chat', { userMessage: secret, modelIdentifier: 'sim-chat' }, key.text);
      const requestId = called.headers.get('x-request-id') ?? '';
      await until('the call is told', () => dataOf('call', { requestId }).length === 1);
      const [call] = dataOf('call', { requestId });
      assert.deepEqual([call?.username, call?.isSuccess, call?.providerName], [person.username, true, 'simulator']);
      assert.equal(call?.cost, Number(called.headers.get('x-cost')));
      const jobId = textAt(await post('/v1/async/chat', { userMessage: secret }, key.text), 'data.jobId');
      await until('the end of the job is told', () => dataOf('job', { jobId, status: 'COMPLETED' }).length > 0);
      await until('a round is sent, though nothing has happened', () => dataOf('round', {}).length > 1);
      const states = dataOf('job', { jobId, username: person.username }).map(({ status }) => status);
      assert.deepEqual([...new Set(states)], ['PENDING', 'PROCESSING', 'COMPLETED']);
      await until('its call is told', () => dataOf('call', { requestId: jobId, isAsync: true }).length === 1);
      const fault = (init: RequestInit) => fetch(`${product.simulator.url}/control/faults`, init);
      await fault({ method: 'POST', body: JSON.stringify({ fault: '429', value: 300, model: 'sim-image' }) });
      try {
        // The worker learns it.
        await post('/v1/async/generate-image', { prompt: secret, modelIdentifier: 'sim-image' }, key.text);
        const opened = { modelIdentifier: 'sim-image', circuit: 'open', reason: 'rate', providerName: 'simulator' };
        await until('the circuit is told', () => dataOf('circuit', opened).length > 0);
        const other = await follow(bearer(root));
        await until('who comes later is told what is open', () => {
          return other.told.some(({ event, data }) => event === 'circuit' && isSubset(opened, data));
        });
        await other.close();
      } finally {
        await fault({ method: 'DELETE' });
      }
      await feed.close();
      for (const text of [secret, key.text, key.text.slice(3, 12)]) assert.equal(feed.text().includes(text), false);
    });

    test('is opened with the session of a browser, and ends with it or with its password', async () => {
      const other = await newPerson(api(), root, 'ROLE_ROOT_ADMIN', 0);
      const { username, password } = other;
      const session = await post('/v1/auth/session', { username, password }, undefined);
      const feed = await follow({ cookie: session.headers.get('set-cookie')?.split(';')[0] ?? '' });
      const changed = await post(
        '/v1/auth/change-password',
        { oldPassword: password, newPassword: 'another secret 1' },
        other.token,
      );
      assert.equal(changed.status, 200, changed.text);
      await feed.ended;
      const token = await signIn(api(), username, 'another secret 1');
      const second = await follow(bearer(token));
      assert.equal((await ask(api(), 'DELETE', '/v1/auth/session', { bearer: token })).status, 200);
      await second.ended;
    });

    test('there are fifty at most, and those that have left make room', async () => {
      /** Opens as many as may be open, and leaves them. */
      const count = async () => {
        const leaving = new AbortController();
        for (let feeds = 0; ; feeds += 1) {
          const answer = await request(bearer(root), leaving.signal);
          if (answer.status === 200) continue;
          assert.deepEqual([answer.status, answer.headers.get('retry-after')], [429, '10']);
          leaving.abort();
          return feeds;
        }
      };
      const counts: number[] = [];
      await until('there is room for fifty twice', async () => {
        counts.push(await count());
        return counts.filter((feeds) => feeds >= 50).length === 2;
      });
    });
  });

  describe('the session of a browser', () => {
    const open = async (who: Person) => {
      const { username, password } = who;
      const answer = await post('/v1/auth/session', { username, password }, undefined);
      assert.equal(answer.status, 200, answer.text);
      const set = answer.headers.get('set-cookie') ?? '';
      assert.match(set, /^gateway_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=86400$/);
      assert.equal(answer.text.includes(set.split(/[=;]/)[1] ?? '-'), false, 'no token that a script can read');
      return { cookie: set.split(';')[0] ?? '', csrf: textAt(answer, 'data.csrfToken') };
    };
    const call = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
      ask(api(), method, path, { headers, ...(body === undefined ? {} : { body }) });

    test('reads by its cookie, changes with its CSRF token only, and ends', async () => {
      const { cookie, csrf } = await open(person);
      assert.equal((await call('GET', '/v1/auth/me', { cookie })).at('data.id'), person.id);
      const again = await call('GET', '/v1/auth/session', { cookie });
      assert.deepEqual([again.at('data.csrfToken'), again.at('data.userId')], [csrf, person.id]);
      const other = await open(await newPerson(api(), root, 'ROLE_USER', 0));
      const create = (headers: Record<string, string>) =>
        call('POST', '/v1/access-keys', headers, { name: 'by session' });
      for (const wrong of [
        {},
        { 'x-csrf-token': '' },
        { 'x-csrf-token': `${csrf}x` },
        { 'x-csrf-token': other.csrf },
      ]) {
        assert.deepEqual([(await create({ cookie, ...wrong })).status], [403], JSON.stringify(wrong));
      }
      const made = await create({ cookie, 'x-csrf-token': csrf });
      assert.equal(made.status, 200, made.text);
      const path = `/v1/access-keys/${numberAt(made, 'data.id')}`;
      assert.equal((await call('DELETE', path, { cookie })).status, 403);
      assert.equal((await call('DELETE', path, { cookie: other.cookie, 'x-csrf-token': other.csrf })).status, 404);
      assert.equal((await call('DELETE', path, { cookie, 'x-csrf-token': csrf })).status, 200);
      assert.equal((await call('GET', '/v1/users', { cookie })).status, 403, 'the role is that of the user');
      const closed = await call('DELETE', '/v1/auth/session', { cookie, 'x-csrf-token': csrf });
      assert.match(closed.headers.get('set-cookie') ?? '', /^gateway_session=; .*Max-Age=0$/);
      assert.equal((await call('GET', '/v1/auth/me', { cookie: 'gateway_session=x' })).status, 401);
      const copied = await call('GET', '/v1/auth/me', { cookie });
      assert.deepEqual([copied.status, copied.at('code')], [401, 401002], 'a copy of the cookie');
      // The last character of a signature has bits that say nothing.
      const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const last = letters.indexOf(cookie.slice(-1));
      for (const bits of [1, 2, 3]) {
        const written = `${cookie.slice(0, -1)}${letters[last ^ bits]}`;
        assert.equal((await call('GET', '/v1/auth/me', { cookie: written })).status, 401, 'written in another way');
      }
      const bearer = { authorization: `Bearer ${cookie.split('=')[1]}` };
      assert.equal((await call('GET', '/v1/auth/me', bearer)).status, 401, 'as a bearer token');
      assert.equal((await get('/v1/auth/me', person.token)).status, 200, 'other sessions go on');
      const later = await open(person);
      assert.equal((await call('GET', '/v1/auth/me', { cookie: later.cookie })).status, 200, 'signed in again');
    });

    test('calls models with the limits of an own access key, by its id', async () => {
      const { cookie, csrf } = await open(person);
      const limited = await newKey(api(), person.token, { name: 'playground', allowedModels: ['sim-chat'] });
      const headers = { cookie, 'x-csrf-token': csrf, 'x-access-key-id': String(limited.id) };
      const body = { model: 'sim-chat', max_tokens: 5, messages: [{ role: 'user', content: 'hello' }] };
      const answer = await call('POST', '/v1/chat/completions', headers, body);
      assert.equal(answer.status, 200, answer.text);
      assert.ok(Number(answer.headers.get('x-cost')) > 0);
      const stream = await call('POST', '/v1/chat/completions', headers, { ...body, stream: true });
      assert.match(stream.text, /data: \[DONE\]/);
      const bearer = { authorization: `Bearer ${person.token}`, 'x-access-key-id': String(limited.id) };
      assert.equal((await call('POST', '/v2/chat', bearer, body)).status, 200, 'a login token does, too');
      const refusals = [
        [{ ...headers, 'x-csrf-token': 'x' }, body, 403],
        [{ cookie, 'x-csrf-token': csrf }, body, 401],
        [{ ...headers, 'x-access-key-id': 'x' }, body, 400],
        [{ ...headers, 'x-access-key-id': '4000000000' }, body, 404],
        [{ 'x-access-key-id': String(limited.id) }, body, 401],
        [headers, { ...body, model: 'sim-vision' }, 403],
      ] as const;
      for (const [sent, asked, status] of refusals) {
        const refused = await call('POST', '/v1/chat/completions', sent, asked);
        assert.ok(
          refused.status === status || (status === 403 && refused.status === 404),
          `${status}: ${refused.text}`,
        );
      }
      const stranger = await open(await newPerson(api(), root, 'ROLE_USER', 5));
      const foreign = { cookie: stranger.cookie, 'x-csrf-token': stranger.csrf, 'x-access-key-id': String(limited.id) };
      assert.equal((await call('POST', '/v1/chat/completions', foreign, body)).status, 404);
      const used = await get(`/v1/admin/access-keys?userId=${person.id}&mask=${limited.text.slice(0, 12)}`);
      assert.equal(typeof used.at('data.records.0.lastUsedAt'), 'string');
    });
  });
});

function isSubset(fields: object, of: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(fields).every(([name, value]) => of[name] === value);
}
