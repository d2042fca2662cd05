/**
 * What comes while the charge of a stream waits for others to join its batch. The clock stands still meanwhile: such a
 * charge waits until something takes it along, or the test lets the time pass.
 */
import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import { openWriterConnection } from '../../core/ledger/commit-queue/connection.ts';
import { endWriterConnection } from '../../core/ledger/commit-queue/fencing.ts';
import { LeaseBook } from '../../core/ledger/leases/lease-book.ts';
import { Ledger } from '../../core/ledger/ledger.ts';
import type { CaptureOutcome } from '../../core/ledger/operations/capture.ts';
import { type HoldRequest, hold } from '../../core/ledger/operations/hold.ts';
import { leaseTerms } from '../../core/ledger/operations/lease.ts';
import { HoldSweeper } from '../../core/ledger/sweeper.ts';
import { callHold, callRequest } from './calls.ts';
import { type TestLedger, testLedger } from './test-ledger.ts';

const OPENING_BALANCE = 10_000n;
const BOUND = 10n;
const COST = 7n;
const CAPTURED = { kind: 'captured', charged: COST, loss: 0n };
/** As long as any charge waits. */
const PATIENCE_MS = 10;

interface Waiting {
  readonly clock: StillClock;
  readonly id: string;
  readonly accountId: number;
  readonly queue: CommitQueue;
  readonly book: LeaseBook;
  readonly charging: Promise<CaptureOutcome>;
}

/** Timers and times of the process, as long as it stands. */
class StillClock {
  readonly #test: TestContext;
  readonly #queue: CommitQueue;
  #stands = true;

  constructor(t: TestContext, queue: CommitQueue) {
    const now = performance.now();
    t.mock.method(performance, 'now', () => now);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    this.#test = t;
    this.#queue = queue;
  }

  /** Lets timers run until something has ended. */
  async passUntil<Result>(work: Promise<Result>): Promise<Result> {
    let hasEnded = false;
    const end = () => {
      hasEnded = true;
    };
    work.then(end, end);
    await this.#passUntil(() => hasEnded);
    return work;
  }

  async #passUntil(isOver: () => boolean): Promise<void> {
    while (this.#stands && !isOver()) {
      this.#test.mock.timers.tick(PATIENCE_MS);
      await nextTurn();
    }
  }

  /** From now on time passes by itself. */
  async goOn(): Promise<void> {
    // Only an operation that is queued may wait for a timer, which would be lost.
    await this.#passUntil(() => this.#queue.queued === 0);
    this.#stands = false;
    this.#test.mock.timers.reset();
    this.#test.mock.restoreAll();
  }
}

