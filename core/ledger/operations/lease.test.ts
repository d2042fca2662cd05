import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { finishedCall } from '../../usage/finished-call.fixture.ts';
import type { Operation } from '../commit-queue/operation.ts';
import type { LedgerTable } from '../commit-queue/table.ts';
import { UnitOfWork } from '../commit-queue/unit-of-work.ts';
import { type Account, accounts, keyBudgets } from '../tables/accounts.ts';
import { type Lease, leases } from '../tables/holds.ts';
import { NO_CALL, transferKey, transfers } from '../tables/transfers.ts';
import type { Capture } from './capture.ts';
import { closeDeadLease, giveBack, growLease, type LeaseReference, leftOf, takeLease } from './lease.ts';
import { chargeBeyondLease, chargeLease, chargeTooLate } from './leased-call.ts';

const NOW = Date.parse('2026-11-24T10:00:00Z');
const TERMS = { shareMillionths: 62_500n, richTimes: 64n };
const OWN = { slot: 1, epoch: 3 };
const LEASE: LeaseReference = { id: 'lease-1', accountId: 1, budgetKeyId: null, writer: OWN };
const BUDGETED: LeaseReference = { ...LEASE, budgetKeyId: 7 };
const BUDGET = { keyId: 7, limit: 1_600n, periodStart: '2026-11-24' };
const NEED = { wanted: 1_000_000n, bound: 10n };

/** Rows between batches, and what was written without a read: captured money and transfers. */
class Store {
  readonly #rows = new Map<LedgerTable<unknown>, Map<string, unknown>>();
  readonly sql: string[] = [];
  writer = { ...OWN, seq: 1n };

  seed<Row>(table: LedgerTable<Row>, id: string, row: Row): this {
    this.#rowsOf(table).set(id, row);
    return this;
  }

  get<Row>(table: LedgerTable<Row>, id: string): Row {
    const row = this.#rowsOf(table).get(id);
    assert.ok(row, `${table.name} ${id}`);
    return row as Row;
  }

