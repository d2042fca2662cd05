import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { QueryTypes } from 'sequelize';
import { createUsageRelay, type UsageRelay } from '../../core/usage/usage-relay.ts';
import { UsageStore } from '../../core/usage/usage-store.ts';
import { until } from '../until.ts';
import { connected, SILENT, type UsageWorld, usageWorld } from './usage-world.ts';

describe('the way of usage documents from the ledger to MongoDB', () => {
  let world: UsageWorld;
  let store: UsageStore;
  let relay: UsageRelay;
  before(async () => {
    world = await usageWorld('usage_relay_test');
    const mongo = world.mongo();
    store = new UsageStore(mongo);
    await connected(mongo);
    relay = createUsageRelay({ sequelize: world.sequelize, store, log: SILENT });
  });
  after(() => world.close());

  const carryAll = async () => {
    while ((await relay.relay()) > 0);
  };
  const idsInLog = async () => (await store.newest({}, 10_000)).map((entry) => entry.requestId).sort();

  test('documents of two processes arrive once and exactly', async () => {
    const accountId = await world.account(10n ** 17n);
    const queues = [world.queue(), world.queue()];
    const calls = Array.from({ length: 60 }, (_, index) => {
      const failed = index % 10 === 9 ? { errorCode: 700_004 } : {};
      return world.call(queues[index % 2] ?? world.queue(), { accountId, ...failed });
    });
    const ids = (await Promise.all(calls)).sort();
    await carryAll();
    assert.deepEqual(await idsInLog(), ids);
    const entries = await store.newest({}, 100);
    const sums = await world.one("SELECT -SUM(amount) AS spent FROM transfers WHERE kind='charge'");
    assert.equal(
      entries.reduce((sum, entry) => sum + entry.cost, 0n),
      BigInt(String(sums.spent)),
    );
    assert.equal(entries.filter((entry) => !entry.isSuccess).length, 6);
  });

  test('costs above 2^53 nano-units keep every digit', async () => {
    const [template] = await store.newest({ isSuccess: true }, 1);
    assert.ok(template);
    await store.add([{ ...template, requestId: 'f-dear', cost: 9_007_199_254_740_993n }]);
    const [found] = await store.newest({}, 1);
    assert.equal(found?.requestId, 'f-dear');
    assert.equal(found.cost, 9_007_199_254_740_993n);
  });

  test('a crash before the watermark moves repeats documents that are already there', async () => {
    const ids = await idsInLog();
    await world.sequelize.query('DELETE FROM usage_watermarks');
    assert.ok((await relay.relay()) > 0);
    assert.deepEqual(await idsInLog(), ids);
  });

  test('two relays at once carry everything once', async () => {
    const accountId = await world.account(10n ** 15n);
    const queue = world.queue();
    const before = await idsInLog();
    const made = await Promise.all(Array.from({ length: 200 }, () => world.call(queue, { accountId })));
    const mongo = world.mongo();
    await connected(mongo);
    const other = createUsageRelay({ sequelize: world.sequelize, store: new UsageStore(mongo), log: SILENT });
    const counts = await Promise.all([relay.relay(), other.relay(), relay.relay(), other.relay()]);
    await carryAll();
    assert.ok(counts.some((count) => count > 0));
    assert.deepEqual(await idsInLog(), [...before, ...made].sort());
  });

  test('a document that cannot be read holds up its own slot, not the others, and is reported', async () => {
    const accountId = await world.account(10n ** 15n);
    const queues = [world.queue(), world.queue()];
    const before = await idsInLog();
    const ids: string[] = [];
    for (const queue of queues) ids.push(await world.call(queue, { accountId }));
    const [slot, other] = queues.map(({ writer }) => writer?.slot ?? 0);
    assert.ok(slot !== undefined && other !== undefined && slot < other);
    const [row] = await world.sequelize.query<{ doc: string }>('SELECT doc FROM usage_outbox WHERE id=?', {
      ...{ replacements: [ids[0]], type: QueryTypes.SELECT },
    });
    assert.ok(row);
    const rewrite = (doc: string) =>
      world.sequelize.query('UPDATE usage_outbox SET doc=? WHERE id=?', { replacements: [doc, ids[0]] });
    for (const unreadable of ['{', '{"cost":"x"}']) {
      await rewrite(unreadable);
      const logged: Record<string, unknown>[] = [];
      const log = pino({ level: 'error' }, { write: (line: string) => logged.push(JSON.parse(line)) });
      await createUsageRelay({ sequelize: world.sequelize, store, log }).relay();
      assert.deepEqual(await idsInLog(), [...before, ids[1]].sort());
      assert.deepEqual(
        logged.map(({ level, requestId }) => [level, requestId]),
        [[50, ids[0]]],
      );
    }
    await rewrite(row.doc);
    await carryAll();
    assert.deepEqual(await idsInLog(), [...before, ...ids].sort());
  });

  test('with MongoDB away calls go on, and the log catches up when it is back', async () => {
    const accountId = await world.account(10n ** 15n);
    const queue = world.queue();
    const before = await idsInLog();
    world.wire.cut();
    const during = await Promise.all(Array.from({ length: 50 }, () => world.call(queue, { accountId })));
    assert.equal(await relay.relay(), 0);
    const started = performance.now();
    await assert.rejects(store.newest({}, 1), { kind: 'databaseUnavailable' });
    assert.ok(performance.now() - started < 2_000, 'a caller is told soon');
    await world.wire.mend();
    await until('the relay reaches MongoDB again', async () => (await relay.relay()) > 0);
    await carryAll();
    assert.deepEqual(await idsInLog(), [...before, ...during].sort());
  });

  test('a process that starts while MongoDB is away connects later', async () => {
    world.wire.cut();
    const mongo = world.mongo();
    const late = new UsageStore(mongo);
    await assert.rejects(late.newest({}, 1), { kind: 'databaseUnavailable' });
    await world.wire.mend();
    await until('the late process connects', () =>
      mongo.ping().then(
        () => true,
        () => false,
      ),
    );
    assert.equal((await late.newest({}, 1)).length, 1);
  });
});
