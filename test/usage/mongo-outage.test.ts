import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { reconcile } from '../../core/ledger/reconcile.ts';
import { createUsageRelay } from '../../core/usage/usage-relay.ts';
import { UsageStore } from '../../core/usage/usage-store.ts';
import { isFullChaos, testStack } from '../../devstack/test-stack.ts';
import { connected, SILENT, type UsageWorld, usageWorld } from './usage-world.ts';

const OUTAGE_MS = isFullChaos() ? 60_000 : 3_000;
const CALLERS = 8;

describe('MongoDB killed and frozen under load', () => {
  const mongod = testStack().part('mongo');
  let world: UsageWorld;
  let store: UsageStore;
  before(async () => {
    world = await usageWorld('usage_outage_test');
    const mongo = world.mongo();
    store = new UsageStore(mongo);
    await connected(mongo);
  });
  after(() => world.close());

  /** Calls and relay rounds until it is stopped, then rounds until everything has been copied. */
  /** @param answered by caller: how many of its calls have ended. */
  async function load(stop: AbortSignal, answered: number[]): Promise<{ slowestMs: number }> {
    const accountId = await world.account(10n ** 17n);
    const queue = world.queue();
    const relay = createUsageRelay({ sequelize: world.sequelize, store, log: SILENT });
    let slowestMs = 0;
    const caller = async (_: unknown, index: number) => {
      while (!stop.aborted) {
        const started = performance.now();
        await world.call(queue, { accountId });
        slowestMs = Math.max(slowestMs, performance.now() - started);
        answered[index] = (answered[index] ?? 0) + 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const relaying = (async () => {
      while (!stop.aborted) if ((await relay.relay()) === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    })();
    await Promise.all([...answered.map(caller), relaying]);
    while (!(await isCarried())) await relay.relay();
    return { slowestMs };
  }

  async function isCarried(): Promise<boolean> {
    const row = await world.one(
      'SELECT COUNT(*) AS n FROM usage_outbox o LEFT JOIN usage_watermarks m ON m.slot=o.slot WHERE o.seq>COALESCE(m.seq,0)',
    );
    return Number(row.n) === 0;
  }

  for (const [name, takeAway, giveBack] of [
    ['killed', () => mongod.kill('SIGKILL'), () => mongod.start()],
    ['frozen', () => mongod.kill('SIGSTOP'), () => mongod.kill('SIGCONT')],
  ] as const) {
    test(`${name} for ${OUTAGE_MS / 1_000} s: no call fails or waits, afterwards the log equals the ledger`, async (context) => {
      const stop = new AbortController();
      const answered = Array.from({ length: CALLERS }, () => 0);
      const loaded = load(stop.signal, answered);
      try {
        await new Promise((resolve) => setTimeout(resolve, 500));
        await takeAway();
        const before = [...answered];
        await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
        // The first of them may have begun before; one that waited for MongoDB would not end before it is back.
        await world.until(() => answered.every((calls, caller) => calls >= (before[caller] ?? 0) + 2));
      } finally {
        await giveBack();
        stop.abort();
      }
      const { slowestMs } = await loaded;
      const calls = answered.reduce((sum, of) => sum + of, 0);
      context.diagnostic(`${calls} calls, the slowest ${Math.round(slowestMs)} ms`);
      const result = await reconcile(world.sequelize, { store, firstDay: '2026-01-01' });
      assert.equal(result.breaches, 0, JSON.stringify(result.invariants));
      assert.equal(result.invariants[6]?.note, undefined);
    });
  }

  test('a connection that the driver has lost for good is made anew; one to a server that is away is not', async () => {
    const mongo = world.mongo(100);
    await connected(mongo);
    const opened: string[] = [];
    mongo.connection.on('connecting', () => opened.push('connecting'));
    // As the driver leaves it when it does not notice that the server is back.
    Object.assign(mongo.connection, { readyState: 0 });
    await assert.rejects(mongo.ping(), { kind: 'databaseUnavailable' });
    await world.until(async () => {
      await mongo.ping().catch(() => undefined);
      return mongo.connection.readyState === 1;
    });
    await mongo.ping();
    assert.deepEqual(opened, ['connecting']);
    world.wire.cut();
    await world.until(() => mongo.connection.readyState !== 1);
    await world.wire.mend();
    await world.until(() => mongo.connection.readyState === 1);
    assert.deepEqual(opened, ['connecting'], 'the driver has come back by itself');
  });
});
