import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { QueryTypes } from 'sequelize';
import { firstKeptDay, retain } from '../../core/usage/retention.ts';
import { createUsageRelay, type UsageRelay } from '../../core/usage/usage-relay.ts';
import { UsageStore } from '../../core/usage/usage-store.ts';
import { connected, SILENT, type UsageWorld, usageWorld } from './usage-world.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-03-20T04:00:00Z');

describe('retention of the usage log and its outbox', () => {
  let world: UsageWorld;
  let store: UsageStore;
  let refused: UsageStore;
  let relay: UsageRelay;
  before(async () => {
    world = await usageWorld('usage_retention_test');
    await world.sequelize.query(
      "ALTER TABLE usage_outbox PARTITION BY RANGE COLUMNS (day) (PARTITION p_first VALUES LESS THAN ('2026-01-01'), PARTITION p_rest VALUES LESS THAN (MAXVALUE))",
    );
    const mongo = world.mongo();
    store = new UsageStore(mongo);
    refused = new UsageStore(mongo, 'refused_calls');
    await connected(mongo);
    relay = createUsageRelay({ sequelize: world.sequelize, store, log: SILENT });
  });
  after(() => world.close());

  const round = (atMs: number) =>
    retain(
      {
        sequelize: world.sequelize,
        store,
        refused,
        usageRetentionMs: 90 * DAY_MS,
        timeZone: 'Asia/Shanghai',
        log: SILENT,
      },
      atMs,
    );
  const partitions = async () => {
    const rows = await world.sequelize.query<{ name: string }>(
      "SELECT PARTITION_NAME AS name FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='usage_outbox' ORDER BY PARTITION_ORDINAL_POSITION",
      { type: QueryTypes.SELECT },
    );
    return rows.map(({ name }) => name);
  };
  const outboxRows = async () => Number((await world.one('SELECT COUNT(*) AS n FROM usage_outbox')).n);

  test('partitions are made ahead, once, and rows before them are taken along', async () => {
    const accountId = await world.account(10n ** 15n);
    await world.call(world.queue(), { accountId, day: '2026-03-19', atMs: NOW_MS - DAY_MS });
    const first = await round(NOW_MS);
    assert.equal(first?.createdPartitions, 8);
    const names = await partitions();
    assert.ok(names.includes('p20260320') && names.includes('p20260327') && names.at(-1) === 'p_rest');
    assert.equal(await outboxRows(), 1);
    assert.equal((await round(NOW_MS))?.createdPartitions, 0);
    assert.equal((await round(NOW_MS + DAY_MS))?.createdPartitions, 1);
  });

  test('a partition is dropped when its day is past and everything in it has been carried over, not before', async () => {
    assert.ok((await partitions()).includes('p20260320'));
    await round(NOW_MS + 5 * DAY_MS);
    assert.ok((await partitions()).includes('p20260320'), 'what was not carried over stays');
    assert.equal(await relay.relay(), 1);
    const later = await round(NOW_MS + 5 * DAY_MS);
    assert.ok((later?.droppedPartitions ?? 0) > 0);
    const names = await partitions();
    assert.ok(!names.includes('p20260320') && names.includes('p20260323'), names.join());
    assert.equal(await outboxRows(), 0);
    assert.equal((await store.newest({}, 10)).length, 1);
  });

  test('a late call of a dropped day is not lost', async () => {
    const accountId = await world.account(10n ** 15n);
    const id = await world.call(world.queue(), { accountId, day: '2026-03-18', atMs: NOW_MS - 2 * DAY_MS });
    await round(NOW_MS + 20 * DAY_MS);
    assert.equal(await relay.relay(), 1);
    assert.ok((await store.newest({}, 10)).some(({ requestId }) => requestId === id));
  });

  test('calls go on while partitions change', async () => {
    const accountId = await world.account(10n ** 15n);
    const queue = world.queue();
    const calls = Array.from({ length: 100 }, (_, index) =>
      world.call(queue, { accountId, day: '2026-04-10', atMs: NOW_MS + 20 * DAY_MS + index }),
    );
    const rounds = (async () => {
      for (let day = 21; day < 40; day += 1) await round(NOW_MS + day * DAY_MS);
    })();
    const ids = await Promise.all(calls);
    await rounds;
    while ((await relay.relay()) > 0);
    const logged = new Set((await store.newest({}, 1_000)).map(({ requestId }) => requestId));
    assert.deepEqual(
      ids.filter((id) => !logged.has(id)),
      [],
    );
  });

  test('documents older than they are kept are deleted, younger ones stay', async () => {
    const [template] = await store.newest({}, 1);
    assert.ok(template);
    const atMs = NOW_MS + 400 * DAY_MS;
    const limit = atMs - 90 * DAY_MS;
    await store.add([
      { ...template, requestId: 'old', createTime: new Date(limit - 1) },
      { ...template, requestId: 'young', createTime: new Date(limit) },
    ]);
    await refused.add([
      { ...template, requestId: 'old, refused', createTime: new Date(limit - 1) },
      { ...template, requestId: 'young, refused', createTime: new Date(limit) },
    ]);
    assert.ok(((await round(atMs))?.deletedDocuments ?? 0) > 100);
    assert.deepEqual(
      (await store.newest({}, 10)).map(({ requestId }) => requestId),
      ['young'],
    );
    assert.deepEqual(
      (await refused.newest({}, 10)).map(({ requestId }) => requestId),
      ['young, refused'],
    );
    assert.equal(firstKeptDay(90 * DAY_MS, 'Asia/Shanghai', Date.parse('2026-04-10T04:00:00Z')), '2026-01-12');
  });

  test('two processes at once: one does it', async () => {
    const results = await Promise.all([round(NOW_MS + 401 * DAY_MS), round(NOW_MS + 401 * DAY_MS)]);
    assert.ok(results.some((result) => result !== undefined));
  });
});
