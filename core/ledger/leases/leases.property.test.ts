/**
 * Random calls of three processes with leases on rows in memory, while processes are killed and fenced, leases are
 * recalled, money comes and goes and budget periods turn. After every batch the rows must add up.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { finishedCall } from '../../usage/finished-call.fixture.ts';
import type { Operation } from '../commit-queue/operation.ts';
import type { LedgerTable } from '../commit-queue/table.ts';
import { UnitOfWork } from '../commit-queue/unit-of-work.ts';
import { balanceReads, chargeback, decideCredit } from '../operations/credit.ts';
import { closeDeadLease } from '../operations/lease.ts';
import { type Account, accounts, type KeyBudget, keyBudgets } from '../tables/accounts.ts';
import { type Lease, leases } from '../tables/holds.ts';
import { LeaseBook } from './lease-book.ts';

const OPERATIONS = 4_000;
const ACCOUNTS = [1, 2, 3];
const KEY_LIMIT = 3_000n;
const log = pino({ level: 'silent' });

function chance(seed: number) {
  let state = seed >>> 0;
  return (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

type Writer = { slot: number; epoch: number };

class Database {
  readonly tables = new Map<LedgerTable<unknown>, Map<string, unknown>>();
  readonly captured = new Map<string, bigint>();
  readonly charged = new Map<string, bigint>();
  readonly writerOf = new Map<string, Writer>();
  readonly epochs = new Map<number, number>();
  /** Account → what its balance must be: all that came in, less all that was charged. */
  readonly expected = new Map<number, bigint>();
  closed = 0;
  readonly #usedByClosed = new Map<string, bigint>();

  rows<Row>(table: LedgerTable<Row>): Map<string, unknown> {
    const rows = this.tables.get(table) ?? new Map<string, unknown>();
    this.tables.set(table, rows);
    return rows;
  }

  lease(row: Lease): Lease {
    return { ...row, captured: this.captured.get(row.id) ?? 0n };
  }

  run<Result>(operation: Operation<Result>, writer: Writer): Result {
    const work = new UnitOfWork(0, '2026-11-24', { ...writer, seq: 1n });
    for (const table of new Set(operation.reads.map((read) => read.table))) {
      const ids = operation.reads.filter((read) => read.table === table).map(({ id }) => id);
      const found = ids.flatMap((id) => {
        const row = this.rows(table).get(id);
        return row === undefined ? [] : [[id, table === leases ? this.lease(row as Lease) : row] as const];
      });
      work.load(table, ids, found);
    }
    const result = work.attempt((rows) => operation.decide(rows));
    for (const { table, id } of operation.reads) {
      const row = work.get(table, id);
      if (row === undefined) continue;
      if (table === leases && !this.rows(table).has(id)) this.writerOf.set(id, writer);
      this.rows(table).set(id, row);
    }
    for (const sql of work.statements([])) this.#write(sql);
    this.check();
    return result;
  }

  #write(sql: string): void {
    for (const [, id = '', amount = ''] of sql.startsWith('UPDATE holds')
      ? sql.matchAll(/WHEN '([\w-]+)' THEN (\d+)/g)
      : []) {
      assert.ok(this.rows(leases).has(id), `lease ${id} is charged after its end`);
      this.captured.set(id, (this.captured.get(id) ?? 0n) + BigInt(amount));
    }
    for (const [, id = '', kind, account = '', amount = ''] of sql.startsWith('INSERT INTO transfers')
      ? sql.matchAll(/\('([\w-]+)','(charge|overrun)',(\d+),(-?\d+)/g)
      : []) {
      if (kind === 'charge') assert.ok(!this.charged.has(id), `call ${id} is charged twice`);
      this.charged.set(id, (this.charged.get(id) ?? 0n) - BigInt(amount));
      this.came(Number(account), BigInt(amount));
    }
  }

  came(account: number, amount: bigint): void {
    this.expected.set(account, (this.expected.get(account) ?? 0n) + amount);
  }

  /** Closed leases only count in what their budgets have used; nothing may touch them any more. */
  #dropClosed(): void {
    for (const [id, stored] of this.rows(leases)) {
      const row = this.lease(stored as Lease);
      if (row.state === 'open') continue;
      this.rows(leases).delete(id);
      this.writerOf.delete(id);
      this.closed += 1;
      if (row.accessKeyId === null) continue;
      const key = `${row.accessKeyId} ${row.budgetPeriod}`;
      this.#usedByClosed.set(key, (this.#usedByClosed.get(key) ?? 0n) + row.captured);
    }
  }

  check(): void {
    const left = new Map<number, bigint>();
    const used = new Map(this.#usedByClosed);
    for (const stored of this.rows(leases).values()) {
      const row = this.lease(stored as Lease);
      const rest = row.amount - row.captured - row.released;
      assert.ok(rest >= 0n && row.released >= 0n, `lease ${row.id} is overdrawn`);
      assert.ok(row.state === 'open' || rest === 0n, `lease ${row.id} is closed with a rest`);
      left.set(row.accountId, (left.get(row.accountId) ?? 0n) + rest);
      if (row.accessKeyId === null) continue;
      const key = `${row.accessKeyId} ${row.budgetPeriod}`;
      used.set(key, (used.get(key) ?? 0n) + row.amount - row.released);
    }
    this.#dropClosed();
    for (const stored of this.rows(accounts).values()) {
      const { id, available, debt } = stored as Account;
      assert.ok(available >= 0n && debt >= 0n);
      assert.equal(available - debt + (left.get(id) ?? 0n), this.expected.get(id), `account ${id} drifts`);
    }
    for (const stored of this.rows(keyBudgets).values()) {
      const budget = stored as KeyBudget;
      assert.equal(budget.used, used.get(`${budget.accessKeyId} ${budget.periodStart}`) ?? 0n, 'a budget drifts');
      assert.ok(budget.used <= KEY_LIMIT, 'a budget is overspent');
    }
  }
}

