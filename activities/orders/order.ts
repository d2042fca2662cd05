/** A recharge order: what it is, its states, and its row in the ledger. */
import { type LedgerSink, ledgerTable, type RowIn } from '../../core/ledger/commit-queue/table.ts';
import { column, orNull } from '../../infra/mysql/rows.ts';

export const ORDER_STATUSES = ['PENDING', 'COMPLETED', 'FAILED'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** Why an order is FAILED; its owner reads this. */
export const FAILURE_REASONS = {
  expired: 'not paid in time',
  cancelledByOwner: 'cancelled by its owner',
  cancelledByAdministrator: 'cancelled by an administrator',
} as const;

/** An order as its owner sees it; amounts in nano-units. */
export interface Order {
  /** Number of its row. */
  readonly id: number;
  /** Made by the server, time-ordered; also the id of its transfers. */
  readonly orderNo: string;
  readonly workflowId: string;
  readonly userId: number;
  readonly accountId: number;
  readonly amount: bigint;
  readonly currency: string;
  readonly status: OrderStatus;
  readonly reason: string | null;
  readonly paidAt: Date | null;
  /** Paid after it had been cancelled. */
  readonly paidLate: boolean;
  /** What was refunded, if it was. */
  readonly refunded: bigint | null;
  readonly expiresAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The table `orders` as the commit queue sees it. */
export const orders = ledgerTable({
  name: 'orders',
  key: ['orderNo'],
  fixed: {
    orderNo: column.text,
    /** Null in orders of an earlier version. */
    workflowId: orNull(column.text),
    userId: column.integer,
    accountId: column.integer,
    amount: column.bigint,
    currency: column.text,
    expiresAtMs: column.ms,
    createdAtMs: column.ms,
  },
  changing: {
    status: column.oneOf(ORDER_STATUSES),
    reason: orNull(column.text),
    paidAtMs: orNull(column.ms),
    paidLate: column.flag,
    refunded: orNull(column.bigint),
    refundedAtMs: orNull(column.ms),
    /** What payment providers took back, over all their chargebacks. */
    chargedBack: column.bigint,
    updatedAtMs: column.ms,
  },
});
export type OrderRow = RowIn<typeof orders>;

const partialRefundTable = ledgerTable({
  name: 'partial_refunds',
  key: ['transferId'],
  fixed: {
    transferId: column.text,
    orderNo: column.text,
    accountId: column.integer,
    amount: column.bigint,
    createdAtMs: column.ms,
  },
  changing: {},
});
/** Which order a refund of a part belongs to; that of a whole order has the order's number as its own id. Append-only. */
export const partialRefunds: LedgerSink<RowIn<typeof partialRefundTable>> = {
  name: 'partial_refunds',
  write: partialRefundTable.insert,
};
