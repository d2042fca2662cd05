/** For tests: the services of orders on a ledger in memory. */
import pino from 'pino';
import { ACCOUNT_ID, type MemoryLedger, USER_ID } from './memory-ledger.fixture.ts';
import type { Order } from './order.ts';
import { type OrderRow, orders as orderTable } from './order.ts';
import { Orders } from './orders.ts';
import { type PaymentDeps, Payments } from './payments.ts';
import { SignedCallbacks } from './providers/signed/signed-callback.ts';
import type { SignalSettled } from './settled-signal.ts';
import type { OrderFilter, OrderPage } from './store.ts';

export const PAYMENT_SECRET = 'payment-secret-of-the-test';

function viewOf(row: OrderRow): Order {
  return {
    id: 1,
    orderNo: row.orderNo,
    workflowId: row.workflowId ?? `order:${row.orderNo}`,
    userId: row.userId,
    accountId: row.accountId,
    amount: row.amount,
    currency: row.currency,
    status: row.status,
    reason: row.reason,
    paidAt: row.paidAtMs === null ? null : new Date(row.paidAtMs),
    paidLate: row.paidLate,
    refunded: row.refunded,
    expiresAt: new Date(row.expiresAtMs),
    createdAt: new Date(row.createdAtMs),
    updatedAt: new Date(row.updatedAtMs),
  };
}

class MemoryStore {
  readonly #ledger: MemoryLedger;

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger;
  }

  async find(orderNo: string, userId?: number): Promise<Order | undefined> {
    const row = this.#ledger.get(orderTable, orderNo);
    return row && (userId === undefined || row.userId === userId) ? viewOf(row) : undefined;
  }

  async page(filter: OrderFilter): Promise<OrderPage> {
    const records = this.#ledger
      .all(orderTable)
      .filter((row) => filter.userId === undefined || row.userId === filter.userId)
      .filter((row) => filter.status === undefined || row.status === filter.status)
      .map(viewOf);
    return { records: records.slice(0, filter.pageSize), total: records.length };
  }

  async overdue(graceMs: number, limit: number): Promise<string[]> {
    return this.#ledger
      .all(orderTable)
      .filter((row) => row.status === 'PENDING' && row.expiresAtMs + graceMs <= this.#ledger.nowMs)
      .map((row) => row.orderNo)
      .slice(0, limit);
  }
}

/** `signalled` and `started` show what was sent to Temporal, `warnings` what was logged as one. */
export function memoryOrders(ledger: MemoryLedger, change: Partial<Pick<PaymentDeps, 'sandbox' | 'alipay'>> = {}) {
  const signalled: string[] = [];
  const started: string[] = [];
  const store = new MemoryStore(ledger);
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void warnings.push(line) });
  const signalSettled: SignalSettled = ({ workflowId }) => void signalled.push(workflowId);
  const orders = new Orders({
    ledger,
    store,
    starter: { kick: (start) => void started.push(start.workflowId) },
    accountIdOf: async (userId) => (userId === USER_ID ? ACCOUNT_ID : undefined),
    signalSettled,
    ttlMs: 1_800_000,
    currency: 'CNY',
    log,
  });
  const signed = new SignedCallbacks(PAYMENT_SECRET);
  const payments = new Payments({
    ledger,
    store,
    signed,
    alipay: undefined,
    sandbox: false,
    signalSettled,
    log,
    ...change,
  });
  return { orders, payments, signalled, started, warnings };
}