class Process {
  readonly #database: Database;
  readonly #waiting: (() => void)[] = [];
  writer: Writer;
  readonly book: LeaseBook;
  nowMs = 0;

  constructor(database: Database, slot: number) {
    this.#database = database;
    this.writer = this.#take(slot);
    const terms = { shareMillionths: 100_000n, richTimes: 2n };
    this.book = new LeaseBook({ queue: this, terms, quietMs: 50, log, now: () => this.nowMs });
  }

  #take(slot: number): Writer {
    const epoch = (this.#database.epochs.get(slot) ?? 0) + 1;
    this.#database.epochs.set(slot, epoch);
    return { slot, epoch };
  }

  /** As a process has it that does not know yet that it was fenced. */
  get standing(): Writer {
    return this.writer;
  }

  submit<Result>(operation: Operation<Result>): Promise<Result> {
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(this.#database.run(operation, this.writer)));
    });
  }

  /** Commits what waits; a process that was fenced takes a new slot first. */
  commit(): void {
    const { slot, epoch } = this.writer;
    if (this.#waiting.length > 0 && this.#database.epochs.get(slot) !== epoch) this.writer = this.#take(slot + 10);
    for (const operation of this.#waiting.splice(0)) operation();
  }

  get idle(): boolean {
    return this.#waiting.length === 0;
  }
}

function fence(database: Database, { slot, epoch }: Writer): void {
  if (database.epochs.get(slot) === epoch) database.epochs.set(slot, epoch + 1);
  for (const [id, writer] of database.writerOf) {
    if (writer.slot !== slot || writer.epoch > epoch) continue;
    const lease = database.rows(leases).get(id);
    if (lease === undefined) continue;
    const { accountId, accessKeyId } = lease as Lease;
    database.run(closeDeadLease({ id, accountId, budgetKeyId: accessKeyId }), { slot: 99, epoch: 1 });
    database.writerOf.delete(id);
  }
}

test('leases add up, whatever happens to their processes', async (context) => {
  const seed = Date.now() % 1_000_000;
  const below = chance(seed);
  const database = new Database();
  for (const id of ACCOUNTS) {
    database.rows(accounts).set(String(id), { id, available: 5_000n, debt: 0n, pendingGrant: null });
    database.came(id, 5_000n);
  }
  const processes = [1, 2, 3].map((slot) => new Process(database, slot));
  const counts = { admitted: 0, charged: 0, kills: 0, fences: 0, recalls: 0, periods: 0, lost: 0 };
  const running: { id: string; at: Process; account: number; bound: number }[] = [];
  let period = 1;
  let next = 0;
  const settle = async () => {
    for (let round = 0; round < 20; round += 1) {
      for (const one of processes) one.commit();
      await turn();
      if (processes.every((one) => one.idle)) return;
    }
  };
  for (let count = 0; count < OPERATIONS; count += 1) {
    const index = below(3);
    const at = processes[index] ?? assert.fail();
    at.nowMs += below(40);
    const dice = below(1_000);
    if (dice < 500) {
      next += 1;
      const account = 1 + below(3);
      const bound = below(120);
      const isBudgeted = below(3) === 0;
      const budget = { limit: KEY_LIMIT, periodStart: new Date(period * 86_400_000).toISOString().slice(0, 10) };
      const id = `call-${next}`;
      const call = {
        id,
        accountId: account,
        amount: BigInt(bound),
        owner: 'call',
        priceIds: [1],
        lifeMs: 60_000,
      } as const;
      const key = isBudgeted ? { accessKeyId: account, budget } : { accessKeyId: null };
      if (at.book.admit({ ...call, ...key })) {
        counts.admitted += 1;
        running.push({ id, at, account, bound });
      }
    } else if (dice < 900) {
      const [call] = running.splice(below(running.length + 1), 1);
      if (call) {
        const cost = BigInt(below(call.bound + 20));
        const request = { holdId: call.id, accountId: call.account, budgetKeyId: null, priceId: 1, cost };
        const charging =
          below(5) === 0 ? undefined : call.at.book.calls.charge({ ...request, call: finishedCall(call.id) });
        if (!charging) void call.at.book.calls.release(request);
        charging?.then((outcome) => {
          if (outcome.kind === 'captured') {
            counts.charged += 1;
            assert.equal(database.charged.get(call.id), outcome.charged);
          } else {
            counts.lost += 1;
            assert.ok(!database.charged.has(call.id), `${call.id} was told ${outcome.kind}, and is charged`);
          }
        });
      }
    } else if (dice < 930) {
      const account = 1 + below(3);
      next += 1;
      const change = { id: `change-${next}`, accountId: account };
      const isIn = below(2) === 0;
      const amount = BigInt(below(isIn ? 2_000 : 400));
      database.came(account, isIn ? amount : -amount);
      const credit: Operation<unknown> = {
        reads: balanceReads(change, 'top_up'),
        decide: (rows) => decideCredit(rows, change, 'top_up', amount),
      };
      database.run(isIn ? credit : chargeback(change, amount), { slot: 98, epoch: 1 });
    } else if (dice < 950) {
      counts.recalls += 1;
      const account = 1 + below(3);
      for (const one of processes) void one.book.recall(account);
    } else if (dice < 955) {
      counts.periods += 1;
      period += 1;
    } else if (dice < 958) {
      counts.kills += 1;
      fence(database, at.writer);
      for (let call = running.length - 1; call >= 0; call -= 1) if (running[call]?.at === at) running.splice(call, 1);
      void at.book.close();
      processes[index] = new Process(database, at.writer.slot);
      // What the dead process had queued is never committed.
      continue;
    } else if (dice < 961) {
      counts.fences += 1;
      fence(database, at.writer);
    } else if (dice < 975) at.book.tick();
    if (below(3) === 0) at.commit();
    await turn();
  }
  for (const one of processes) void one.book.close();
  for (const call of running.splice(0)) {
    void call.at.book.calls.release({ holdId: call.id, accountId: call.account, budgetKeyId: null });
  }
  await settle();
  for (const one of processes) fence(database, one.writer);
  database.check();
  context.diagnostic(JSON.stringify({ seed, ...counts, closed: database.closed }));
  assert.equal(database.rows(leases).size, 0, 'leases are left open');
  assert.ok(counts.charged > OPERATIONS / 20, `${counts.charged} calls were charged`);
});
