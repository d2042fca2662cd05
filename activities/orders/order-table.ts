/** The table `orders` as the money lane sees it. */
import { insertRows, literals, updateRows, utcDateTime } from '../../infra/mysql/literal.ts';
import { bigintOf, bigintOrNull, msOf, msOrNull, numberOf, textOf, textOrNull } from '../billing/lane/record.ts';
import type { LaneTable } from '../billing/lane/table.ts';
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

const FIXED = ['order_no', 'user_id', 'account_id', 'amount', 'currency', 'expires_at', 'created_at'];
const CHANGING = ['status', 'reason', 'paid_at', 'paid_late', 'refunded', 'refunded_at', 'charged_back', 'updated_at'];

function statusOf(text: string): OrderStatus {
  const status = ORDER_STATUSES.find((known) => known === text);
  if (!status) throw new TypeError(`unknown order status ${text}`);
  return status;
}

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

export const orders: LaneTable<OrderRow> = {
  name: 'orders',
  lock: (orderNos) =>
    `SELECT ${[...FIXED, ...CHANGING].join(',')} FROM orders WHERE order_no IN (${literals(orderNos)}) ORDER BY order_no FOR UPDATE`,
  parse: (record) => [
    textOf(record, 'order_no'),
    {
      orderNo: textOf(record, 'order_no'),
      userId: numberOf(record, 'user_id'),
      accountId: numberOf(record, 'account_id'),
      amount: bigintOf(record, 'amount'),
      currency: textOf(record, 'currency'),
      status: statusOf(textOf(record, 'status')),
      reason: textOrNull(record, 'reason'),
      paidAtMs: msOrNull(record, 'paid_at'),
      paidLate: numberOf(record, 'paid_late') === 1,
      refunded: bigintOrNull(record, 'refunded'),
      refundedAtMs: msOrNull(record, 'refunded_at'),
      chargedBack: bigintOf(record, 'charged_back'),
      expiresAtMs: msOf(record, 'expires_at'),
      createdAtMs: msOf(record, 'created_at'),
      updatedAtMs: msOf(record, 'updated_at'),
    },
  ],
  insert: (rows) =>
    insertRows(
      'orders',
      [...FIXED, ...CHANGING],
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
      CHANGING,
      rows.map((row) => [row.orderNo, ...changing(row)]),
    ),
};
