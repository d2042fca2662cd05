import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hash as bcryptHash } from '@node-rs/bcrypt';
import type { Sequelize } from 'sequelize';
import { z } from 'zod';
import { createAccounts } from '../../core/accounts/accounts.ts';
import type { Config } from '../../infra/config.ts';
import { createLogger } from '../../infra/logger.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { connectRedis } from '../../infra/redis/connection.ts';
import { createInvalidation } from '../../infra/redis/invalidation.ts';
import { type Product, startProduct } from '../e2e/product.ts';
import { migrateNew } from '../schema.ts';
import { ask, newPerson, numberAt, OWN_ADDRESSES, signIn, textAt } from './asking.ts';

describe('users and sign-in', () => {
  let product: Product;
  let sequelize: Sequelize;
  let root: string;
  const api = (index = 0) => product.apis[index];
  const me = (token: string, index = 0) => ask(api(index), 'GET', '/v1/auth/me', { bearer: token });
  const login = (username: string, password: string) =>
    ask(api(), 'POST', '/v1/auth/login', { body: { username, password } });

  before(async () => {
    product = await startProduct({
      name: 'accounts',
      apis: 2,
      settings: { REGISTRATION_GRANT: '1.5', ...OWN_ADDRESSES },
    });
    sequelize = connectSequelize(product.config);
    root = await signIn(api(), 'root', product.rootPassword);
  });
  after(async () => {
    await sequelize.close();
    await product.close();
  });

  test('the first administrator has its balance, once, whichever process started first', async () => {
    const [rows] = await product.rows("SELECT COUNT(*) AS roots FROM users WHERE role='ROLE_ROOT_ADMIN'");
    assert.equal(Number(rows?.roots), 1);
    assert.equal((await me(root)).at('data.balance'), 999999);
    const grants = await product.rows("SELECT amount FROM transfers WHERE kind='grant'");
    assert.deepEqual(
      grants.map(({ amount }) => String(amount)),
      ['999999000000000'],
    );
  });

  test('processes that start at once on an empty database make one administrator', async () => {
    const config = { ...product.config, DB_NAME: `${product.config.DB_NAME}_empty` };
    const empty = connectSequelize(config);
    await migrateNew(config, empty);
    const opened: number[] = [];
    const openAccount = async (accountId: number) => {
      opened.push(accountId);
    };
    const processes = await Promise.all([1, 2, 3, 4].map(() => standaloneAccounts(config, { openAccount })));
    const outcomes = await Promise.all(
      processes.map(({ registration }) => registration.ensureRootUser('root password')),
    );
    assert.deepEqual(outcomes.sort(), ['made', 'present', 'present', 'present']);
    assert.equal(opened.length, 1);
    assert.equal(await processes[0]?.registration.ensureRootUser(''), 'present');
    await Promise.all([empty.close(), ...processes.map(({ close }) => close())]);
  });

  test('a registered user has the opening balance as a grant and signs in', async () => {
    const body = { username: ' new user ', password: 'secret 1', email: null };
    const registered = await ask(api(), 'POST', '/v1/auth/register', { body });
    assert.deepEqual([registered.status, registered.at('data')], [200, 'new user']);
    const signedIn = await login('NEW USER', 'secret 1');
    assert.deepEqual(
      ['data.username', 'data.role', 'data.expiresIn'].map((path) => signedIn.at(path)),
      ['new user', 'ROLE_USER', 86_400],
    );
    const mine = await me(textAt(signedIn, 'data.token'));
    assert.deepEqual([mine.at('data.balance'), mine.at('data.held'), mine.at('data.email')], [1.5, 0, null]);
    assert.match(textAt(mine, 'data.createdAt'), /\+08:00$/);
  });

  test('taken names and addresses are 409, without regard to case', async () => {
    const register = (username: string, email: string) =>
      ask(api(), 'POST', '/v1/auth/register', { body: { username, password: 'secret 1', email } });
    assert.equal((await register('taken', 'taken@example.com')).status, 200);
    const name = await register('Taken', 'other@example.com');
    assert.deepEqual([name.status, name.at('code')], [409, 500003]);
    assert.deepEqual([name.at('data.errors.0.path'), name.at('data.errors.1.path')], ['username', 'email']);
    const email = await register('other', 'TAKEN@example.com');
    assert.deepEqual([email.status, email.at('data'), email.at('message')], [409, name.at('data'), name.at('message')]);
    const make = (body: object) =>
      ask(api(), 'POST', '/v1/users', { bearer: root, body: { ...body, password: 'secret 1' } });
    assert.equal((await make({ username: 'TAKEN' })).at('data.errors.0.path'), 'username', 'an administrator is told');
    assert.equal((await make({ username: 'other', email: 'taken@example.com' })).at('data.errors.0.path'), 'email');
  });

  test('a name that looks like another is taken, who had one before keeps it', async () => {
    const register = (username: string) =>
      ask(api(), 'POST', '/v1/auth/register', { body: { username, password: 'secret 1' } });
    assert.equal((await register('billie li')).status, 200);
    for (const name of [
      'bi11ie li',
      'BILLIE Li',
      'bİllie li',
      'bıllie li',
      'ｂｉｌｌｉｅ ｌｉ',
      'billie  li',
      'bílliê li',
    ]) {
      assert.ok([400, 409].includes((await register(name)).status), name);
    }
    const both = await Promise.all(['rnaria', 'maria', 'MARIA', 'mar1a'].map(register));
    assert.equal(both.filter(({ status }) => status === 200).length, 1);
    // As a name of the earlier service: of another script, and without a shape.
    await sequelize.query("UPDATE users SET username='билли', name_shape=NULL WHERE username='billie li'");
    assert.equal((await login('билли', 'secret 1')).at('data.username'), 'билли');
    assert.equal((await register('张三丰')).at('data'), '张三丰');
    assert.equal((await login('张三丰', 'secret 1')).status, 200);
  });

  test('twenty registrations of one name at once make one user with one grant', async () => {
    const body = { username: 'raced', password: 'secret 1' };
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask(api(n % 2), 'POST', '/v1/auth/register', { body })),
    );
    assert.equal(all.filter(({ status }) => status === 200).length, 1);
    assert.equal(all.filter(({ status }) => status === 409).length, 19);
    assert.equal((await me(await signIn(api(), 'raced', 'secret 1'))).at('data.balance'), 1.5);
  });

  test('an unknown user and a wrong password are answered alike', async () => {
    await newPerson(api(), root, 'ROLE_USER', 0);
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    const wrong = await login(person.username, 'not this');
    const unknown = await login('nobody at all', 'not this');
    assert.deepEqual([wrong.status, wrong.at('code'), wrong.at('message')], [401, 401001, unknown.at('message')]);
    assert.deepEqual([unknown.status, unknown.at('code')], [401, 401001]);
  });

  test('an account is locked at an address after ten wrong passwords, known or not, also by a burst', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    const headers = { 'x-forwarded-for': '198.51.100.2' };
    const again = (username: string, password = 'not this', index = 0) =>
      ask(api(index), 'POST', '/v1/auth/login', { headers, body: { username, password } });
    for (const username of [person.username, `nobody ${process.pid} ${Date.now()}`]) {
      const burst = await Promise.all(Array.from({ length: 14 }, (_, n) => again(username, 'not this', n % 2)));
      const codes = burst.map((answer) => answer.at('code'));
      assert.ok(codes.filter((code) => code === 401001).length <= 10, username);
      for (const refused of burst.filter((answer) => answer.at('code') !== 401001)) {
        assert.ok([401005, 429].includes(Number(refused.at('code'))));
        assert.ok(Number(refused.headers.get('retry-after')) > 0);
      }
      // What was refused as too many at once may be tried again, until ten were wrong.
      for (let tried = codes.filter((code) => code === 401001).length; tried < 10; tried += 1) {
        assert.equal((await again(username)).at('code'), 401001);
      }
      assert.equal((await again(username)).at('code'), 401005);
    }
    assert.equal((await again(person.username, person.password, 1)).at('code'), 401005, 'on every process');
    assert.equal((await login(person.username, person.password)).status, 200, 'the owner is elsewhere');
  });

  test('wrong passwords from many addresses keep no owner out: not from where it signed in, not from elsewhere', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    const from = (address: string, password: string, n = 0) =>
      ask(api(n % 2), 'POST', '/v1/auth/login', {
        headers: { 'x-forwarded-for': address },
        body: { username: person.username, password },
      });
    assert.equal((await from('2001:db8:7::1', person.password)).status, 200);
    const codes = new Set<unknown>();
    for (let n = 0; n < 120; n += 1) codes.add((await from(`203.0.113.${n % 40}`, 'not this', n)).at('code'));
    assert.deepEqual(codes, new Set([401001, 429]));
    const stranger = await from('203.0.113.1', person.password);
    assert.deepEqual([stranger.status, Number(stranger.headers.get('retry-after')) > 0], [429, true]);
    assert.equal((await from('2001:db8:7::2', person.password, 1)).status, 200, 'another machine of its network');
    assert.equal((await from('198.51.100.77', person.password)).status, 200, 'the first try from a new address');
  });

  test('twenty right passwords at once lock nobody out', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        ask(api(n % 2), 'POST', '/v1/auth/login', { body: { username: person.username, password: person.password } }),
      ),
    );
    assert.ok(answers.filter(({ status }) => status === 200).length >= 10);
    for (const refused of answers.filter(({ status }) => status !== 200)) {
      assert.equal(refused.status, 429);
      assert.equal(refused.headers.get('retry-after'), '1');
    }
    assert.equal((await login(person.username, person.password)).status, 200);
  });

  test('wrong old passwords do not lock the sign-in; a reset by an administrator ends both locks', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    // From elsewhere: the limit of an address is another one.
    const headers = { 'x-forwarded-for': '198.51.100.1' };
    const change = (oldPassword: string) =>
      ask(api(), 'POST', '/v1/auth/change-password', {
        bearer: person.token,
        headers,
        body: { oldPassword, newPassword: 'secret 2' },
      });
    const signIn = (password: string) =>
      ask(api(), 'POST', '/v1/auth/login', { headers, body: { username: person.username, password } });
    for (let n = 0; n < 10; n += 1) assert.equal((await change('not this')).at('code'), 401001);
    assert.equal((await change(person.password)).at('code'), 401005);
    assert.equal((await signIn(person.password)).status, 200);
    for (let n = 0; n < 10; n += 1) await signIn('not this');
    assert.equal((await signIn(person.password)).at('code'), 401005);
    const { signIn: signIns, close } = await standaloneAccounts(product.config, { openAccount: async () => undefined });
    await signIns.resetPassword(person.id, 'secret 3', { actor: null });
    await close();
    assert.equal((await signIn('secret 3')).status, 200);
  });

  test('spellings that the database takes for one name share one count, whether or not the name is known', async () => {
    const unique = `${process.pid}x${Date.now()}`;
    const known = `zoé ${unique}`;
    const body = { username: known, password: 'secret 1' };
    assert.equal((await ask(api(), 'POST', '/v1/auth/register', { body })).status, 200);
    // From elsewhere for each name: the limit of an address is another one.
    const from = (username: string, address: string) =>
      ask(api(), 'POST', '/v1/auth/login', {
        body: { username, password: 'not this' },
        headers: { 'x-forwarded-for': address },
      });
    for (const [n, name] of [known, `chloé ${unique}`].entries()) {
      const address = `192.0.2.${n}`;
      const plain = name.replace('é', 'e');
      const spellings = [name, plain, plain.toUpperCase(), name.replace('é', 'É'), name.replace('é', 'e\u0301')];
      for (let tried = 0; tried < 10; tried += 1) {
        assert.equal((await from(spellings[tried % spellings.length] ?? '', address)).at('code'), 401001, name);
      }
      for (const spelling of [...spellings, `${name}\u200b`, `${name} \u200b`]) {
        assert.equal((await from(spelling, address)).at('code'), 401005, `${name} as ${spelling}`);
      }
    }
    assert.equal((await from(`other ${unique}`, '192.0.2.0')).at('code'), 401001);
  });

  test('nobody can register the name of the first administrator, in no spelling, also before there is one', async () => {
    const config = { ...product.config, DB_NAME: `${product.config.DB_NAME}_rootless` };
    const empty = connectSequelize(config);
    await migrateNew(config, empty);
    const { registration, close } = await standaloneAccounts(config, { openAccount: async () => undefined });
    for (const username of ['root', 'ROOT', 'röot', 'ｒｏｏｔ', 'r00t', ' root', 'Adm1n']) {
      await assert.rejects(registration.register({ username, password: 'secret 1' }), /username: is taken already/);
    }
    for (const username of ['rооt', 'root\u200b', 'root\u202e', 'root\u3164', 'ꓣoot', 'r\u0337oot']) {
      await assert.rejects(registration.register({ username, password: 'secret 1' }), /username: may have Latin/);
    }
    await registration.register({ username: 'roots', password: 'secret 1' });
    assert.equal(await registration.ensureRootUser('root password'), 'made');
    await Promise.all([empty.close(), close()]);
  });

  test('a bcrypt hash of the earlier service signs in and is replaced', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    const old = (await bcryptHash('as before', 4)).replace(/^\$2.\$/, '$2a$');
    await sequelize.query('UPDATE users SET password_hash=? WHERE id=?', { replacements: [old, person.id] });
    assert.equal((await login(person.username, 'as before')).status, 200);
    const [row] = await product.rows(`SELECT password_hash FROM users WHERE id=${person.id}`);
    assert.match(String(row?.password_hash), /^\$argon2id\$/);
    assert.equal((await login(person.username, 'as before')).status, 200);
  });

  test('changing the password ends older tokens at once on every process', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    assert.equal((await me(person.token, 1)).status, 200);
    const change = (oldPassword: string, newPassword: string) =>
      ask(api(), 'POST', '/v1/auth/change-password', { bearer: person.token, body: { oldPassword, newPassword } });
    assert.equal((await change('not this', 'next password')).at('code'), 401001);
    assert.equal((await change(person.password, 'short')).status, 400);
    assert.equal((await change(person.password, 'next password')).status, 200);
    assert.equal((await me(person.token, 0)).at('code'), 401002);
    await reaches(() => me(person.token, 1), 401);
    const token = await signIn(api(), person.username, 'next password');
    assert.equal((await me(token, 1)).status, 200);
    assert.equal((await login(person.username, person.password)).status, 401);
  });

  test('an administrator’s reset of a password is done, also when the password changes at the same moment', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    const version = async () =>
      Number((await product.rows(`SELECT token_version AS version FROM users WHERE id=${person.id}`))[0]?.version);
    const before = await version();
    const accounts = await standaloneAccounts(product.config, { openAccount: async () => undefined });
    const by = { actor: null };
    // Both have read the user before either has made its hash.
    await Promise.all(['reset one', 'reset two'].map((next) => accounts.signIn.resetPassword(person.id, next, by)));
    assert.equal(await version(), before + 2);
    await assert.rejects(accounts.signIn.resetPassword(4_000_000_000, 'reset one', by), /no user 4000000000/);
    await accounts.close();
  });

  test('a role is read from the database: it changes under a running token', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    const users = () => ask(api(1), 'GET', '/v1/users', { bearer: person.token });
    assert.equal((await users()).status, 403);
    const role = 'ROLE_ROOT_ADMIN';
    const assign = (userId: number, bearer: string) =>
      ask(api(), 'POST', '/v1/users/assign-role', { bearer, body: { userId, role } });
    assert.equal((await assign(person.id, root)).at('data.role'), role);
    await reaches(users, 200);
    const [{ id } = { id: 0 }] = await product.rows("SELECT id FROM users WHERE username='root'");
    assert.equal((await assign(Number(id), person.token)).at('code'), 403001, 'ROOT users cannot be changed');
    assert.equal((await assign(4_000_000, root)).at('code'), 500002);
  });

  test('a disabled user is refused at once, with token and password, and can be enabled again', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 0);
    const status = (value: unknown, id = person.id) =>
      ask(api(), 'POST', `/v1/users/${id}/status`, { bearer: root, body: { status: value } });
    assert.equal((await status('0')).at('data.status'), 0);
    assert.equal((await me(person.token)).at('code'), 401006);
    assert.equal((await login(person.username, person.password)).at('code'), 401006);
    assert.equal((await login(person.username, 'not this')).at('code'), 401001);
    const body = { userId: person.id, role: 'ROLE_ROOT_ADMIN' };
    const promoted = await ask(api(), 'POST', '/v1/users/assign-role', { bearer: root, body });
    assert.equal(promoted.at('code'), 500006, 'a ROOT user cannot be enabled');
    assert.equal((await status(1)).at('data.status'), 1);
    assert.equal((await me(person.token)).at('code'), 401002, 'its earlier tokens stay ended');
    assert.equal((await login(person.username, person.password)).status, 200);
    const [{ id } = { id: 0 }] = await product.rows("SELECT id FROM users WHERE username='root'");
    assert.equal((await status(0, Number(id))).status, 403);
  });

  test('a balance is adjusted once by its key and never falls below zero', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 2);
    const adjust = (key: string, body: unknown) =>
      ask(api(), 'POST', `/v1/users/${person.id}/adjust-balance`, {
        bearer: root,
        body,
        headers: { 'Idempotency-Key': `${key}-${person.id}` },
      });
    const added = '{"amount":0.000000001,"reason":"gift"}';
    const all = await Promise.all(Array.from({ length: 10 }, () => adjust('add', added)));
    for (const { status, text } of all) assert.ok([200, 409].includes(status), text);
    assert.match((await adjust('add', added)).text, /"data":2\.000000001,/);
    assert.equal((await adjust('add', { amount: 5, reason: 'gift' })).at('code'), 409002);
    assert.match((await adjust('take', { amount: '-2', reason: 'taken back' })).text, /"data":0\.000000001,/);
    const below = await adjust('below', { amount: -1, reason: 'too much' });
    assert.deepEqual([below.status, below.at('code')], [402, 402001]);
    assert.equal((await me(person.token)).at('data.balance'), 1e-9);
    for (const body of [
      { amount: 0, reason: 'x' },
      { amount: 1 },
      { amount: '1e-10', reason: 'x' },
      { amount: 'NaN', reason: 'x' },
    ]) {
      assert.equal((await adjust('bad', body)).status, 400, JSON.stringify(body));
    }
    const without = await ask(api(), 'POST', `/v1/users/${person.id}/adjust-balance`, {
      bearer: root,
      body: { amount: 1, reason: 'x' },
    });
    assert.deepEqual([without.status, without.at('data.errors.0.path')], [400, 'Idempotency-Key']);
  });

  test('a key of more than a day ago moves no money again and says so', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 2);
    const key = `old-${person.id}`;
    const adjust = (amount: number) =>
      ask(api(), 'POST', `/v1/users/${person.id}/adjust-balance`, {
        bearer: root,
        body: { amount, reason: 'gift' },
        headers: { 'Idempotency-Key': key },
      });
    assert.equal((await adjust(1)).at('data'), 3);
    await sequelize.query("UPDATE idempotency SET expires_at=NOW(3) - INTERVAL 1 SECOND WHERE scope LIKE 'u%'");
    await sequelize.query(
      `UPDATE transfers SET created_at=created_at - INTERVAL 25 HOUR
        WHERE kind='adjustment' AND account_id=(SELECT id FROM accounts WHERE owner_kind='user' AND owner_id=${person.id})`,
    );
    const again = await adjust(1);
    assert.deepEqual([again.status, again.at('code')], [409, 500003]);
    assert.match(
      textAt(again, 'message'),
      /Idempotency-Key: was used for this same change at 20.*give a new change a new key/,
    );
    assert.equal((await me(person.token)).at('data.balance'), 3);
    assert.equal((await adjust(2)).at('data'), 5, 'another change is another one');
  });

  test('users are listed by page, role and order', async () => {
    const rich = await newPerson(api(), root, 'ROLE_MODEL_ADMIN', 123_456);
    const list = (query: string) => ask(api(), 'GET', `/v1/users?${query}`, { bearer: root });
    const all = await list('pageSize=1000&sortBy=balance&sortOrder=desc');
    assert.equal(all.at('data.size'), 100);
    assert.deepEqual([all.at('data.records.0.username'), all.at('data.records.1.username')], ['root', rich.username]);
    const admins = await list('role=ROLE_MODEL_ADMIN&pageSize=1&pageNum=1');
    assert.deepEqual(
      [admins.at('data.records.0.role'), admins.at('data.total'), admins.at('data.pages')],
      ['ROLE_MODEL_ADMIN', 1, 1],
    );
    for (const key of ['id', 'name', 'username', 'email', 'role', 'createdAt']) {
      assert.equal((await list(`sortBy=${key}`)).status, 200, key);
    }
    assert.equal((await list('sortBy=password_hash')).status, 400);
  });

  test('a list of users goes on from where the page before ended, in every order', async () => {
    const page = z.object({
      data: z.object({
        records: z.array(z.object({ id: z.number() })),
        next: z.string().nullable(),
        total: z.number().optional(),
      }),
    });
    const list = async (query: string) =>
      page.parse(JSON.parse((await ask(api(), 'GET', `/v1/users?${query}`, { bearer: root })).text)).data;
    for (const n of [1, 2, 3, 4, 5]) {
      const email = n % 2 === 0 ? {} : { email: `walked${9 - n}@example.com` };
      const made = { username: `walked ${n}`, password: 'secret 1', balance: n % 2, ...email };
      assert.equal((await ask(api(), 'POST', '/v1/users', { bearer: root, body: made })).status, 200);
    }
    for (const key of ['id', 'name', 'email', 'role', 'balance', 'createdAt']) {
      for (const order of ['asc', 'desc']) {
        const sorted = `sortBy=${key}&sortOrder=${order}&search=walked`;
        const whole = await list(`${sorted}&pageSize=100`);
        assert.deepEqual([whole.total, whole.records.length], [5, 5]);
        const walked: number[] = [];
        for (let next: string | null = ''; next !== null; ) {
          const more: Awaited<ReturnType<typeof list>> = await list(`${sorted}&pageSize=2&cursor=${next}`);
          assert.equal(more.total !== undefined, next === '');
          walked.push(...more.records.map(({ id }) => id));
          next = more.next;
        }
        assert.deepEqual(
          walked,
          whole.records.map(({ id }) => id),
          `${key} ${order}`,
        );
      }
    }
    const richest = 'sortBy=balance&sortOrder=desc&search=walked';
    const first = await list(`${richest}&pageSize=2`);
    const debit = await ask(api(), 'POST', `/v1/users/${first.records[1]?.id}/adjust-balance`, {
      ...{ bearer: root, body: { amount: '-1', reason: 'between two pages' } },
      headers: { 'Idempotency-Key': 'between-two-pages' },
    });
    assert.equal(debit.status, 200);
    const rest = await list(`${richest}&cursor=${first.next}`);
    const seen = new Set([...first.records, ...rest.records].map(({ id }) => id));
    assert.equal(seen.size, 5, 'nobody is left out because the last of a page has less now');
    for (const wrong of ['4000000000', 'x', '-1', '1.', '1.x', '1.5', `1.${'9'.repeat(20)}`, '1.ROLE_USER'])
      assert.equal(
        (await ask(api(), 'GET', `/v1/users?cursor=${wrong}&sortBy=name`, { bearer: root })).at('data.errors.0.path'),
        'cursor',
      );
  });

  test('every administrative change is in the audit log, without secrets', async () => {
    const person = await newPerson(api(), root, 'ROLE_USER', 3);
    await ask(api(), 'POST', '/v1/users/assign-role', {
      bearer: root,
      body: { userId: person.id, role: 'ROLE_MODEL_ADMIN' },
    });
    await ask(api(), 'POST', `/v1/users/${person.id}/status`, { bearer: root, body: { status: 0 } });
    const log = await ask(api(), 'GET', `/v1/audit?targetKind=user&targetId=${person.id}`, { bearer: root });
    assert.deepEqual(
      [0, 1, 2].map((n) => log.at(`data.records.${n}.action`)),
      ['users.status', 'users.assign-role', 'users.create'],
    );
    assert.deepEqual(
      [log.at('data.records.1.before.role'), log.at('data.records.1.after.role')],
      ['ROLE_USER', 'ROLE_MODEL_ADMIN'],
    );
    assert.equal(log.at('data.records.1.actorName'), 'root');
    assert.equal(log.text.includes(person.password), false);
    assert.equal((await ask(api(), 'GET', '/v1/audit', { bearer: person.token })).status, 401);
  });

  test('a forged, foreign or unsigned token is refused', async () => {
    const [header = '', payload = '', signature = ''] = root.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const forged = [
      `${header}.${encode({ ...claims, sub: '2' })}.${signature}`,
      `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      `${encode({ alg: 'HS512', typ: 'JWT' })}.${payload}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -2)}`,
      'x',
    ];
    for (const token of forged) assert.equal((await me(token)).at('code'), 401002, token);
  });

  test('an account left without its grant by a crash gets it from the ledger, once', async () => {
    const accounts = await standaloneAccounts(product.config, {
      openAccount: () => Promise.reject(new Error('crashed')),
    });
    await accounts.registration.register({ username: 'left behind', password: 'secret 1' });
    await accounts.close();
    const token = await signIn(api(), 'left behind', 'secret 1');
    await reaches(async () => {
      const balance = numberAt(await me(token), 'data.balance');
      return { status: balance === 1.5 ? 200 : 0 };
    }, 200);
  });
});

/** Asks until the answer has the status; what was published to other processes arrives a moment later. */
async function reaches(asked: () => Promise<{ readonly status: number }>, status: number): Promise<void> {
  const deadline = Date.now() + 15_000;
  while ((await asked()).status !== status) {
    assert.ok(Date.now() < deadline, `the status ${status} was not reached`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The accounts of another process, with a ledger of the test. */
async function standaloneAccounts(config: Config, ledger: { openAccount(accountId: number): Promise<void> }) {
  const log = createLogger('silent');
  const sequelize = connectSequelize(config);
  const redis = connectRedis(config, log, 'test');
  const subscriber = connectRedis(config, log, 'test-subscriber');
  const accounts = await createAccounts({
    ...{ config, sequelize, redis, log },
    invalidation: createInvalidation(redis, subscriber, log),
    ledger: {
      ...ledger,
      run: () => Promise.reject(new Error('not here')),
      recall: async () => 'nothing-leased' as const,
    },
  });
  const close = async () => {
    redis.disconnect();
    subscriber.disconnect();
    await sequelize.close();
  };
  return { ...accounts, close };
}
