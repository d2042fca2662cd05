/** Which writers are taken for dead, and what becomes of them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { v7 as uuidv7 } from 'uuid';
import type { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import { openWriterConnection } from '../../core/ledger/commit-queue/connection.ts';
import { endWriterConnection } from '../../core/ledger/commit-queue/fencing.ts';
import { takeWriter, writerLock } from '../../core/ledger/commit-queue/writer.ts';
import { Ledger } from '../../core/ledger/ledger.ts';
import { hold } from '../../core/ledger/operations/hold.ts';
import { HoldSweeper } from '../../core/ledger/sweeper.ts';
import { DatabaseRelay } from '../chaos/database-relay.ts';
import { callCapture, callHold } from './calls.ts';
import { type TestLedger, testLedger } from './test-ledger.ts';

describe('fencing', () => {
  let ledger: TestLedger;
  let sweeper: HoldSweeper;
  before(async () => {
    ledger = await testLedger('fencing_test');
    const queue = ledger.queue();
    await queue.open();
    sweeper = new HoldSweeper(ledger.config, ledger.sequelize, new Ledger(queue, ledger.sequelize, 'UTC'));
  });
  after(() => ledger.close());

  /** As after a freeze, or after the database was away: the writer has not renewed itself in time. */
  async function lapse({ writer }: CommitQueue): Promise<void> {
    await ledger.sequelize.query(`UPDATE writers SET expires_at=NOW(3) - INTERVAL 1 SECOND WHERE slot=${writer?.slot}`);
  }

  test('a writer that stays lapsed is fenced, its holds are released, and it works on as another one', async () => {
    const queue = ledger.queue();
    const accountId = await ledger.account(100n);
    const id = uuidv7();
    assert.deepEqual(await queue.submit(hold(callHold(id, accountId, 10n))), { kind: 'held' });
    const before = { ...queue.writer };
    await lapse(queue);
    await sweeper.sweep();
    assert.deepEqual((await sweeper.sweep()).fencedWriters, 1);
    assert.equal(await ledger.balance(accountId), 100n);
    assert.deepEqual(await queue.submit(callCapture(id, accountId, 7n)), { kind: 'hold-released' });
    assert.notDeepEqual({ ...queue.writer, seq: before.seq }, before);
    assert.equal(await ledger.balance(accountId), 100n);
  });

  test('a process that was cut off does not write under a slot that is no longer its own', async (context) => {
    const relay = await DatabaseRelay.open({ host: ledger.config.DB_HOST, port: ledger.config.DB_PORT });
    const queue = ledger.queue(10_000, { DB_HOST: '127.0.0.1', DB_PORT: relay.port });
    // Whatever failed: a commit queue that cannot reach the database goes on trying, and a server that listens keeps the process.
    context.after(async () => {
      relay.disarm();
      relay.heal();
      await queue.close();
      await relay.close();
    });
    const accountId = await ledger.account(100n);
    await queue.open();
    const before = { slot: queue.writer?.slot, epoch: queue.writer?.epoch };
    relay.breakAt('batch-lost', () => relay.part());
    const held = queue.submit(hold(callHold(uuidv7(), accountId, 10n)));
    await ledger.until(() => relay.isParted);
    await lapse(queue);
    await sweeper.sweep();
    await sweeper.sweep();
    // Its next packet is a batch: it has no reason to ask first whose the slot is.
    await relay.healBetweenTries();
    assert.deepEqual(await held, { kind: 'held' });
    const row = await ledger.one(`SELECT slot,epoch FROM holds WHERE account_id=${accountId}`);
    assert.notDeepEqual({ slot: row.slot, epoch: row.epoch }, before);
    assert.deepEqual({ slot: queue.writer?.slot, epoch: queue.writer?.epoch }, { slot: row.slot, epoch: row.epoch });
  });

  test('a writer that renews itself after the database was away keeps its slot and its holds', async () => {
    const queue = ledger.queue();
    const accountId = await ledger.account(100n);
    const id = uuidv7();
    await queue.submit(hold(callHold(id, accountId, 10n)));
    const epoch = queue.writer?.epoch;
    await lapse(queue);
    await sweeper.sweep();
    await queue.submit(hold(callHold(uuidv7(), accountId, 1n)));
    await lapse(queue);
    await sweeper.sweep();
    assert.deepEqual(await queue.submit(callCapture(id, accountId, 7n)), { kind: 'captured', charged: 7n, loss: 0n });
    assert.equal(queue.writer?.epoch, epoch);
  });

  test('a new process does not take the slot of a lapsed writer before it is fenced', async () => {
    const queue = ledger.queue();
    await queue.open();
    await lapse(queue);
    const other = ledger.queue();
    await other.open();
    assert.notEqual(other.writer?.slot, queue.writer?.slot);
  });

  test('a writer that waits for the locks of a frozen one is not taken for dead', async (context) => {
    const queue = ledger.queue(300);
    const accountId = await ledger.account(100n);
    await queue.submit(hold(callHold(uuidv7(), accountId, 1n)));
    const before = { ...queue.writer };
    const frozen = await openWriterConnection(ledger.config);
    // With it go its locks, for which the commit queue would wait.
    context.after(() => frozen.destroy());
    const dead = await takeWriter(frozen, 300, 'frozen');
    await frozen.query(`START TRANSACTION;SELECT id FROM accounts WHERE id=${accountId} FOR UPDATE`);
    const held = queue.submit(hold(callHold(uuidv7(), accountId, 10n)));
    await ledger.until(async () => {
      const slots = `${dead.slot},${queue.writer?.slot}`;
      const row = await ledger.one(
        `SELECT COUNT(*) AS lapsed FROM writers WHERE slot IN (${slots}) AND expires_at < NOW(3)`,
      );
      return Number(row.lapsed) === 2;
    });
    await sweeper.sweep();
    await sweeper.sweep();
    assert.deepEqual(await held, { kind: 'held' });
    assert.deepEqual({ ...queue.writer, seq: before.seq }, before);
    await assert.rejects(frozen.query('COMMIT'));
  });

  test('an installation on the same server leaves the connections of another alone', async (context) => {
    const queue = ledger.queue();
    await queue.open();
    const { slot = 0, epoch = 0 } = queue.writer ?? {};
    const other = await openWriterConnection({ ...ledger.config, DB_NAME: 'mysql' });
    context.after(() => other.destroy());
    await endWriterConnection(other, slot, epoch);
    const own = await openWriterConnection(ledger.config);
    context.after(() => own.destroy());
    const [rows] = await own.query(`SELECT IS_USED_LOCK(${writerLock(own, slot, epoch)}) AS id`);
    assert.ok(Array.isArray(rows) && rows[0] && 'id' in rows[0] && rows[0].id !== null);
  });
});
