import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { QueryTypes } from 'sequelize';
import { billingRoutes } from '../../api/routes/billing.ts';
import { statisticsRoutes } from '../../api/routes/statistics.ts';
import { UserList } from '../../core/accounts/user-list.ts';
import { ModelStore } from '../../core/catalog/model-store.ts';
import { defineCatalogTables } from '../../core/catalog/tables.ts';
import { adjust } from '../../core/ledger/operations/credit.ts';
import { createStatement } from '../../core/ledger/statement.ts';
import { CallLog } from '../../core/usage/call-log.ts';
import { CallNames } from '../../core/usage/call-names.ts';
import { Statistics } from '../../core/usage/statistics.ts';
import { createUsageRelay } from '../../core/usage/usage-relay.ts';
import { UsageStore } from '../../core/usage/usage-store.ts';
import { localDay } from '../../infra/calendar.ts';
import { until } from '../until.ts';
import { asUser, type RouteApp, routeApp } from './route-app.ts';
import { connected, SILENT, type UsageWorld, usageWorld } from './usage-world.ts';

const ADMIN = asUser(99, 'ROLE_MODEL_ADMIN');
const ROOT = asUser(1, 'ROLE_ROOT_ADMIN');
const MARCH = { startDate: '2026-03-01', endDate: '2026-03-31' };
const DAY_ONE = { day: '2026-03-23', atMs: Date.parse('2026-03-23T02:00:00Z') };
const DAY_TWO = { day: '2026-03-24', atMs: Date.parse('2026-03-24T02:00:00Z') };

interface Owner {
  readonly accountId: number;
  readonly userId: number;
}