  run<Result>(operation: Operation<Result>): Result {
    const rows = new UnitOfWork(NOW, '2026-11-24', this.writer);
    for (const table of new Set(operation.reads.map((read) => read.table))) {
      const ids = operation.reads.filter((read) => read.table === table).map(({ id }) => id);
      const stored = ids.flatMap((id) => (this.#rowsOf(table).has(id) ? [[id, this.get(table, id)] as const] : []));
      rows.load(table, ids, stored);
    }
    const result = rows.attempt((unitOfWork) => operation.decide(unitOfWork));
    for (const { table, id } of operation.reads) {
      const row = rows.get(table, id);
      if (row !== undefined) this.seed(table, id, row);
    }
    this.sql.push(...rows.statements([]));
    return result;
  }

  get account(): Pick<Account, 'available' | 'debt'> {
    const { available, debt } = this.get(accounts, '1');
    return { available, debt };
  }

  #rowsOf(table: LedgerTable<unknown>): Map<string, unknown> {
    const rows = this.#rows.get(table) ?? new Map<string, unknown>();
    this.#rows.set(table, rows);
    return rows;
  }
}

function storeWith(available: bigint, change: Partial<Account> = {}): Store {
  return new Store().seed(accounts, '1', { id: 1, available, debt: 0n, pendingGrant: null, ...change });
}

/** An open lease of 100, of which 30 are charged and 20 given back. */
function leaseRow(change: Partial<Lease> = {}): Lease {
  return {
    ...{ id: 'lease-1', accountId: 1, accessKeyId: null, owner: 'lease', prices: '' },
    ...{ budgetPeriod: null, budgetLimit: null, amount: 100n, captured: 30n, released: 20n, state: 'open' },
    ...{ createdAtMs: NOW - 1_000, expiresAtMs: NOW + 1_000_000, closedAtMs: null },
    ...change,
  };
}

function captureOf(cost: bigint): Capture {
  const call = finishedCall('call-1');
  return { holdId: 'call-1', accountId: 1, budgetKeyId: null, priceId: 3, cost, call };
}

const take = (budget: typeof BUDGET | null = null, need = NEED) =>
  takeLease({ id: 'lease-1', accountId: 1, budget }, need, TERMS);

describe('taking and growing a lease', () => {
  test('moves at most the share of what is available out of the account', () => {
    const store = storeWith(1_600n);
    assert.deepEqual(store.run(take()), { kind: 'leased', amount: 100n, period: null, writer: OWN });
    assert.equal(store.account.available, 1_500n);
    const { owner, amount, state } = store.get(leases, 'lease-1');
    assert.deepEqual([owner, amount, state], ['lease', 100n, 'open']);
  });

  test('takes no more than is wanted', () => {
    const store = storeWith(1_000_000n);
    store.run(take(null, { wanted: 250n, bound: 10n }));
    assert.equal(store.account.available, 999_750n);
  });

  test('an account below 64 times the bound of a call, or with a debt, is left alone', () => {
    for (const store of [storeWith(639n), storeWith(10_000n, { debt: 1n })]) {
      const before = store.account;
      assert.deepEqual(store.run(take()), { kind: 'poor' });
      assert.deepEqual(store.account, before);
    }
  });

  test('a budget bounds a lease as the account does, and has it used', () => {
    const store = storeWith(1_000_000n).seed(keyBudgets, '7', {
      accessKeyId: 7,
      periodStart: '2026-11-24',
      used: 800n,
    });
    assert.deepEqual(store.run(take(BUDGET)), { kind: 'leased', amount: 50n, period: '2026-11-24', writer: OWN });
    assert.equal(store.get(keyBudgets, '7').used, 850n);
    const spent = storeWith(1_000_000n).seed(keyBudgets, '7', {
      accessKeyId: 7,
      periodStart: '2026-11-24',
      used: 961n,
    });
    assert.deepEqual(spent.run(take(BUDGET)), { kind: 'poor' });
  });

  test('a new period begins with the whole budget; a late request joins the running one', () => {
    const yesterday = { accessKeyId: 7, periodStart: '2026-11-23', used: 1_600n };
    const store = storeWith(1_000_000n).seed(keyBudgets, '7', yesterday);
    assert.equal(store.run(take(BUDGET)).kind, 'leased');
    assert.deepEqual(store.get(keyBudgets, '7'), { accessKeyId: 7, periodStart: '2026-11-24', used: 100n });
    const late = storeWith(1_000_000n).seed(keyBudgets, '7', { ...yesterday, periodStart: '2026-11-25', used: 0n });
    const outcome = late.run(take(BUDGET));
    assert.equal(outcome.kind === 'leased' && outcome.period, '2026-11-25');
  });

  test('grows up to the share of account and lease together', () => {
    const store = storeWith(1_550n).seed(leases, 'lease-1', leaseRow());
    assert.deepEqual(store.run(growLease(LEASE, NEED, TERMS)), { kind: 'grown', by: 50n });
    assert.deepEqual([store.account.available, store.get(leases, 'lease-1').amount], [1_500n, 150n]);
    assert.deepEqual(store.run(growLease(LEASE, { wanted: 60n, bound: 10n }, TERMS)), { kind: 'grown', by: 0n });
  });

  test('an account that has become poor is found out', () => {
    const store = storeWith(589n).seed(leases, 'lease-1', leaseRow());
    assert.deepEqual(store.run(growLease(LEASE, NEED, TERMS)), { kind: 'poor' });
  });

  test('the budget of a period that is over does not let its lease grow', () => {
    const today = { accessKeyId: 7, periodStart: '2026-11-25', used: 0n };
    const row = leaseRow({ accessKeyId: 7, budgetPeriod: '2026-11-24', budgetLimit: 1_000_000n });
    const store = storeWith(1_000_000n).seed(leases, 'lease-1', row).seed(keyBudgets, '7', today);
    assert.deepEqual(store.run(growLease(BUDGETED, NEED, TERMS)), { kind: 'poor' });
  });

  test('a writer that was fenced leaves the row alone, and so does one that finds it closed', () => {
    for (const [row, writer] of [
      [leaseRow(), { slot: 1, epoch: 4, seq: 1n }],
      [leaseRow(), { slot: 2, epoch: 3, seq: 1n }],
      [leaseRow({ state: 'captured', released: 70n }), { ...OWN, seq: 1n }],
    ] as const) {
      const store = storeWith(1_000_000n).seed(leases, 'lease-1', row);
      store.writer = writer;
      assert.deepEqual(store.run(growLease(LEASE, NEED, TERMS)), { kind: 'gone' });
      assert.equal(store.run(giveBack(LEASE, 10n, 'stays')), 'gone');
      assert.deepEqual(store.get(leases, 'lease-1'), row);
      assert.equal(store.account.available, 1_000_000n);
    }
  });
});

describe('giving a lease back', () => {
  test('a part of it, and the rest still pays', () => {
    const store = storeWith(0n).seed(leases, 'lease-1', leaseRow());
    assert.equal(store.run(giveBack(LEASE, 40n, 'stays')), 'done');
    assert.equal(store.account.available, 40n);
    const { released, state, expiresAtMs } = store.get(leases, 'lease-1');
    assert.deepEqual([released, state, expiresAtMs], [60n, 'open', NOW + 1_000_000]);
  });

  test('a lease that is draining can be told from one in use by its row', () => {
    const store = storeWith(0n).seed(leases, 'lease-1', leaseRow());
    store.run(giveBack(LEASE, 0n, 'draining'));
    assert.equal(store.get(leases, 'lease-1').expiresAtMs, NOW);
  });

  test('what comes back pays a debt first', () => {
    const store = storeWith(0n, { debt: 30n }).seed(leases, 'lease-1', leaseRow());
    store.run(giveBack(LEASE, 50n, 'closed'));
    assert.deepEqual(store.account, { available: 20n, debt: 0n });
  });

  test('its end gives back all that was not charged; one that has paid is captured, any other released', () => {
    for (const [captured, released, state] of [
      [30n, 70n, 'captured'],
      [0n, 100n, 'released'],
    ] as const) {
      const store = storeWith(0n).seed(leases, 'lease-1', leaseRow({ captured }));
      store.run(giveBack(LEASE, 0n, 'closed'));
      const row = store.get(leases, 'lease-1');
      assert.deepEqual([row.released, row.state, leftOf(row)], [released, state, 0n]);
    }
  });

  test('the budget gets it back while its period runs, and not afterwards', () => {
    for (const [periodStart, used] of [
      ['2026-11-24', 450n],
      ['2026-11-25', 500n],
    ] as const) {
      const row = leaseRow({ accessKeyId: 7, budgetPeriod: '2026-11-24', budgetLimit: 1_600n });
      const budget = { accessKeyId: 7, periodStart, used: 500n };
      const store = storeWith(0n).seed(leases, 'lease-1', row).seed(keyBudgets, '7', budget);
      store.run(giveBack(BUDGETED, 50n, 'closed'));
      assert.equal(store.get(keyBudgets, '7').used, used);
    }
  });

  test('the lease of a dead writer is closed by any other, once', () => {
    const store = storeWith(0n).seed(leases, 'lease-1', leaseRow());
    store.writer = { slot: 9, epoch: 1, seq: 1n };
    assert.equal(store.run(closeDeadLease(LEASE)), true);
    assert.equal(store.run(closeDeadLease(LEASE)), false);
    assert.equal(store.account.available, 50n);
  });
});

describe('a call that a lease pays for', () => {
  /** The transfers that were written, as kind and amount. */
  const written = (store: Store): string[] =>
    store.sql
      .filter((sql) => sql.startsWith('INSERT INTO transfers'))
      .flatMap((sql) =>
        [...sql.matchAll(/'call-1','(\w+)',1,(-?\d+)/g)].map(([, kind, amount]) => `${kind} ${amount}`),
      );
  const captured = (store: Store): string[] =>
    store.sql.flatMap((sql) => /SET captured=captured\+CASE id WHEN '[\w-]+' THEN (\d+)/.exec(sql)?.[1] ?? []);
  const call = (bound: bigint, extra = 0n) => ({ lease: LEASE, bound, extra });

  test('is charged without reading a row, and its transfer names the lease', () => {
    const store = storeWith(0n);
    const operation = chargeLease(captureOf(40n), call(50n));
    assert.deepEqual(operation.reads, []);
    assert.deepEqual(store.run(operation), { kind: 'captured', charged: 40n, loss: 0n, grownBy: 0n });
    assert.deepEqual([written(store), captured(store)], [['charge -40'], ['40']]);
    assert.ok(store.sql.some((sql) => sql.includes("'lease-1'")));
  });

  test('that cost nothing has its transfer, too', () => {
    const store = storeWith(0n);
    store.run(chargeLease(captureOf(0n), call(0n)));
    assert.deepEqual([written(store), captured(store)], [['charge 0'], []]);
  });

  test('above its bound is an overrun, as far as the lease has kept more; the rest is a loss', () => {
    const store = storeWith(0n);
    const outcome = store.run(chargeLease(captureOf(90n), call(50n, 30n)));
    assert.deepEqual(outcome, { kind: 'captured', charged: 80n, loss: 10n, grownBy: 0n });
    assert.deepEqual(written(store), ['charge -50', 'overrun -30', 'loss 10']);
    assert.deepEqual(captured(store), ['80']);
  });

  test('above what the lease has is paid by the account, as far as it goes', () => {
    const store = storeWith(25n).seed(leases, 'lease-1', leaseRow());
    const outcome = store.run(chargeBeyondLease(captureOf(90n), call(50n, 10n)));
    assert.deepEqual(outcome, { kind: 'captured', charged: 85n, loss: 5n, grownBy: 25n });
    assert.deepEqual([store.account.available, store.get(leases, 'lease-1').amount], [0n, 125n]);
    assert.deepEqual([written(store), captured(store)], [['charge -50', 'overrun -35', 'loss 5'], ['85']]);
  });

  test('and by no more than the budget allows', () => {
    const row = leaseRow({ accessKeyId: 7, budgetPeriod: '2026-11-24', budgetLimit: 510n });
    const budget = { accessKeyId: 7, periodStart: '2026-11-24', used: 500n };
    const store = storeWith(1_000n).seed(leases, 'lease-1', row).seed(keyBudgets, '7', budget);
    const outcome = store.run(chargeBeyondLease(captureOf(90n), { lease: BUDGETED, bound: 50n, extra: 0n }));
    assert.deepEqual(outcome, { kind: 'captured', charged: 60n, loss: 30n, grownBy: 10n });
    assert.deepEqual([store.get(keyBudgets, '7').used, store.account.available], [510n, 990n]);
  });

  test('of a process that was fenced is not charged', () => {
    for (const operation of [chargeLease(captureOf(40n), call(50n)), chargeBeyondLease(captureOf(90n), call(50n))]) {
      const store = storeWith(1_000n).seed(leases, 'lease-1', leaseRow());
      store.writer = { slot: 1, epoch: 4, seq: 1n };
      assert.deepEqual(store.run(operation), { kind: 'lease-gone' });
      assert.deepEqual(store.sql, []);
      assert.equal(store.account.available, 1_000n);
    }
  });

  test('whose lease is gone is a loss, unless it had been charged before', () => {
    const store = storeWith(0n);
    assert.deepEqual(store.run(chargeTooLate(captureOf(40n))), { kind: 'hold-released' });
    assert.deepEqual(written(store), ['loss 40']);
    const charged = storeWith(0n);
    for (const [kind, amount] of [
      ['charge', -50n],
      ['overrun', -5n],
    ] as const) {
      const moved = { id: 'call-1', kind, accountId: 1, amount, day: '2026-11-24', createdAtMs: NOW, note: null };
      charged.seed(transfers, transferKey(moved), { ...NO_CALL, ...moved });
    }
    assert.deepEqual(charged.run(chargeTooLate(captureOf(55n))), { kind: 'already-captured', charged: 55n });
    assert.deepEqual(charged.sql, []);
  });
});
