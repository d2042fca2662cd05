import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { lastReconciliation, reconcile } from '../../core/ledger/reconcile.ts';
import { createUsageRelay } from '../../core/usage/usage-relay.ts';
import { UsageStore } from '../../core/usage/usage-store.ts';
import { until } from '../until.ts';
import { connected, SILENT, type UsageWorld, usageWorld } from './usage-world.ts';

const ACCOUNT = '(SELECT account_id FROM (SELECT MIN(account_id) AS account_id FROM holds) x)';
const CAPTURED = `(SELECT id FROM (SELECT MIN(id) AS id FROM holds WHERE state='captured' AND account_id=${ACCOUNT}) y)`;
const transfer = (id: string, kind: string, amount: number) =>
  `INSERT INTO transfers (id,kind,account_id,amount,day,created_at) VALUES ('${id}','${kind}',${ACCOUNT},${amount},'2026-11-24',NOW(3))`;
const order = (status: string, refunded = 'NULL', chargedBack = 0) =>
  `INSERT INTO orders (order_no,user_id,account_id,amount,currency,status,refunded,charged_back,expires_at,created_at,updated_at)
   VALUES ('o-1',1,${ACCOUNT},100,'CNY','${status}',${refunded},${chargedBack},NOW(3),NOW(3),NOW(3))`;
const job = (id: string, status: string) =>
  `INSERT INTO jobs (id,type,user_id,account_id,status,request,plan,cost,deadline_at,created_at,updated_at)
   VALUES (${id},'chat',1,${ACCOUNT},'${status}','{}','{}',0,NOW(3),NOW(3),NOW(3))`;
const OPEN_JOB_HOLD = `INSERT INTO holds (id,account_id,owner,amount,state,slot,epoch,expires_at,created_at)
   VALUES ('h-1',${ACCOUNT},'job',5,'open',1,1,NOW(3),NOW(3))`;
const balance = (change: number) => `UPDATE accounts SET available=available+(${change}) WHERE id=${ACCOUNT}`;
const FORGET_ORDER = ["DELETE FROM orders WHERE order_no='o-1'", "DELETE FROM transfers WHERE id='o-1'"];
const FORGET_CHARGEBACKS = "DELETE FROM transfers WHERE kind='chargeback'";

