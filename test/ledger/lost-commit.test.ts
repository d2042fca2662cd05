/** After a connection that breaks at COMMIT the queue's answers are true, even if another process has its slot. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { v7 as uuidv7 } from 'uuid';
import type { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import { openWriterConnection } from '../../core/ledger/commit-queue/connection.ts';
import { fenceWriter } from '../../core/ledger/commit-queue/fencing.ts';
import { adjust } from '../../core/ledger/operations/credit.ts';
import { hold } from '../../core/ledger/operations/hold.ts';
import { DatabaseRelay } from '../chaos/database-relay.ts';
import { callHold } from './calls.ts';
import { type TestLedger, testLedger } from './test-ledger.ts';

describe('a connection that breaks at COMMIT', () => {
  let ledger: TestLedger;
  let relay: DatabaseRelay;
  let queue: CommitQueue;
  before(async () => {
    ledger = await testLedger('lost_commit_test');
    relay = await DatabaseRelay.open({ host: ledger.config.DB_HOST, port: ledger.config.DB_PORT });
    queue = ledger.queue(10_000, { DB_HOST: '127.0.0.1', DB_PORT: relay.port });
    await queue.open();
  });
  after(async () => {
    await ledger.close();
    await relay.close();
  });

  /** As if the process had been frozen: its slot was fenced, and each of `successors` took it and wrote under it. */
  async function giveSlotAway(successors: number): Promise<void> {
    const slot = queue.writer?.slot ?? 0;
    const connection = await openWriterConnection(ledger.config);
    for (let epoch = queue.writer?.epoch ?? 0, count = 0; count <= successors; count += 1, epoch += 2) {
      await connection.query(`UPDATE writers SET expires_at=NOW(3) - INTERVAL 1 SECOND WHERE slot=${slot}`);
      assert.ok(await fenceWriter(connection, { slot, epoch, expiresAtMs: 0 }));
      await connection.query(`UPDATE writers SET epoch=epoch+1,seq=seq+3 WHERE slot=${slot}`);
    }
    await connection.end();
    relay.heal();
  }

  test('a batch that was not committed runs again', async () => {
    const accountId = await ledger.account(100n);
    relay.breakAt('commit-lost');
    assert.deepEqual(await queue.submit(hold(callHold(uuidv7(), accountId, 10n))), { kind: 'held' });
    assert.equal(await ledger.balance(accountId), 90n);
  });

  test('a batch that was committed is not run again', async () => {
    const accountId = await ledger.account(100n);
    relay.breakAt('answer-lost');
    assert.deepEqual(await queue.submit(hold(callHold(uuidv7(), accountId, 10n))), { kind: 'held' });
    assert.equal(await ledger.balance(accountId), 90n);
  });

  test("a successor's batches in the slot are not taken for the lost one", async () => {
    const accountId = await ledger.account(100n);
    relay.breakAt('commit-lost', () => relay.part());
    const outcome = queue.submit(hold(callHold(uuidv7(), accountId, 10n)));
    await ledger.until(() => relay.isParted);
    await giveSlotAway(2);
    assert.deepEqual(await outcome, { kind: 'held' });
    assert.equal(await ledger.balance(accountId), 90n);
  });

  test('a batch that was committed before the slot went to successors is known to be', async () => {
    const accountId = await ledger.account(100n);
    const id = uuidv7();
    relay.breakAt('answer-lost', () => relay.part());
    const outcome = queue.submit(hold(callHold(id, accountId, 10n)));
    await ledger.until(() => relay.isParted);
    await giveSlotAway(2);
    assert.deepEqual(await outcome, { kind: 'held' });
    assert.equal(await ledger.balance(accountId), 90n);
  });

  test('when nobody remembers any more, the batch runs again and finds what it did', async () => {
    const accountId = await ledger.account(100n);
    const id = uuidv7();
    relay.breakAt('answer-lost', () => relay.part());
    const outcome = queue.submit(hold(callHold(id, accountId, 10n)));
    await ledger.until(() => relay.isParted);
    await giveSlotAway(9);
    assert.deepEqual(await outcome, { kind: 'exists' });
    assert.equal(await ledger.balance(accountId), 90n);
  });

  test('what cannot be taken back is not refused while nobody knows whether it was done', async () => {
    const accountId = await ledger.account(100n);
    relay.breakAt('answer-lost', () => relay.part());
    const adjusted = queue.submit(adjust({ id: uuidv7(), accountId }, 5n), { waitMs: 50 });
    await ledger.until(() => relay.isParted);
    // Queued behind it, so certainly not done: it hears so in time.
    const queued = queue.submit(adjust({ id: uuidv7(), accountId }, 7n), { waitMs: 50 });
    await assert.rejects(queued, { kind: 'databaseUnavailable' });
    relay.heal();
    assert.deepEqual(await adjusted, { kind: 'done', available: 105n });
    assert.equal(await ledger.balance(accountId), 105n);
  });

  test('a hold that was refused for want of the database is taken back when it turns out to be committed', async () => {
    const accountId = await ledger.account(100n);
    relay.breakAt('answer-lost', () => relay.part());
    const held = queue.submit(hold(callHold(uuidv7(), accountId, 10n)), { waitMs: 50 });
    await assert.rejects(held, { kind: 'databaseUnavailable' });
    assert.equal(await ledger.balance(accountId), 90n);
    relay.heal();
    await ledger.until(async () => (await ledger.balance(accountId)) === 100n);
  });
});
