/** The table `orders` as the commit queue sees it. */
import { ledgerTable, type RowIn } from '../../core/ledger/commit-queue/table.ts';
import { column, orNull } from '../../infra/mysql/rows.ts';
import { ORDER_STATUSES } from './order.ts';

export const orders = ledgerTable({
  name: 'orders',
  key: ['orderNo'],
  fixed: {
    orderNo: column.text,
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