/** Each makes one invariant false, where it can the others not, and is taken back. */
const BREACHES: readonly { invariant: number; name: string; sql: readonly string[]; undo: readonly string[] }[] = [
  {
    invariant: 1,
    name: 'two accounts that have swapped money',
    sql: [`UPDATE accounts SET available=available+CASE WHEN id=${ACCOUNT} THEN 1 ELSE -1 END`],
    undo: [`UPDATE accounts SET available=available-CASE WHEN id=${ACCOUNT} THEN 1 ELSE -1 END`],
  },
  {
    invariant: 2,
    name: 'a released hold of which something was captured',
    sql: [`UPDATE holds SET state='released' WHERE id=${CAPTURED}`],
    undo: ["UPDATE holds SET state='captured' WHERE state='released' AND captured>0"],
  },
  {
    invariant: 3,
    name: 'a captured hold without a charge',
    sql: [
      "INSERT INTO holds (id,account_id,owner,amount,captured,state,slot,epoch,expires_at,created_at) SELECT 'lonely',id,'call',5,5,'captured',1,1,NOW(3),NOW(3) FROM accounts LIMIT 1",
    ],
    undo: ["DELETE FROM holds WHERE id='lonely'"],
  },
  {
    invariant: 3,
    name: 'a second charge of a hold under another id',
    sql: [
      `INSERT INTO transfers (id,kind,account_id,amount,hold_id,model_id,day,created_at)
       SELECT 'again',kind,account_id,amount,hold_id,model_id,day,created_at FROM transfers WHERE id=${CAPTURED}`,
    ],
    undo: ["DELETE FROM transfers WHERE id='again'"],
  },
  {
    invariant: 4,
    name: 'a memo with the wrong sign',
    sql: [transfer('memo', 'loss', -5)],
    undo: ["DELETE FROM transfers WHERE id='memo'"],
  },
  {
    invariant: 4,
    name: 'a debt beside money that could pay it',
    sql: [`UPDATE accounts SET available=available+5,debt=debt+5 WHERE id=${ACCOUNT}`],
    undo: [`UPDATE accounts SET available=available-5,debt=debt-5 WHERE id=${ACCOUNT}`],
  },
  { invariant: 5, name: 'a completed order without a credit', sql: [order('COMPLETED')], undo: FORGET_ORDER },
  {
    invariant: 5,
    name: 'a completed order that was credited as a grant too',
    sql: [order('COMPLETED'), transfer('o-1', 'top_up', 100), transfer('o-1', 'grant', 100), balance(200)],
    undo: [...FORGET_ORDER, balance(-200)],
  },
  {
    invariant: 5,
    name: 'an order that says refunded without a refund',
    sql: [order('COMPLETED', '100'), transfer('o-1', 'top_up', 100), balance(100)],
    undo: [...FORGET_ORDER, balance(-100)],
  },
  {
    invariant: 5,
    name: 'a refund without an order',
    sql: [transfer('r-1', 'refund', -100), balance(-100)],
    undo: ["DELETE FROM transfers WHERE id='r-1'", balance(100)],
  },
  {
    invariant: 5,
    name: 'a chargeback without an order',
    sql: [transfer('r-1', 'chargeback', -100), balance(-100)],
    undo: ["DELETE FROM transfers WHERE id='r-1'", balance(100)],
  },
  {
    invariant: 5,
    name: 'chargebacks of more than the order says',
    sql: [
      ...[order('COMPLETED', 'NULL', 60), transfer('o-1', 'top_up', 100)],
      ...[transfer('c-1', 'chargeback', -60), transfer('c-2', 'chargeback', -60), balance(-20)],
    ],
    undo: [...FORGET_ORDER, FORGET_CHARGEBACKS, balance(20)],
  },
  {
    invariant: 5,
    name: 'an order that says taken back without a chargeback',
    sql: [order('COMPLETED', 'NULL', 60), transfer('o-1', 'top_up', 100), balance(100)],
    undo: [...FORGET_ORDER, balance(-100)],
  },
  {
    invariant: 5,
    name: 'a refund of more than the order says',
    sql: [order('COMPLETED', '60'), transfer('o-1', 'top_up', 100), transfer('o-1', 'refund', -160), balance(-60)],
    undo: [...FORGET_ORDER, balance(60)],
  },
  {
    invariant: 5,
    name: 'a failed job that was charged',
    sql: [job(CAPTURED, 'FAILED'), `UPDATE jobs SET cost=(SELECT captured FROM holds WHERE holds.id=jobs.id)`],
    undo: ['DELETE FROM jobs'],
  },
  {
    invariant: 5,
    name: 'a running job that was charged',
    sql: [job(CAPTURED, 'PROCESSING'), `UPDATE jobs SET cost=(SELECT captured FROM holds WHERE holds.id=jobs.id)`],
    undo: ['DELETE FROM jobs'],
  },
  {
    invariant: 5,
    name: 'a cancelled job that says another cost than its charge',
    sql: [job(CAPTURED, 'CANCELLED')],
    undo: ['DELETE FROM jobs'],
  },
  {
    invariant: 5,
    name: 'an ended job whose hold is open',
    sql: [job("'h-1'", 'FAILED'), OPEN_JOB_HOLD, balance(-5)],
    undo: ['DELETE FROM jobs', "DELETE FROM holds WHERE id='h-1'", balance(5)],
  },
  {
    invariant: 5,
    name: 'a hold of a job that is not there',
    sql: [OPEN_JOB_HOLD, balance(-5)],
    undo: ["DELETE FROM holds WHERE id='h-1'", balance(5)],
  },
  {
    invariant: 6,
    name: 'a transfer of an account that is not there',
    sql: [
      "INSERT INTO transfers (id,kind,account_id,amount,day,created_at) VALUES ('stray','grant',4000000000,5,'2026-11-24',NOW(3))",
    ],
    undo: ["DELETE FROM transfers WHERE id='stray'"],
  },
  {
    invariant: 7,
    name: 'statistics that have invented a failure',
    sql: ['UPDATE stats SET failures=failures+1,requests=requests+1 ORDER BY model_id LIMIT 1'],
    undo: ['UPDATE stats SET failures=failures-1,requests=requests-1 ORDER BY model_id LIMIT 1'],
  },
  {
    invariant: 7,
    name: 'statistics that have lost a token',
    sql: ['UPDATE stats SET prompt_tokens=prompt_tokens-1 ORDER BY slot LIMIT 1'],
    undo: ['UPDATE stats SET prompt_tokens=prompt_tokens+1 ORDER BY slot LIMIT 1'],
  },
];