describe('statistics, logs and statements', () => {
  let world: UsageWorld;
  let app: RouteApp;
  let store: UsageStore;
  let refused: UsageStore;
  let ann: Owner;
  let ben: Owner;
  const rowsOf = async (answer: Promise<{ data: unknown }>) => (await answer).data as Record<string, unknown>[];

  before(async () => {
    world = await usageWorld('usage_statistics_test');
    const { sequelize } = world;
    for (const table of ['model_prices', 'deleted_models', 'models', 'providers', 'access_keys', 'users'])
      await sequelize.query(`DELETE FROM ${table}`);
    await sequelize.query("INSERT INTO providers (id,name,kind,url_base) VALUES (1,'vendor','openai','http://x')");
    for (const id of [1, 2]) {
      await sequelize.query(
        `INSERT INTO models (id,display_name,model_identifier,provider_id,capabilities) VALUES (${id},'M','=model-${id}',1,'text-to-text')`,
      );
    }
    [ann, ben] = [await owner(world), await owner(world)];
    const queue = world.queue();
    for (const [index, call] of [
      { ...ann, ...DAY_ONE },
      { ...ann, ...DAY_ONE, modelId: 2 },
      { ...ann, ...DAY_TWO, accessKeyId: 2, isAsync: true },
      { ...ann, ...DAY_TWO, errorCode: 700_004 },
      { ...ben, ...DAY_TWO, accessKeyId: 3 },
    ].entries()) {
      await world.call(queue, { ...call, atMs: call.atMs + index });
    }
    const mongo = world.mongo();
    store = new UsageStore(mongo);
    refused = new UsageStore(mongo, 'refused_calls');
    await connected(mongo);
    await createUsageRelay({ sequelize, store, log: SILENT }).relay();
    // As if each call had been charged at its end.
    await sequelize.query(
      "UPDATE transfers SET created_at=IF(day='2026-03-23','2026-03-23 02:00:01','2026-03-24 02:00:01') WHERE kind='charge'",
    );
    await sequelize.query("UPDATE transfers SET created_at='2026-02-28 16:00:00' WHERE kind='grant'");
    const config = { APP_TIME_ZONE: 'Asia/Shanghai', CURRENCY: 'CNY' };
    const services = {
      ...{ statistics: new Statistics(sequelize), usageLog: store, userList: new UserList(sequelize) },
      callLog: new CallLog(store, refused),
      callNames: new CallNames(sequelize),
      statement: createStatement(sequelize),
    };
    app = await routeApp([...statisticsRoutes(services, config), ...billingRoutes(services, config)]);
  });
  after(async () => {
    app.close();
    await world.close();
  });

  test('models: by date then model, exact costs, failures counted', async () => {
    const span = { startDate: '2026-03-23 00:00:00', endDate: '2026-03-24' };
    const rows = await rowsOf(app.ask('POST', '/v1/statistics/models', ADMIN, span));
    assert.deepEqual(
      rows.map(({ date, modelId, totalRequests, failureCount, cost }) => [
        date,
        modelId,
        totalRequests,
        failureCount,
        cost,
      ]),
      [
        ['2026-03-23', 1, 1, 0, 0.000006],
        ['2026-03-23', 2, 1, 0, 0.000006],
        ['2026-03-24', 1, 3, 1, 0.000012],
      ],
    );
    assert.equal(rows[0]?.statDate, '2026-03-23');
    const named = { ...span, modelIdentifier: '=model-2' };
    assert.equal((await rowsOf(app.ask('POST', '/v1/statistics/models', ROOT, named))).length, 1);
    assert.deepEqual(await rowsOf(app.ask('POST', '/v1/statistics/models', ADMIN)), []);
    const today = localDay(Date.now(), 'Asia/Shanghai');
    await world.sequelize.query(`INSERT INTO stats (day,model_id,slot,requests) VALUES ('${today}',1,99,7)`);
    const [row] = await rowsOf(app.ask('POST', '/v1/statistics/models', ADMIN));
    assert.deepEqual([row?.date, row?.totalRequests], [today, 7]);
    assert.equal((await app.ask('POST', '/v1/statistics/models', asUser(ann.userId))).status, 403);
    assert.equal((await app.ask('POST', '/v1/statistics/models', ADMIN, { date: '2026-02-31' })).status, 400);
  });

  test('logs: oldest first, paged by id, only for those who may', async () => {
    const mine = await rowsOf(app.ask('GET', '/v1/statistics/logs/me', asUser(ann.userId)));
    assert.equal(mine.length, 4);
    assert.deepEqual(
      mine.map(({ userId }) => userId),
      Array(4).fill(ann.userId),
    );
    assert.deepEqual(
      [...mine].map(({ id }) => id).sort(),
      [...mine].map(({ id }) => id),
    );
    const [last] = await rowsOf(app.ask('GET', '/v1/statistics/logs/me?limit=1&sortDesc=true', asUser(ann.userId)));
    assert.deepEqual(last, mine[3]);
    const path = `/v1/statistics/logs/me?limit=2&before=${mine[2]?.id}`;
    assert.deepEqual(await rowsOf(app.ask('GET', path, asUser(ann.userId))), mine.slice(0, 2));
    assert.equal((await app.ask('GET', `/v1/statistics/logs/user/${ann.userId}`, asUser(ben.userId))).status, 403);
    const ofBen = await rowsOf(app.ask('GET', `/v1/statistics/logs/user/${ben.userId}`, ADMIN));
    assert.equal(ofBen.length, 1);
    assert.equal((await rowsOf(app.ask('GET', '/v1/statistics/logs/model/2', ADMIN))).length, 1);
    assert.deepEqual(
      Object.keys(mine[0] ?? {}),
      'id,requestId,userId,accessKeyId,modelId,modelIdentifier,promptTokens,completionTokens,imageCount,characters,audioSeconds,cost,latencyMs,ttftMs,isAsync,isSuccess,errorCode,createTime,priceRule,doubt,fits,tags,errorText,traceId,providerName,attempts,batchId,status'.split(
        ',',
      ),
    );
    assert.equal(mine[0]?.createTime, '2026-03-23T10:00:00.000+08:00');
  });

  test('logs/query: every filter, and "all" as earlier clients say it', async () => {
    const count = async (body?: object) =>
      (await rowsOf(app.ask('POST', '/v1/statistics/logs/query', ADMIN, body))).length;
    assert.equal(await count(), 5);
    assert.equal(await count({ limit: null, userId: null }), 5);
    assert.equal(await count({ limit: 0 }), 5);
    assert.equal(await count({ isSuccess: false }), 1);
    assert.equal(await count({ isSuccess: 'true', isAsync: true }), 1);
    assert.equal(await count({ accessKeyId: '3' }), 1);
    assert.equal(await count({ modelId: 1, userId: ann.userId }), 3);
    assert.equal(await count({ startTime: '2026-03-24 00:00:00' }), 3);
    assert.equal(await count({ endTime: '2026-03-23T10:00:00.000+08:00' }), 1);
  });

  test('usage by day, model and key: own rows, for ROOT all', async () => {
    const span = 'startDate=2026-03-01&endDate=2026-03-31';
    const by = (group: string, who: Record<string, string>) =>
      rowsOf(app.ask('GET', `/v1/statistics/usage?groupBy=${group}&${span}`, who));
    const pick = (rows: Record<string, unknown>[], field: string) =>
      rows.map((row) => [row[field], row.requests, row.cost]);
    assert.deepEqual(pick(await by('day', asUser(ann.userId)), 'date'), [
      ['2026-03-23', 2, 0.000012],
      ['2026-03-24', 1, 0.000006],
    ]);
    assert.deepEqual(pick(await by('model', ROOT), 'modelId'), [
      [1, 3, 0.000018],
      [2, 1, 0.000006],
    ]);
    assert.deepEqual(pick(await by('accessKey', ADMIN), 'accessKeyId'), []);
    assert.deepEqual(pick(await by('accessKey', ROOT), 'accessKeyId'), [
      [1, 2, 0.000012],
      [2, 1, 0.000006],
      [3, 1, 0.000006],
    ]);
    const path = '/v1/statistics/usage?startDate=2024-01-01&endDate=2026-01-01';
    assert.equal((await app.ask('GET', path, ROOT)).status, 400);
  });

  test('performance: the own calls by day, model and key, failed ones counted and not timed', async () => {
    const by = async (group: string, who = asUser(ann.userId)) => {
      const path = `/v1/statistics/performance?groupBy=${group}&startDate=2026-03-01&endDate=2026-03-31`;
      return (await app.ask('GET', path, who)).data as { isComplete: boolean; groups: Record<string, unknown>[] };
    };
    const { isComplete, groups } = await by('day');
    assert.equal(isComplete, true);
    assert.deepEqual(
      groups.map(({ date, requests, failures }) => [date, requests, failures]),
      [
        ['2026-03-23', 2, 0],
        ['2026-03-24', 2, 1],
      ],
    );
    for (const { latencyP50Ms, latencyP95Ms } of groups) {
      assert.ok(typeof latencyP50Ms === 'number' && typeof latencyP95Ms === 'number' && latencyP50Ms <= latencyP95Ms);
    }
    const pick = async (group: string, field: string) =>
      (await by(group)).groups.map((row) => [row[field], row.requests, row.failures]);
    assert.deepEqual(await pick('model', 'modelIdentifier'), [
      ['model-1', 3, 1],
      ['model-2', 1, 0],
    ]);
    assert.deepEqual(await pick('accessKey', 'accessKeyId'), [
      [1, 3, 1],
      [2, 1, 0],
    ]);
    assert.deepEqual((await by('day', ROOT)).groups, []);
    const tooLong = '/v1/statistics/performance?startDate=2024-01-01&endDate=2026-01-01';
    assert.equal((await app.ask('GET', tooLong, ROOT)).status, 400);
  });

  test('spend by each group adds up to the charges of the ledger, also cut and as a file', async () => {
    const { sequelize } = world;
    await sequelize.query(
      `INSERT INTO users (id,username,password_hash,role) VALUES (${ann.userId},'=ann','x','ROLE_USER')`,
    );
    await sequelize.query(
      `INSERT INTO access_keys (id,user_id,name,tag,public_part,key_hash,last_four) VALUES
         (1,${ann.userId},'one','=team','aaaaaaaaaaaaaaaa',REPEAT('x',32),'aaaa'),
         (2,${ann.userId},'two','=team','bbbbbbbbbbbbbbbb',REPEAT('x',32),'bbbb')`,
    );
    const logged = await rowsOf(app.ask('POST', '/v1/statistics/logs/query', ADMIN));
    const names = new Map(logged.map(({ userId, username }) => [userId, username]));
    assert.deepEqual([names.get(ann.userId), names.get(ben.userId)], ['=ann', undefined]);
    // A charge of before providers were noted counts to the one that its model has now.
    await sequelize.query("UPDATE transfers SET provider_id=NULL WHERE kind='charge' AND model_id=2");
    const ledger = await world.one("SELECT -SUM(amount) AS cost, COUNT(*) AS calls FROM transfers WHERE kind='charge'");
    const total = Number(ledger.cost) / 1e9;
    const spend = async (query: string, who = ROOT) => {
      const { status, data, text } = await app.ask(
        'GET',
        `/v1/statistics/spend?${query}&startDate=2026-03-01&endDate=2026-03-31`,
        who,
      );
      assert.equal(status, 200, text);
      return data as Record<'groups', Record<string, unknown>[]> & Record<'rest' | 'total', Record<string, unknown>>;
    };
    const nano = (cost: unknown) => Math.round(Number(cost) * 1e9);
    const expected = {
      day: ['date', '2026-03-23', '2026-03-24'],
      model: ['modelIdentifier', '=model-1', '=model-2'],
      accessKey: ['accessKeyName', 'one', 'two', ''],
      user: ['username', '=ann', ''],
      provider: ['providerId', 4, 1],
      tag: ['tag', '=team', ''],
    } as const;
    for (const [groupBy, [field, ...names]] of Object.entries(expected)) {
      for (const limit of [1, 1_000]) {
        const { groups, rest, total: whole } = await spend(`groupBy=${groupBy}&limit=${limit}`);
        const shown = groups.map((group) => group[field]);
        assert.deepEqual(shown, names.slice(0, limit), groupBy);
        const parts = [...groups, rest];
        assert.equal(
          parts.reduce((sum, { cost }) => sum + nano(cost), 0),
          nano(total),
          groupBy,
        );
        assert.equal(
          parts.reduce((sum, { requests }) => sum + Number(requests), 0),
          Number(ledger.calls),
        );
        assert.deepEqual([whole.cost, whole.requests], [total, Number(ledger.calls)]);
      }
    }
    const [key] = (await spend('groupBy=accessKey')).groups;
    assert.deepEqual([key?.accessKeyMask, key?.userId, key?.username], ['ak-aaaa…aaaa', ann.userId, '=ann']);
    assert.equal((await spend(`userId=${ben.userId}`)).total.requests, 1);
    assert.equal((await spend('accessKeyId=1&modelId=2')).total.requests, 1);
    assert.equal((await spend('', ADMIN)).total.requests, Number(ledger.calls), 'model administrators see all');
    assert.equal((await spend('groupBy=user', asUser(ben.userId))).total.requests, 1, 'a user sees its own');
    const refusals = [
      ['groupBy=provider', asUser(ben.userId), 403],
      [`userId=${ann.userId}`, asUser(ben.userId), 403],
      ['groupBy=nothing', ROOT, 400],
      ['limit=0', ROOT, 400],
      ['startDate=2026-03-02&endDate=2026-03-01', ROOT, 400],
    ] as const;
    for (const [query, who, status] of refusals) {
      assert.equal((await app.ask('GET', `/v1/statistics/spend?${query}`, who)).status, status, query);
    }
    const file = await app.ask(
      'GET',
      '/v1/statistics/spend?groupBy=tag&format=csv&limit=1&startDate=2026-03-01&endDate=2026-03-31',
      ROOT,
    );
    assert.match(file.headers.get('content-type') ?? '', /^text\/csv/);
    const [head, ...lines] = file.text
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    assert.deepEqual([head?.[0], ...lines.map(([tag]) => tag)], ['tag', "'=team", '(rest)']);
    assert.equal(
      lines.reduce((sum, line) => sum + nano(line[head?.indexOf('cost') ?? 0]), 0),
      nano(total),
    );
    await sequelize.query('DELETE FROM access_keys');
    await sequelize.query('DELETE FROM users');
  });

  test('the log of calls is filtered by each field, and shows the key of a provider to administrators only', async () => {
    const query = (body: Record<string, unknown>) => rowsOf(app.ask('POST', '/v1/statistics/logs/query', ROOT, body));
    const [failed] = await query({ isSuccess: false });
    assert.ok(failed);
    assert.deepEqual(
      [failed.errorText, failed.traceId, failed.providerName, failed.providerKeyId, failed.attempts],
      ['failed with 700004', 'trace', 'vendor', 3, 1],
    );
    const five = [{ traceId: 'trace' }, { providerName: 'vendor' }, { providerKeyId: 3 }, { attempts: 1 }];
    for (const filter of five) assert.equal((await query(filter)).length, 5, JSON.stringify(filter));
    const one = [{ requestId: failed.requestId }, { errorCode: '700004' }, { errorText: 'WITH 7' }];
    for (const filter of one)
      assert.deepEqual(
        (await query(filter)).map(({ id }) => id),
        [failed.id],
        JSON.stringify(filter),
      );
    const none = [
      ...[{ traceId: 'other' }, { providerName: 'other' }, { providerKeyId: 4 }, { attempts: 2 }, { errorText: '.*' }],
      ...[{ priceRule: 'night' }, { doubt: 'missing' }, { requestId: 'x' }, { errorText: 'with', isSuccess: true }],
      { requestId: failed.requestId, before: failed.requestId },
    ];
    for (const filter of none) assert.equal((await query(filter)).length, 0, JSON.stringify(filter));
    for (const [field, value] of Object.entries({ doubt: 'x', attempts: -1, traceId: 'a b', errorCode: 'x' })) {
      const { status, text } = await app.ask('POST', '/v1/statistics/logs/query', ROOT, { [field]: value });
      assert.equal(status, 400, field);
      assert.ok(text.includes(`"path":"${field}"`), text);
    }
    const [own] = await rowsOf(app.ask('GET', '/v1/statistics/logs/me', asUser(ann.userId)));
    assert.deepEqual([own?.providerName, own && 'providerKeyId' in own], ['vendor', false]);
  });

  test('a call names its access key, deleted or not, and for administrators the key of its provider', async () => {
    // A deleted key still has its name; the third was never there.
    const { sequelize } = world;
    await sequelize.query(
      `INSERT INTO users (id,username,password_hash,role) VALUES (${ann.userId},'ann','x','ROLE_USER')`,
    );
    await sequelize.query(
      `INSERT INTO access_keys (id,user_id,name,public_part,key_hash,last_four,deleted_at) VALUES
         (1,${ann.userId},'one','aaaaaaaaaaaaaaaa',REPEAT('x',32),'aaaa',NULL),
         (2,${ann.userId},'two','bbbbbbbbbbbbbbbb',REPEAT('x',32),'bbbb',NOW(3))`,
    );
    await sequelize.query(
      "INSERT INTO provider_keys (id,provider_id,name,secret,last_four) VALUES (3,1,'a key of the vendor','x','wxyz')",
    );
    const named = ['accessKeyId', 'accessKeyName', 'accessKeyMask', 'providerKeyName', 'providerKeyMask', 'providerId'];
    const shown = async (path: string, who: Record<string, string>) =>
      (await rowsOf(app.ask('GET', path, who))).map((call) => named.map((field) => call[field]));
    const vendor = ['a key of the vendor', 'sk-…wxyz', 4];
    const ofKey = (id: number) => `/v1/statistics/logs/user/${ann.userId}?accessKeyId=${id}`;
    assert.deepEqual(await shown(ofKey(2), ADMIN), [[2, 'two', 'ak-bbbb…bbbb', ...vendor]]);
    assert.deepEqual(await shown(`/v1/statistics/logs/user/${ben.userId}`, ADMIN), [
      [3, undefined, undefined, ...vendor],
    ]);
    const nothing = [undefined, undefined, undefined];
    const mine = (query: string) => shown(`/v1/statistics/logs/me?${query}`, asUser(ann.userId));
    assert.deepEqual(await mine('accessKeyId=2'), [[2, 'two', 'ak-bbbb…bbbb', ...nothing]]);
    assert.deepEqual(await mine('modelId=2'), [[1, 'one', 'ak-aaaa…aaaa', ...nothing]]);
    assert.deepEqual(await mine('accessKeyId=3'), [], 'the key of another');
    for (const table of ['provider_keys', 'access_keys', 'users']) await sequelize.query(`DELETE FROM ${table}`);
  });

  test('the three sums of a day are one: statistics, ledger, log', async () => {
    for (const day of ['2026-03-23', '2026-03-24']) {
      const ledger = await world.one(`SELECT -SUM(amount) AS cost FROM transfers WHERE kind='charge' AND day='${day}'`);
      const stats = await world.one(`SELECT SUM(cost) AS cost FROM stats WHERE day='${day}'`);
      const log = [...(await store.sums(day))].filter(([group]) => group.startsWith(`${day}, model`));
      assert.equal(String(stats.cost), String(ledger.cost));
      assert.equal(
        log.reduce((sum, [, { cost = 0n }]) => sum + cost, 0n),
        BigInt(String(ledger.cost)),
      );
    }
  });

  test('a statement equals the transfers, in JSON and CSV', async () => {
    const queue = world.queue();
    await queue.submit(adjust({ id: 'adj-1', accountId: ann.accountId, note: '=1+1' }, -5n));
    await world.sequelize.query("UPDATE transfers SET created_at='2026-03-31 15:59:59' WHERE id='adj-1'");
    const { data, text } = await app.ask('GET', '/v1/billing/statement?month=2026-03', asUser(ann.userId));
    const statement = data as Record<string, unknown> & { entries: unknown[]; chargesByModelAndKey: unknown[] };
    // 2026-02-28T16:00Z is the first instant of March in Shanghai: the grant is not in the opening.
    assert.equal(statement.opening, 0);
    assert.match(text, /"grants":1000000,/);
    assert.match(text, /"closing":999999\.999981995,/);
    assert.equal(statement.entries.length, 2);
    assert.equal(statement.chargesByModelAndKey.length, 3);
    const sum = await world.one(`SELECT SUM(amount) AS sum FROM transfers WHERE account_id=${ann.accountId}`);
    assert.equal(String(sum.sum), '999999999981995');
    assert.equal(await world.balance(ann.accountId), 999_999_999_981_995n);

    const february = await app.ask('GET', '/v1/billing/statement?month=2026-02', asUser(ann.userId));
    assert.match(february.text, /"closing":0,/);
    const april = await app.ask('GET', '/v1/billing/statement?month=2026-04', asUser(ann.userId));
    assert.match(april.text, /"opening":999999\.999981995,.*"closing":999999\.999981995,/);

    const csv = await app.ask('GET', '/v1/billing/statement?month=2026-03&format=csv', asUser(ann.userId));
    assert.match(csv.headers.get('content-type') ?? '', /^text\/csv/);
    const lines = csv.text.trim().split('\n');
    assert.equal(lines.length, 1 + 1 + 2 + 3 + 1);
    assert.ok(csv.text.includes("'=1+1") && csv.text.includes("'=model-1"));
    const amountAt = (lines[0] ?? '').split(',').indexOf('amount');
    const amounts = lines.slice(1).map((line) => line.split(',')[amountAt] ?? '');
    const nano = (amount: string) => BigInt(Math.round(Number(amount) * 1e9));
    const parts = amounts.slice(0, -1).reduce((total, amount) => total + nano(amount), 0n);
    assert.equal(parts, nano(amounts.at(-1) ?? ''));
  });

  test('a deleted model is named as before in statistics, usage and statements, and found by its name', async () => {
    const { sequelize } = world;
    const tables = defineCatalogTables(sequelize);
    const queries = {
      byName: () => app.ask('POST', '/v1/statistics/models', ROOT, { ...MARCH, modelIdentifier: '=model-2' }),
      statistics: () => app.ask('POST', '/v1/statistics/models', ROOT, MARCH),
      usage: () =>
        app.ask(
          'GET',
          '/v1/statistics/usage?groupBy=model&startDate=2026-03-01&endDate=2026-03-31',
          asUser(ann.userId),
        ),
      statement: () => app.ask('GET', '/v1/billing/statement?month=2026-03', asUser(ann.userId)),
    };
    const texts = async () => Promise.all(Object.values(queries).map(async (query) => (await query()).text));
    const withoutTrace = (text: string) => text.replace(/"traceId":"[^"]*"/, '');
    const before = await texts();
    await sequelize.transaction((transaction) => new ModelStore(tables).delete(2, transaction));
    assert.equal(await tables.models.findByPk(2), null);
    assert.deepEqual((await texts()).map(withoutTrace), before.map(withoutTrace));
    assert.ok(before.every((text) => text.includes('"modelIdentifier":"=model-2"')));
  });

  test('a call that began in another month is in the statement and the statistics of its charge alike', async () => {
    const cleo = await owner(world);
    const id = await world.call(world.queue(), { ...cleo, day: undefined, atMs: Date.now() - 40 * 86_400_000 });
    const row = await world.one(`SELECT day, created_at FROM transfers WHERE id='${id}' AND kind='charge'`);
    assert.ok(row.created_at instanceof Date);
    const day = localDay(row.created_at.getTime(), 'Asia/Shanghai');
    const document = await world.one(
      `SELECT day, JSON_VALUE(doc,'$.day') AS written FROM usage_outbox WHERE id='${id}'`,
    );
    assert.deepEqual([row.day, document.day, document.written], [day, day, day]);
    const month = day.slice(0, 7);
    const statement = await app.ask('GET', `/v1/billing/statement?month=${month}`, asUser(cleo.userId));
    const { chargesByModelAndKey: charges } = statement.data as { chargesByModelAndKey: Record<string, unknown>[] };
    const span = `startDate=${month}-01&endDate=${day}`;
    const usage = await rowsOf(app.ask('GET', `/v1/statistics/usage?groupBy=day&${span}`, asUser(cleo.userId)));
    assert.deepEqual([charges.length, charges[0]?.calls, charges[0]?.amount], [1, 1, -0.000006]);
    assert.deepEqual([usage.length, usage[0]?.date, usage[0]?.requests, usage[0]?.cost], [1, day, 1, 0.000006]);
  });

  test('a statement asks for a month of the right form', async () => {
    for (const month of ['2026-13', '2026-1', '2026-03-01', '26-11', "2026-11'"]) {
      const answer = await app.ask('GET', `/v1/billing/statement?month=${month}`, asUser(ann.userId));
      assert.equal(answer.status, 400, month);
    }
    assert.equal((await app.ask('GET', '/v1/billing/statement', asUser(ann.userId))).status, 400);
    assert.equal((await app.ask('GET', '/v1/billing/statement?month=2026-03', asUser(4_000_000))).status, 404);
  });

  test('MySQL reads what it is asked for by index', async () => {
    const plan = async (sql: string) =>
      (await world.sequelize.query(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, { type: QueryTypes.SELECT })) as {
        key: string | null;
        table: string;
      }[];
    const filler = Array.from(
      { length: 3_000 },
      (_, index) => `('f${index}','charge',${ben.accountId},-1,'2026-01-01','2026-01-01 00:00:00')`,
    );
    await world.sequelize.query(
      `INSERT INTO transfers (id,kind,account_id,amount,day,created_at) VALUES ${filler.join(',')}`,
    );
    await world.sequelize.query('ANALYZE TABLE transfers');
    const statement = await plan(
      `SELECT SUM(t.amount) FROM transfers t WHERE t.account_id=${ann.accountId} AND t.created_at>='2026-03-01' AND t.created_at<'2026-04-01'`,
    );
    assert.match(String(statement[0]?.key), /^ix_transfers_account/);
    const usage = await plan(
      "SELECT t.day FROM accounts a STRAIGHT_JOIN transfers t FORCE INDEX (ix_transfers_account_time) ON t.account_id=a.id WHERE t.created_at>='2026-03-01' AND t.created_at<'2026-04-01'",
    );
    assert.equal(usage.find(({ table }) => table === 't')?.key, 'ix_transfers_account_time');
  });

  test('MongoDB has an index for every list, and uses it where it says how it looks', async () => {
    // They are made in the background once there is a connection.
    const fields = [
      ...['userId', 'accessKeyId', 'modelId', 'isSuccess', 'isAsync', 'createTime', 'day', 'traceId', 'providerName'],
      ...['providerKeyId', 'attempts', 'errorCode', 'priceRule', 'doubt'],
    ];
    await until('an index begins with each field', async () => {
      const first = (await store.indexes()).map(([field]) => field);
      return fields.every((field) => first.includes(field));
    });
    const filters = [
      {},
      { userId: 1 },
      { accessKeyId: 1 },
      { modelId: 1 },
      { isSuccess: false },
      { isAsync: true },
      { traceId: 'x' },
      { errorText: 'x' },
    ];
    for (const filter of filters) {
      const plan = JSON.stringify(await store.explain({ ...filter, before: 'x' }, 10));
      // FerretDB explains its SQL and always scans; a real MongoDB names the stages of its plan.
      if (plan.includes('winningPlan')) assert.ok(plan.includes('IXSCAN') && !plan.includes('COLLSCAN'), plan);
    }
  });
});

async function owner(world: UsageWorld): Promise<Owner> {
  const accountId = await world.account(10n ** 15n);
  const { owner_id: userId } = await world.one(`SELECT owner_id FROM accounts WHERE id=${accountId}`);
  return { accountId, userId: Number(userId) };
}
