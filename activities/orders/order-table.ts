/** The table `orders` as the commit queue sees it. */

import type { LedgerTable } from '../../core/ledger/commit-queue/table.ts';
import { insertRows, literals, updateRows, utcDateTime } from '../../infra/mysql/literal.ts';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { ORDER_STATUSES, type OrderStatus } from './order.ts';

export interface OrderRow {
  readonly orderNo: string;
  readonly userId: number;
  readonly accountId: number;
  readonly amount: bigint;
  readonly currency: string;
  readonly status: OrderStatus;
  readonly reason: string | null;
  readonly paidAtMs: number | null;
  readonly paidLate: boolean;
  readonly refunded: bigint | null;
  readonly refundedAtMs: number | null;
  /** What payment providers took back, over all their chargebacks. */
  readonly chargedBack: bigint;
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

const FIXED = {
  orderNo: column.text,
  userId: column.integer,
  accountId: column.integer,
  amount: column.bigint,
  currency: column.text,
  expiresAtMs: column.ms,
  createdAtMs: column.ms,
};
const CHANGING = {
  status: column.oneOf(ORDER_STATUSES),
  reason: orNull(column.text),
  paidAtMs: orNull(column.ms),
  paidLate: column.flag,
  refunded: orNull(column.bigint),
  refundedAtMs: orNull(column.ms),
  chargedBack: column.bigint,
  updatedAtMs: column.ms,
};
const changes = rowOf(CHANGING);
const storedOrder = rowOf({ ...FIXED, ...CHANGING });

function dateTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : utcDateTime(ms);
}

function changing(row: OrderRow) {
  return [
    row.status,
    row.reason,
    dateTimeOrNull(row.paidAtMs),
    row.paidLate,
    row.refunded,
    dateTimeOrNull(row.refundedAtMs),
    row.chargedBack,
    utcDateTime(row.updatedAtMs),
  ] as const;
}

export const orders: LedgerTable<OrderRow> = {
  name: 'orders',
  lock: (orderNos) =>
    `SELECT ${storedOrder.columns} FROM orders WHERE order_no IN (${literals(orderNos)}) ORDER BY order_no FOR UPDATE`,
  parse: (record) => {
    const order = storedOrder.read(record);
    return [order.orderNo, order];
  },
  insert: (rows) =>
    insertRows(
      'orders',
      storedOrder.names,
      rows.map((row) => [
        row.orderNo,
        row.userId,
        row.accountId,
        row.amount,
        row.currency,
        utcDateTime(row.expiresAtMs),
        utcDateTime(row.createdAtMs),
        ...changing(row),
      ]),
    ),
  update: (rows) =>
    updateRows(
      'orders',
      'order_no',
      changes.names,
      rows.map((row) => [row.orderNo, ...changing(row)]),
    ),
};