describe('reconciliation', () => {
  let world: UsageWorld;
  let store: UsageStore;
  let carryAll: () => Promise<void>;
  const usageLog = async () => {
    const { connection } = world.mongo();
    return (await connection.asPromise()).collection<{ _id: string; day?: string }>('usage');
  };
  const run = () => reconcile(world.sequelize, { store, firstDay: '2026-01-01' });
  before(async () => {
    world = await usageWorld('reconcile_test');
    for (const table of ['orders', 'jobs']) await world.sequelize.query(`DELETE FROM ${table}`);
    const mongo = world.mongo();
    store = new UsageStore(mongo);
    await connected(mongo);
    const relay = createUsageRelay({ sequelize: world.sequelize, store, log: SILENT });
    carryAll = async () => {
      while ((await relay.relay()) > 0);
    };
    const queue = world.queue();
    const accounts = [await world.account(10n ** 15n), await world.account(10n ** 15n)];
    const calls = Array.from({ length: 40 }, (_, index) =>
      world.call(queue, {
        accountId: accounts[index % 2] ?? 0,
        modelId: 1 + (index % 3),
        ...(index % 8 === 0 ? { errorCode: 504 } : {}),
      }),
    );
    await Promise.all(calls);
    await carryAll();
  });
  after(() => world.close());

  test('a sound ledger has no breach, and the result is kept', async () => {
    const result = await run();
    assert.deepEqual(
      result.invariants.map(({ breaches, examples, note }) => [breaches, examples, note]),
      Array(7).fill([0, [], undefined]),
    );
    assert.deepEqual(
      result.invariants.map(({ checked }) => checked),
      // 35 calls succeeded: as many charges and captured holds; 2 accounts; in the log 3 models and 2 users of a day.
      [2, 40, 35 + 35, 2 + 40 + 37 + 3, 0, 1, 3 + 3 + 2],
    );
    const kept = await lastReconciliation(world.sequelize);
    assert.deepEqual([kept?.breaches, kept?.invariants], [0, result.invariants]);
  });

  for (const { invariant, name, sql, undo } of BREACHES) {
    test(`${name} breaks invariant ${invariant}`, async () => {
      for (const statement of sql) await world.sequelize.query(statement);
      const result = await run();
      for (const statement of undo) await world.sequelize.query(statement);
      const report = result.invariants[invariant - 1];
      assert.ok((report?.breaches ?? 0) > 0, JSON.stringify(result.invariants));
      assert.ok((report?.examples.length ?? 0) > 0);
      assert.equal((await run()).breaches, 0);
    });
  }

  test('orders given back and jobs in every state are sound', async () => {
    const steps = [
      ...[order('COMPLETED', '60', 40), transfer('o-1', 'top_up', 100), transfer('o-1', 'refund', -60)],
      ...[transfer('c-1', 'chargeback', -15), transfer('c-2', 'chargeback', -25)],
      ...[job("'h-1'", 'PROCESSING'), OPEN_JOB_HOLD, balance(-5), job("'h-2'", 'FAILED')],
      ...[job(CAPTURED, 'CANCELLED'), `UPDATE jobs SET cost=(SELECT captured FROM holds WHERE holds.id=jobs.id)`],
    ];
    for (const statement of steps) await world.sequelize.query(statement);
    const result = await run();
    const undo = [
      ...FORGET_ORDER,
      FORGET_CHARGEBACKS,
      'DELETE FROM jobs',
      "DELETE FROM holds WHERE id='h-1'",
      balance(5),
    ];
    for (const statement of undo) await world.sequelize.query(statement);
    assert.deepEqual(
      result.invariants.flatMap(({ examples }) => examples),
      [],
    );
    assert.equal(result.invariants[4]?.checked, 3 + 1 + 1 + 1 + 1 + 1);
  });

  test('a call that the usage log lost, or has twice, is a breach', async () => {
    const [entry] = await store.newest({ isSuccess: true }, 1);
    assert.ok(entry);
    await store.add([{ ...entry, requestId: 'twice' }]);
    const twice = await run();
    assert.match(
      twice.invariants[6]?.examples[0] ?? '',
      /usage log of 2026-11-24, model \d: calls 1\d, in the ledger 1\d; cost .* promptTokens .* completionTokens/,
    );
    await (await usageLog()).deleteMany({ _id: { $in: ['twice', entry.requestId] } });
    // Of its model and of its user.
    assert.equal((await run()).invariants[6]?.breaches, 2);
    await store.add([entry]);
    assert.equal((await run()).breaches, 0);
  });

  for (const [what, change] of [
    ['other tokens', { promptTokens: 999_999 }],
    ['another user', { userId: 4_242 }],
    ['another model', { modelId: 77 }],
  ] as const) {
    test(`a call that the usage log has with ${what} is a breach`, async () => {
      const [entry] = await store.newest({ isSuccess: true }, 1);
      assert.ok(entry);
      const log = await usageLog();
      await log.updateOne({ _id: entry.requestId }, { $set: change });
      const result = await run();
      await log.deleteOne({ _id: entry.requestId });
      await store.add([entry]);
      assert.ok((result.invariants[6]?.breaches ?? 0) > 0);
      assert.equal((await run()).breaches, 0);
    });
  }

  test('sums of the usage log go over many thousands of calls', async () => {
    const [entry] = await store.newest({ isSuccess: true }, 1);
    assert.ok(entry);
    const day = '2025-12-31';
    const many = Array.from({ length: 5_001 }, (_, index) => ({
      ...entry,
      ...{ requestId: `many-${index}`, day, promptTokens: 2 },
    }));
    // In parts, each again if MongoDB was too busy: all at once keep it busy for seconds.
    for (let from = 0; from < many.length; from += 500) {
      const part = many.slice(from, from + 500);
      await until('these are in the log', () =>
        store.add(part).then(
          () => true,
          () => false,
        ),
      );
    }
    const sums = await store.sums(day);
    await (await usageLog()).deleteMany({ day });
    const sum = sums.get(`${day}, model ${entry.modelId}`);
    assert.deepEqual([sum?.calls, sum?.promptTokens], [5_001n, 10_002n]);
  });

  test('a failed call that the usage log lost is a breach', async () => {
    const [entry] = await store.newest({ isSuccess: false }, 1);
    assert.ok(entry);
    await (await usageLog()).deleteOne({ _id: entry.requestId });
    const { invariants } = await run();
    await store.add([entry]);
    assert.equal(invariants[6]?.breaches, 1);
    assert.match(
      invariants[6]?.examples[0] ?? '',
      /^usage log of 2026-11-24, model \d: failures \d, in the ledger \d$/,
    );
    assert.equal((await run()).breaches, 0);
  });

  test('calls under way while it runs are no breach, nor are documents that wait', async () => {
    const queue = world.queue();
    const accountId = await world.account(10n ** 15n);
    let busy = true;
    const load = (async () => {
      while (busy) {
        await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            world.call(queue, { accountId, day: '2026-11-25', ...(index % 5 === 0 ? { errorCode: 504 } : {}) }),
          ),
        );
        await carryAll();
      }
    })();
    const results = [];
    for (let round = 0; round < 8; round += 1) results.push(await run());
    busy = false;
    await load;
    assert.deepEqual(
      results.flatMap(({ invariants }) => invariants.flatMap(({ examples }) => examples)),
      [],
    );
    await world.call(queue, { accountId, day: '2026-11-25' });
    assert.equal((await run()).breaches, 0);
  });

  test('with MongoDB away the rest is checked, and it is said', async () => {
    world.wire.cut();
    const result = await run();
    assert.equal(result.breaches, 0);
    assert.match(result.invariants[6]?.note ?? '', /MongoDB is away/);
    await world.wire.mend();
    await until('MongoDB is compared again', async () => (await run()).invariants[6]?.note === undefined);
  });
});
