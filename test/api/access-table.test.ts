/** Every route of the OpenAPI document: called by each kind of caller, recorded where it changes something, its example sent. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Product, startProduct } from '../e2e/product.ts';
import { type Receiver, startReceiver } from '../webhooks/receiver.ts';
import { adminChanges, isAdminChange } from './admin-changes.ts';
import { ask, newKey, newPerson, OWN_ADDRESSES, type Person, signIn, textAt } from './asking.ts';
import { type DescribedRoute, describedRoutes, filledPath } from './described.ts';
import { checkRecorded, sendExamples } from './examples.ts';

/** No row has this id. */
const NO_ID = '4000000000';
const CALLERS = ['nobody', 'user', 'model admin', 'root', 'access key'] as const;
const EXPECTED = join(import.meta.dirname, 'access-table.txt');

describe('who may call what', () => {
  let product: Product;
  let receiver: Receiver;
  const bearers: Partial<Record<(typeof CALLERS)[number], string | undefined>> = {};
  const people: Partial<Record<(typeof CALLERS)[number], Person>> = {};

  before(async () => {
    receiver = await startReceiver();
    const settings = { ...OWN_ADDRESSES, WEBHOOK_PRIVATE_HOSTS: `127.0.0.1:${receiver.port}` };
    product = await startProduct({ name: 'access-table', settings });
    const [api] = product.apis;
    const root = await signIn(api, 'root', product.rootPassword);
    const user = await newPerson(api, root, 'ROLE_USER', 1);
    people.user = user;
    people['model admin'] = await newPerson(api, root, 'ROLE_MODEL_ADMIN', 1);
    people.root = await newPerson(api, root, 'ROLE_ROOT_ADMIN', 1);
    for (const caller of CALLERS) bearers[caller] = people[caller]?.token;
    bearers['access key'] = (await newKey(api, user.token)).text;
  });
  after(async () => {
    await product.close();
    receiver.close();
  });

  const statusOf = async (route: DescribedRoute, caller: (typeof CALLERS)[number]): Promise<number> => {
    // A stream of events that does not end by itself.
    const ending = route.queryFields.includes('seconds') ? '?seconds=1' : '';
    const path = filledPath(route, () => NO_ID) + ending;
    const body = route.bodyFields === undefined ? {} : { body: {} };
    const headers = route.needsIdempotencyKey
      ? { headers: { 'Idempotency-Key': `table-${caller.replace(' ', '-')}` } }
      : {};
    const [api] = product.apis;
    const person = people[caller];
    // It ends the token that it is called with.
    const ends = route.operationId === 'closeSession' && person !== undefined;
    const bearer = ends ? await signIn(api, person.username, person.password) : bearers[caller];
    return (await ask(api, route.method, path, { bearer, ...body, ...headers })).status;
  };

  test('the table of routes and callers is the one that is checked in', async () => {
    const routes = await describedRoutes(product.apis[0]);
    const rows: string[] = [];
    for (const route of routes) {
      const statuses: number[] = [];
      for (const caller of CALLERS) statuses.push(await statusOf(route, caller));
      rows.push(`${route.method} ${route.path} ${statuses.join(' ')}`);
    }
    const expected = readFileSync(EXPECTED, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    assert.deepEqual(rows.sort(), expected.sort());
  });

  test('every route by which an administrator changes something has a case below', async () => {
    const changing = (await describedRoutes(product.apis[0])).filter(isAdminChange);
    const tried = new Set(adminChanges(0, 0, '').map(({ route }) => route));
    const names = changing.map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(
      names.filter((name) => !tried.has(name)),
      [],
      'say in admin-changes.ts what it records',
    );
    assert.ok(names.length >= 19, names.join());
  });

  /** The id of a job that does not end by itself. */
  const liveJob = async (key: string): Promise<string> => {
    const fault = JSON.stringify({ fault: 'hang', model: 'sim-chat' });
    await fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: fault });
    const body = { userMessage: 'wait', modelIdentifier: 'sim-chat' };
    return textAt(await ask(product.apis[0], 'POST', '/v1/async/chat', { bearer: key, body }), 'data.jobId');
  };

  test('every change by an administrator is in the audit log, once, with actor and trace, without secrets', async () => {
    const [api] = product.apis;
    const bearer = bearers.root;
    const actor = Number((await ask(api, 'GET', '/v1/auth/me', { bearer })).at('data.id'));
    const person = await newPerson(api, bearer ?? '', 'ROLE_USER', 1);
    const key = await newKey(api, person.token);
    const jobId = await liveJob(key.text);
    await product.execute(
      `INSERT INTO webhook_deliveries (id,user_id,job_id,url,status,created_at,updated_at)
       VALUES ('${jobId}',${person.id},'${jobId}','https://hooks.example/','FAILED',NOW(3),NOW(3))`,
    );
    const last = async () => Number((await product.rows('SELECT MAX(id) AS id FROM audit_log'))[0]?.id);
    const made = new Map<string, string>();
    for (const { route, action, path, body, headers, makes } of adminChanges(person.id, key.id, jobId)) {
      const [method = '', pattern = ''] = route.split(' ');
      const before = await last();
      const filled = (text: string) => text.replaceAll(/<(\w+)>/g, (_, name: string) => made.get(name) ?? '');
      const call = { bearer, headers: headers ?? {}, ...(body && { body: filled(JSON.stringify(body)) }) };
      const answer = await ask(api, method, filled(path ?? pattern), call);
      assert.ok(answer.status < 300, `${route}: ${answer.text}`);
      if (makes) made.set(makes.name, String(answer.at(makes.at)));
      if (headers) assert.equal((await ask(api, method, filled(path ?? pattern), call)).status, answer.status, 'again');
      const records = await product.rows(`SELECT * FROM audit_log WHERE id>${before}`);
      assert.deepEqual(
        records.map((record) => [record.action, Number(record.actor_user_id), record.trace_id]),
        [action].flat().map((name) => [name, actor, answer.headers.get('x-trace-id')]),
        route,
      );
      assert.doesNotMatch(JSON.stringify(records), /sk-audited|a-password-to-hide/, route);
    }
    await fetch(`${product.simulator.url}/control/faults`, { method: 'DELETE' });
  });

  test('no money moves by an administrator without its record', async () => {
    const [api] = product.apis;
    const bearer = bearers.root;
    const person = await newPerson(api, bearer ?? '', 'ROLE_USER', 1);
    const post = (path: string, body: object, key: string) =>
      ask(api, 'POST', path, { bearer, body, headers: { 'Idempotency-Key': `${key}-${person.id}` } });
    const order = await post('/v1/orders', { userId: person.id, amount: 3 }, 'order');
    const { orderNo } = { orderNo: order.at('data.orderNo') };
    const moves = [
      () => post(`/v1/users/${person.id}/adjust-balance`, { amount: 2, reason: 'gift' }, 'adjust'),
      () => post('/v1/orders/pay-success', { orderNo }, 'pay'),
      () => post('/v1/orders/refund', { orderNo, reason: 'wish' }, 'refund'),
    ];
    const balance = async () => (await ask(api, 'GET', '/v1/auth/me', { bearer: person.token })).at('data.balance');
    for (const [index, move] of moves.entries()) {
      const before = await balance();
      await product.execute('RENAME TABLE audit_log TO audit_log_away');
      try {
        assert.ok((await move()).status >= 500);
      } finally {
        await product.execute('RENAME TABLE audit_log_away TO audit_log');
      }
      assert.equal(await balance(), before, 'nothing has moved');
      assert.equal((await move()).status, 200);
      assert.equal(await balance(), [3, 6, 3][index]);
    }
  });

  test('every operation answers its example as the document says', async () => {
    const [api] = product.apis;
    const sent = await sendExamples(product, `http://127.0.0.1:${receiver.port}/webhooks`);
    await checkRecorded(product, sent);
    const tried = new Set(sent.map(({ example }) => example.operationId));
    const untried = (await describedRoutes(api)).filter(({ operationId }) => !tried.has(operationId));
    assert.deepEqual(
      untried.map(({ operationId }) => operationId),
      [],
      'write an example into api/examples.json and run record-examples.ts',
    );
  });
});
