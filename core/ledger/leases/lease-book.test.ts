import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { AppError } from '../../../infra/errors.ts';
import { finishedCall } from '../../usage/finished-call.fixture.ts';
import type { Operation } from '../commit-queue/operation.ts';
import type { LedgerTable } from '../commit-queue/table.ts';
import { UnitOfWork } from '../commit-queue/unit-of-work.ts';
import type { HoldRequest } from '../operations/hold.ts';
import { accounts, keyBudgets } from '../tables/accounts.ts';
import { type Lease, leases } from '../tables/holds.ts';
import { LeaseBook } from './lease-book.ts';

const DAY = '2026-11-24';
const BALANCE = 160_000n;

/** A commit queue on rows in memory that commits when it is told to. */
class MemoryQueue {
  standing: { slot: number; epoch: number } | undefined = { slot: 1, epoch: 1 };
  /** The writer that batches are committed under. */
  writer = { slot: 1, epoch: 1 };
  away = false;
  readonly operations: (() => void)[] = [];
  /** Whether the last operation that was submitted may wait for others. */
  mayWait: boolean | undefined;
  readonly #rows = new Map<LedgerTable<unknown>, Map<string, unknown>>();
  #captured = new Map<string, bigint>();

  submit<Result>(operation: Operation<Result>): Promise<Result> {
    if (this.away) return Promise.reject(new AppError('databaseUnavailable', 'away'));
    this.mayWait = operation.mayWait;
    return new Promise((resolve) => {
      this.operations.push(() => resolve(this.#run(operation)));
    });
  }

  /** Commits all that waits, and what follows from it. */
  async commit(): Promise<void> {
    await turn();
    while (this.operations.length > 0) {
      for (const operation of this.operations.splice(0)) operation();
      await turn();
    }
  }

  rows<Row>(table: LedgerTable<Row>): Map<string, unknown> {
    const rows = this.#rows.get(table) ?? new Map<string, unknown>();
    this.#rows.set(table, rows);
    return rows;
  }

  get available(): bigint {
    return (this.rows(accounts).get('1') as { available: bigint }).available;
  }

  /** The leases with what has been charged to them. */
  get leases(): Lease[] {
    return ([...this.rows(leases).values()] as Lease[]).map((row) => this.#withCharges(row));
  }

  /** What open leases have left. */
  get leased(): bigint {
    const open = this.leases.filter(({ state }) => state === 'open');
    return open.reduce((sum, { amount, captured, released }) => sum + amount - captured - released, 0n);
  }

  #withCharges(row: Lease): Lease {
    return { ...row, captured: this.#captured.get(row.id) ?? 0n };
  }

  #run<Result>(operation: Operation<Result>): Result {
    const unitOfWork = new UnitOfWork(0, DAY, { ...this.writer, seq: 1n });
    for (const table of new Set(operation.reads.map((read) => read.table))) {
      const ids = operation.reads.filter((read) => read.table === table).map(({ id }) => id);
      const found = ids.flatMap((id) => {
        const row = this.rows(table).get(id);
        if (row === undefined) return [];
        return [[id, table === leases ? this.#withCharges(row as Lease) : row] as const];
      });
      unitOfWork.load(table, ids, found);
    }
    const result = unitOfWork.attempt((rows) => operation.decide(rows));
    for (const { table, id } of operation.reads) {
      const row = unitOfWork.get(table, id);
      if (row !== undefined) this.rows(table).set(id, row);
    }
    for (const sql of unitOfWork.statements([])) {
      const charge = /^UPDATE holds SET captured=captured\+CASE id WHEN '([\w-]+)' THEN (\d+)/.exec(sql);
      if (charge?.[1]) {
        this.#captured.set(charge[1], (this.#captured.get(charge[1]) ?? 0n) + BigInt(charge[2] ?? ''));
      }
    }
    return result;
  }
}

describe('the leases of a process', () => {
  let queue: MemoryQueue;
  let book: LeaseBook;
  let nowMs: number;
  let calls: number;

  beforeEach(() => {
    queue = new MemoryQueue();
    queue.rows(accounts).set('1', { id: 1, available: BALANCE, debt: 0n, pendingGrant: null });
    nowMs = 1_000;
    calls = 0;
    const terms = { shareMillionths: 62_500n, richTimes: 64n };
    book = new LeaseBook({ queue, terms, log: pino({ level: 'silent' }), now: () => nowMs });
  });

  function request(amount: bigint, change: Partial<HoldRequest> = {}): HoldRequest {
    calls += 1;
    const id = `call-${calls}`;
    return { id, accountId: 1, accessKeyId: 7, owner: 'call', amount, priceIds: [1], lifeMs: 60_000, ...change };
  }

  /** @returns the id of the call, or undefined when it has to take a hold. */
  function admit(amount: bigint, change: Partial<HoldRequest> = {}): string | undefined {
    const call = request(amount, change);
    return book.admit(call) ? call.id : undefined;
  }

  function admitted(amount: bigint, change: Partial<HoldRequest> = {}): string {
    const id = admit(amount, change);
    assert.ok(id, 'the call did not fit into the lease');
    return id;
  }

  const captureOf = (id: string, cost: bigint) => {
    const call = finishedCall(id);
    return { holdId: id, accountId: 1, budgetKeyId: null, priceId: 3, cost, call };
  };

  async function charge(id: string, cost: bigint) {
    const charging = book.calls.charge(captureOf(id, cost));
    await queue.commit();
    return charging;
  }

  const release = (id: string) => book.calls.release({ holdId: id, accountId: 1, budgetKeyId: null });

  /** Two calls that hold by themselves, after which there is a lease of `amount`. */
  async function lease(bound = 10n, change: Partial<HoldRequest> = {}): Promise<void> {
    assert.equal(admit(bound, change), undefined);
    assert.equal(admit(bound, change), undefined);
    await queue.commit();
  }

  test('the second call in a row brings a lease, and the third needs no hold', async () => {
    await lease();
    assert.equal(queue.leased, 80n);
    assert.equal(queue.available, BALANCE - 80n);
    admitted(10n);
  });

  test('a caller that comes seldom gets none', async () => {
    for (let call = 0; call < 3; call += 1) {
      assert.equal(admit(10n), undefined);
      nowMs += 5_001;
    }
    await queue.commit();
    assert.deepEqual(queue.leases, []);
  });

  test('calls in flight lower what is free by their bounds, and their ends free it again', async () => {
    // So much that the lease may not grow.
    queue.rows(accounts).set('1', { id: 1, available: 1_280n, debt: 0n, pendingGrant: null });
    await lease();
    const running = Array.from({ length: 8 }, () => admitted(10n));
    assert.equal(admit(1n), undefined);
    await charge(running[0] ?? '', 4n);
    admitted(6n);
    assert.equal(admit(1n), undefined);
    void release(running[1] ?? '');
    admitted(10n);
    assert.equal(admit(1n), undefined);
  });

  test('what calls cost is charged to the lease, and the lease grows ahead of need', async () => {
    await lease();
    const running = Array.from({ length: 6 }, () => admitted(10n));
    nowMs += 300;
    admitted(10n);
    await queue.commit();
    assert.ok(queue.leased > 80n, `${queue.leased} is leased`);
    const [before] = queue.leases;
    for (const id of running) assert.deepEqual(await charge(id, 7n), { kind: 'captured', charged: 7n, loss: 0n });
    assert.equal(queue.leases[0]?.captured, 42n);
    assert.equal(queue.leased, (before?.amount ?? 0n) - 42n);
    assert.equal(book.left, queue.leased);
  });

  test('keyed calls and jobs keep a hold of their own', async () => {
    await lease();
    const key = Buffer.alloc(32);
    assert.equal(admit(1n, { claim: { scope: 'k1', keyHash: key, bodyHash: key, requestId: 'x' } }), undefined);
    assert.equal(admit(1n, { owner: 'job' }), undefined);
  });

  test('nothing is admitted while it is not certain that the process has not been fenced', async () => {
    await lease();
    queue.standing = undefined;
    assert.equal(admit(1n), undefined);
    queue.standing = { slot: 1, epoch: 1 };
    admitted(1n);
  });

  test('after a fence the lease is forgotten, and its calls are not charged', async () => {
    await lease();
    const running = admitted(10n);
    queue.writer = { slot: 2, epoch: 5 };
    queue.standing = queue.writer;
    assert.equal(admit(1n), undefined);
    assert.deepEqual(await charge(running, 8n), { kind: 'hold-released' });
    assert.equal(queue.leases[0]?.captured, 0n);
    const [first, second] = queue.leases;
    assert.deepEqual([first?.state, first?.released], ['open', 0n], 'the sweeper gives it back, not this process');
    assert.equal(queue.available, BALANCE - 80n - (second?.amount ?? 0n));
  });

  test('a recall gives back what is free at once, and the rest as calls end', async () => {
    await lease();
    const running = [admitted(10n), admitted(10n)];
    const recalled = book.recall(1);
    assert.equal(admit(1n), undefined, 'admitted while the lease is given back');
    await queue.commit();
    await recalled;
    assert.deepEqual([queue.available, queue.leased], [BALANCE - 20n, 20n]);
    assert.equal(queue.leases[0]?.expiresAtMs, 0, 'its row does not say that it drains');
    await charge(running[0] ?? '', 4n);
    assert.deepEqual([queue.available, queue.leased], [BALANCE - 14n, 10n]);
    void release(running[1] ?? '');
    await queue.commit();
    assert.deepEqual([queue.available, queue.leases[0]?.state], [BALANCE - 4n, 'captured']);
    assert.equal(book.left, 0n);
  });

  test('after a recall nothing is leased for some seconds', async () => {
    await lease();
    const recalled = book.recall(1);
    await queue.commit();
    await recalled;
    admit(10n);
    nowMs += 4_900;
    admit(10n);
    await queue.commit();
    assert.equal(queue.leased, 0n);
    nowMs += 200;
    admit(10n);
    await queue.commit();
    assert.ok(queue.leased >= 80n);
  });

  test('an account that had no lease when it was recalled takes none for the same time', async () => {
    await book.recall(1);
    for (let call = 0; call < 3; call += 1) {
      admit(10n);
      nowMs += 1_600;
    }
    await queue.commit();
    assert.equal(queue.leased, 0n);
    nowMs += 300;
    admit(10n);
    await queue.commit();
    assert.ok(queue.leased >= 80n);
  });

  test('a lease that is recalled while it is being taken goes back at once', async () => {
    admit(10n);
    admit(10n);
    const recalled = book.recall(1);
    await queue.commit();
    await recalled;
    assert.deepEqual([queue.available, queue.leased], [BALANCE, 0n]);
  });

  test('a lease that is recalled while it grows goes back with what it grew by', async () => {
    await lease();
    nowMs += 300;
    for (let call = 0; call < 6; call += 1) admitted(10n);
    assert.equal(queue.operations.length, 1, 'it does not grow');
    const recalled = book.recall(1);
    await queue.commit();
    await recalled;
    assert.deepEqual([queue.available, queue.leased], [BALANCE - 60n, 60n]);
  });

  test('what was not given back, because the database was away, is given back later', async () => {
    await lease();
    queue.away = true;
    await book.recall(1);
    queue.away = false;
    assert.equal(book.left, 80n);
    book.tick();
    await queue.commit();
    assert.deepEqual([queue.available, book.left], [BALANCE, 0n]);
  });

  test('other accounts keep theirs', async () => {
    await lease();
    await book.recall(2);
    admitted(10n);
  });

  test('a lease that nobody uses goes back', async () => {
    await lease();
    nowMs += 4_000;
    book.tick();
    await queue.commit();
    assert.equal(queue.leased, 80n);
    nowMs += 2_000;
    book.tick();
    await queue.commit();
    assert.deepEqual([queue.available, queue.leased], [BALANCE, 0n]);
  });

  test('an account that has become poor is found out within a second, without being told', async () => {
    await lease();
    queue.rows(accounts).set('1', { id: 1, available: 100n, debt: 0n, pendingGrant: null });
    admitted(1n);
    nowMs += 1_000;
    book.tick();
    await queue.commit();
    assert.deepEqual([queue.available, queue.leased], [179n, 1n]);
    assert.equal(admit(1n), undefined);
  });

  test('a lease much larger than what is needed gives the surplus back', async () => {
    await lease(100n);
    assert.equal(queue.leased, 800n);
    for (let second = 0; second < 3; second += 1) {
      nowMs += 1_000;
      void release(admitted(1n));
      book.tick();
      await queue.commit();
    }
    assert.ok(queue.leased < 100n, `${queue.leased} is leased`);
    assert.equal(queue.available, BALANCE - queue.leased);
  });

  test('a cost above the bound is paid by what the lease has free', async () => {
    await lease();
    const outcome = await charge(admitted(10n), 25n);
    assert.deepEqual(outcome, { kind: 'captured', charged: 25n, loss: 0n });
    assert.deepEqual([queue.leases[0]?.captured, book.left], [25n, 55n]);
  });

  test('and by the account when that is not enough', async () => {
    await lease();
    const outcome = await charge(admitted(10n), 100n);
    assert.deepEqual(outcome, { kind: 'captured', charged: 100n, loss: 0n });
    assert.deepEqual([queue.available, queue.leases[0]?.captured, book.left], [BALANCE - 100n, 100n, 0n]);
  });

  test('a count that is far too large is a loss above the bound', async () => {
    await lease();
    const id = admitted(10n);
    const request = captureOf(id, 70n);
    const charging = book.calls.charge({ ...request, call: finishedCall(id, { doubt: 'too-large' }) });
    await queue.commit();
    assert.deepEqual(await charging, { kind: 'captured', charged: 10n, loss: 60n });
  });

  test('a call is charged once, however often it is asked for', async () => {
    await lease();
    const id = admitted(10n);
    const twice = [book.calls.charge(captureOf(id, 4n)), book.calls.charge(captureOf(id, 4n))];
    const released = release(id);
    await queue.commit();
    assert.deepEqual(await Promise.all(twice), [
      { kind: 'captured', charged: 4n, loss: 0n },
      { kind: 'already-captured', charged: 4n },
    ]);
    assert.deepEqual(await released, { kind: 'already-closed' });
    assert.equal(queue.leases[0]?.captured, 4n);
  });

  test('a charge that the database refuses leaves the call to be released', async () => {
    await lease();
    const id = admitted(80n);
    queue.away = true;
    await assert.rejects(book.calls.charge(captureOf(id, 4n)) ?? Promise.resolve());
    queue.away = false;
    await release(id);
    admitted(80n);
    assert.equal(queue.leases[0]?.captured, 0n);
  });

  test('the charge of a stream may wait for other calls in flight; where there are none, nobody can join it', async () => {
    await lease();
    const [first, last] = [admitted(10n), admitted(10n)];
    for (const [id, mayWait] of [
      [first, true],
      [last, false],
    ] as const) {
      const charging = book.calls.charge({ ...captureOf(id, 7n), mayWait: true });
      assert.equal(queue.mayWait, mayWait);
      await queue.commit();
      assert.equal((await charging)?.kind, 'captured');
    }
    const [whole] = [admitted(10n), admitted(10n)];
    const charging = charge(whole, 7n);
    assert.equal(queue.mayWait, false, 'a whole answer');
    await charging;
  });

  test('a call that is lost does not keep its money, and is not charged afterwards', async () => {
    await lease();
    const lost = admitted(80n, { lifeMs: 1_000 });
    nowMs += 1_001;
    book.tick();
    await queue.commit();
    admitted(80n);
    assert.deepEqual(await charge(lost, 5n), { kind: 'hold-released' });
    assert.equal(queue.leases[0]?.captured, 0n);
  });

  describe('of a budget', () => {
    const budget = { limit: 16_000n, periodStart: DAY };

    test('is taken from the budget, and from no other key', async () => {
      await lease(10n, { budget });
      assert.deepEqual(queue.rows(keyBudgets).get('7'), { accessKeyId: 7, periodStart: DAY, used: 80n });
      assert.equal(admit(10n, { budget, accessKeyId: 8 }), undefined);
      assert.equal(admit(10n), undefined);
      admitted(10n, { budget });
    });

    test('a new period does not spend the money of the one before; a late call of that one does no harm', async () => {
      await lease(10n, { budget });
      const tomorrow = { ...budget, periodStart: '2026-11-25' };
      assert.equal(admit(10n, { budget: tomorrow }), undefined);
      await queue.commit();
      admit(10n, { budget: tomorrow });
      await queue.commit();
      admitted(10n, { budget: tomorrow });
      admitted(10n, { budget });
      const [first, second] = queue.leases;
      assert.deepEqual([first?.state, second?.budgetPeriod], ['released', '2026-11-25']);
    });

    test('another limit ends it, and so does a change of the key', async () => {
      await lease(10n, { budget });
      const less = { ...budget, limit: 15_000n };
      assert.equal(admit(10n, { budget: less }), undefined);
      await queue.commit();
      const states = queue.leases.map(({ state, budgetLimit }) => [state, budgetLimit]);
      assert.deepEqual(states, [
        ['released', 16_000n],
        ['open', 15_000n],
      ]);
      const recalled = book.recallKey(7);
      await queue.commit();
      await recalled;
      assert.equal(queue.leased, 0n);
    });
  });

  test('its end gives everything back but what running calls need, which are still charged', async () => {
    await lease();
    const id = admitted(10n);
    const closed = book.close();
    await queue.commit();
    await closed;
    assert.equal(queue.leased, 10n);
    await charge(id, 3n);
    assert.deepEqual([queue.available, queue.leased], [BALANCE - 3n, 0n]);
    assert.equal(admit(1n), undefined);
  });
});
