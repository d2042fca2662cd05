/** For tests: runs the commit queue's operations on rows in memory, one after the other, as the commit queue does on those it locked. */
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import type { LedgerTable } from '../../core/ledger/commit-queue/table.ts';
import { UnitOfWork } from '../../core/ledger/commit-queue/unit-of-work.ts';
import type { Recalled } from '../../core/ledger/leases/lease-recall.ts';
import { accounts } from '../../core/ledger/tables/accounts.ts';
import { type Transfer, transfers } from '../../core/ledger/tables/transfers.ts';
import { type OrderRow, orders } from './order.ts';
import type { PaymentNotice } from './providers/payment-provider.ts';

export const START_MS = Date.UTC(2026, 10, 24, 8);
const DAY = '2026-11-24';
export const ORDER_NO = '0198-order';
export const ACCOUNT_ID = 70;
export const USER_ID = 7;
export const WORKFLOW_ID = `order/user-${USER_ID}/${ORDER_NO}`;
export const AMOUNT = 10_000_000_000n;

export class MemoryLedger {
  nowMs = START_MS;
  recalled: Recalled = 'nothing-leased';
  /** SQL of what was appended without a read. */
  readonly appended: string[] = [];
  readonly #tables = new Map<LedgerTable<unknown>, Map<string, unknown>>();

  put<Row>(table: LedgerTable<Row>, id: string, row: Row): void {
    this.#rowsOf(table).set(id, row);
  }

  get<Row>(table: LedgerTable<Row>, id: string): Row | undefined {
    // Only `put` and the operations store rows, each under the table that typed it.
    return this.#rowsOf(table).get(id) as Row | undefined;
  }

  all<Row>(table: LedgerTable<Row>): Row[] {
    return [...this.#rowsOf(table).values()] as Row[];
  }

  async run<Result>(operation: Operation<Result>): Promise<Result> {
    return this.apply(operation);
  }

  async recall(): Promise<Recalled> {
    return this.recalled;
  }

  apply<Result>(operation: Operation<Result>): Result {
    const unitOfWork = new UnitOfWork(this.nowMs, DAY, { slot: 1, epoch: 1, seq: 1n });
    for (const table of new Set(operation.reads.map((read) => read.table))) {
      const ids = operation.reads.filter((read) => read.table === table).map((read) => read.id);
      const stored = ids.flatMap((id) => (this.#rowsOf(table).has(id) ? [[id, this.get(table, id)] as const] : []));
      unitOfWork.load(table, ids, stored);
    }
    const result = unitOfWork.attempt((rows) => operation.decide(rows));
    for (const { table, id } of operation.reads) {
      const row = unitOfWork.get(table, id);
      if (row !== undefined) this.put(table, id, row);
    }
    this.appended.push(...unitOfWork.statements([]));
    return result;
  }

  #rowsOf(table: LedgerTable<unknown>): Map<string, unknown> {
    const rows = this.#tables.get(table) ?? new Map<string, unknown>();
    this.#tables.set(table, rows);
    return rows;
  }
}

/** A PENDING order of 10 units with 30 minutes to go. */
export function pendingOrder(change: Partial<OrderRow> = {}): OrderRow {
  return {
    orderNo: ORDER_NO,
    workflowId: WORKFLOW_ID,
    userId: USER_ID,
    accountId: ACCOUNT_ID,
    amount: AMOUNT,
    currency: 'CNY',
    status: 'PENDING',
    reason: null,
    paidAtMs: null,
    paidLate: false,
    refunded: null,
    refundedAtMs: null,
    chargedBack: 0n,
    expiresAtMs: START_MS + 1_800_000,
    createdAtMs: START_MS,
    updatedAtMs: START_MS,
    ...change,
  };
}

/** A ledger with one empty account and one order. */
export function ledgerWithOrder(order: Partial<OrderRow> = {}, available = 0n, debt = 0n): MemoryLedger {
  const ledger = new MemoryLedger();
  ledger.put(accounts, String(ACCOUNT_ID), { id: ACCOUNT_ID, available, debt, pendingGrant: null });
  ledger.put(orders, ORDER_NO, pendingOrder(order));
  return ledger;
}

export function orderIn(ledger: MemoryLedger): OrderRow {
  const order = ledger.get(orders, ORDER_NO);
  if (!order) throw new Error('the order is gone');
  return order;
}

export function balanceIn(ledger: MemoryLedger): { available: bigint; debt: bigint } {
  const account = ledger.get(accounts, String(ACCOUNT_ID));
  if (!account) throw new Error('the account is gone');
  return { available: account.available, debt: account.debt };
}

export function transfersIn(ledger: MemoryLedger): Pick<Transfer, 'kind' | 'amount'>[] {
  return ledger.all(transfers).map(({ kind, amount }) => ({ kind, amount }));
}

export function notice(change: Partial<PaymentNotice> = {}): PaymentNotice {
  return {
    provider: 'signed',
    kind: 'payment',
    eventId: 'event-1',
    orderNo: ORDER_NO,
    amount: AMOUNT,
    currency: 'CNY',
    bodyHash: Buffer.alloc(32, 1),
    payerId: undefined,
    note: 'test',
    ...change,
  };
}