describe('while a charge waits for others', { timeout: 120_000 }, () => {
  let ledger: TestLedger;
  let sweeper: HoldSweeper;
  before(async () => {
    ledger = await testLedger('waiting_charges_test');
    const queue = ledger.queue();
    await queue.open();
    sweeper = new HoldSweeper(ledger.config, ledger.sequelize, new Ledger(queue, ledger.sequelize, 'UTC'));
  });
  after(() => ledger.close());

  /** A call that a lease pays for, whose charge waits. */
  async function waitingCharge(t: TestContext, change: Partial<HoldRequest> = {}): Promise<Waiting> {
    const accountId = await ledger.account(OPENING_BALANCE);
    const queue = ledger.queue();
    await queue.open();
    const terms = { ...leaseTerms(0.25), richTimes: 2n };
    const book = new LeaseBook({ queue, terms, log: pino({ level: 'silent' }) });
    const admit = (id: string) => book.admit({ ...callHold(id, accountId, BOUND), ...change });
    assert.deepEqual([admit(uuidv7()), admit(uuidv7())], [false, false], 'before there is a lease');
    await ledger.until(() => book.left > 0n);
    const [id, other] = [uuidv7(), uuidv7()];
    assert.ok(admit(id));
    assert.ok(admit(other), 'somebody who may join the batch');
    const clock = new StillClock(t, queue);
    // A batch that was just committed, so that others are to be expected.
    await queue.submit({ reads: [], decide: () => undefined });
    const budgetKeyId = change.budget ? (change.accessKeyId ?? null) : null;
    const charging = book.calls.charge({ ...callRequest(id, accountId, COST), budgetKeyId, mayWait: true });
    assert.ok(charging);
    t.after(async () => {
      await clock.passUntil(charging.catch(() => undefined));
      await clock.goOn();
      await book.close();
    });
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    assert.equal(queue.queued, 1, 'the charge waits');
    await book.calls.release({ holdId: other, accountId, budgetKeyId });
    return { clock, id, accountId, queue, book, charging };
  }

  /** What the call was charged and what the platform lost by it, and what the account's leases have captured. */
  async function booked({ id, accountId }: Waiting) {
    const row = await ledger.one(
      `SELECT (SELECT COALESCE(-SUM(amount),0) FROM transfers WHERE id='${id}' AND kind='charge') AS charged,
              (SELECT COALESCE(SUM(amount),0) FROM transfers WHERE id='${id}' AND kind='loss') AS lost,
              (SELECT COALESCE(SUM(captured),0) FROM holds WHERE account_id=${accountId} AND owner='lease') AS captured`,
    );
    return { charged: Number(row.charged), lost: Number(row.lost), captured: Number(row.captured) };
  }
  const ONCE = { charged: Number(COST), lost: 0, captured: Number(COST) };
  const NOT_AT_ALL = { charged: 0, lost: 0, captured: 0 };

  /** As after a freeze: the process is taken for dead, as every other one that is. */
  async function fence({ queue }: Waiting): Promise<void> {
    const { slot, epoch = 0 } = { ...queue.writer };
    await ledger.sequelize.query(`UPDATE writers SET expires_at=NOW(3) - INTERVAL 1 SECOND WHERE slot=${slot}`);
    await sweeper.sweep();
    await sweeper.sweep();
    const row = await ledger.one(`SELECT epoch FROM writers WHERE slot=${slot}`);
    assert.equal(row.epoch, epoch + 1);
  }

  /** Processes begin until one of them has the slot. */
  async function takeOver(slot: number | undefined): Promise<void> {
    for (let tries = 0; tries < 20; tries += 1) {
      const other = ledger.queue();
      await other.open();
      if (other.writer?.slot === slot) return;
    }
    assert.fail('nobody took the slot');
  }

  test('a hold goes at once, and takes it along', async (t) => {
    const waiting = await waitingCharge(t);
    const held = await waiting.queue.submit(hold(callHold(uuidv7(), waiting.accountId, BOUND)));
    assert.deepEqual(held, { kind: 'held' });
    assert.deepEqual(await waiting.charging, CAPTURED);
    await waiting.clock.goOn();
    assert.deepEqual(await booked(waiting), ONCE);
  });

  test('a process that ends charges it first', async (t) => {
    const waiting = await waitingCharge(t);
    const closing = waiting.queue.close();
    await assert.rejects(waiting.queue.submit(hold(callHold(uuidv7(), waiting.accountId, BOUND))));
    await waiting.clock.passUntil(closing);
    assert.deepEqual(await waiting.charging, CAPTURED);
    await waiting.clock.goOn();
    assert.deepEqual(await booked(waiting), ONCE);
  });

  test('a recall takes the free money at once, and the call is charged', async (t) => {
    const waiting = await waitingCharge(t);
    await waiting.book.recall(waiting.accountId);
    assert.deepEqual(await waiting.charging, CAPTURED);
    await waiting.clock.goOn();
    await ledger.until(async () => (await ledger.balance(waiting.accountId)) === OPENING_BALANCE - COST);
    assert.deepEqual(await booked(waiting), ONCE);
  });

  test('a new period of its budget begins: the charge counts in the old one', async (t) => {
    const accessKeyId = 41;
    const budget = { limit: 5_000n, periodStart: '2026-11-01' };
    const waiting = await waitingCharge(t, { accessKeyId, budget });
    const { accountId, book, queue } = waiting;
    const request: HoldRequest = {
      ...callHold(uuidv7(), accountId, BOUND),
      ...{ accessKeyId, budget: { ...budget, periodStart: '2026-12-01' } },
    };
    assert.equal(book.admit(request), false, 'the lease is of the old period');
    assert.deepEqual(await queue.submit(hold(request)), { kind: 'held' });
    assert.deepEqual(await waiting.charging, CAPTURED);
    await waiting.clock.goOn();
    // It has asked for a lease of the new period, too.
    await book.recall(accountId);
    await ledger.until(async () => (await ledger.balance(accountId)) === OPENING_BALANCE - COST - BOUND);
    assert.deepEqual(await booked(waiting), ONCE);
    const used = await ledger.one(
      `SELECT CAST(period_start AS CHAR) AS period, used FROM key_budgets WHERE access_key_id=${accessKeyId}`,
    );
    assert.deepEqual([used.period, BigInt(String(used.used))], ['2026-12-01', BOUND]);
  });

  test('its connection is lost: it is charged once, over another one', async (t) => {
    const waiting = await waitingCharge(t);
    const { slot = 0, epoch = 0 } = waiting.queue.writer ?? {};
    const killer = await openWriterConnection(ledger.config);
    await endWriterConnection(killer, slot, epoch);
    await killer.end();
    assert.deepEqual(await waiting.clock.passUntil(waiting.charging), CAPTURED);
    await waiting.clock.goOn();
    assert.deepEqual(await booked(waiting), ONCE);
  });

  test('a process that dies has charged nothing, and all that it leased is the account’s again', async (t) => {
    const waiting = await waitingCharge(t);
    // A process that is dead does nothing any more, as this one while its clock stands still.
    await fence(waiting);
    assert.equal(await ledger.balance(waiting.accountId), OPENING_BALANCE);
    assert.deepEqual(await booked(waiting), NOT_AT_ALL);
  });

  test('a process that was frozen until its slot was another’s charges nothing: the platform pays', async (t) => {
    const waiting = await waitingCharge(t);
    const { slot } = { ...waiting.queue.writer };
    await fence(waiting);
    await takeOver(slot);
    assert.deepEqual(await waiting.clock.passUntil(waiting.charging), { kind: 'hold-released' });
    assert.notEqual(waiting.queue.writer?.slot, slot);
    await waiting.clock.goOn();
    assert.equal(await ledger.balance(waiting.accountId), OPENING_BALANCE);
    assert.deepEqual(await booked(waiting), { ...NOT_AT_ALL, lost: Number(COST) });
  });
});
