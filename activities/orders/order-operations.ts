/** How an order begins, ends unpaid, and is refunded. The row decides, by the database's clock. Pure. */
import { type Operation, read } from '../../core/ledger/commit-queue/operation.ts';
import { type BalanceChange, balanceReads, decideRefund } from '../../core/ledger/operations/credit.ts';
import { accounts } from '../../core/ledger/tables/accounts.ts';
import { workflowOutbox } from '../../core/outbox/outbox.ts';
import type { OrderOutcome, WorkflowStart } from '../../workflows/contracts.ts';
import { FAILURE_REASONS, type OrderRow, orders } from './order.ts';

export interface NewOrder extends Pick<OrderRow, 'orderNo' | 'userId' | 'accountId' | 'amount' | 'currency'> {
  readonly ttlMs: number;
  readonly start: WorkflowStart;
}

/**
 * Writes the order and the start of its workflow. Idempotent by the order's number. When the caller has stopped
 * waiting, the order may stay: nobody knows it, so nobody pays it, and it expires.
 * @returns false when an earlier call had made it.
 */
export function createOrder(order: NewOrder): Operation<boolean> {
  const { ttlMs, start, ...fixed } = order;
  return {
    reads: [read(orders, order.orderNo)],
    decide: (rows) => {
      if (rows.get(orders, order.orderNo)) return false;
      rows.put(orders, order.orderNo, {
        ...fixed,
        status: 'PENDING',
        reason: null,
        paidAtMs: null,
        paidLate: false,
        refunded: null,
        refundedAtMs: null,
        chargedBack: 0n,
        expiresAtMs: rows.nowMs + ttlMs,
        createdAtMs: rows.nowMs,
        updatedAtMs: rows.nowMs,
      });
      rows.append(workflowOutbox, { start, atMs: rows.nowMs });
      return true;
    },
  };
}

export type CancelOutcome = 'cancelled' | 'failed-before' | 'paid' | 'unknown';

/** Cancels an order that is not paid. Idempotent. */
export function cancelOrder(orderNo: string, reason: string): Operation<CancelOutcome> {
  return {
    reads: [read(orders, orderNo)],
    decide: (rows) => {
      const order = rows.get(orders, orderNo);
      if (!order) return 'unknown';
      if (order.status === 'COMPLETED') return 'paid';
      if (order.status === 'FAILED') return 'failed-before';
      rows.put(orders, orderNo, { ...order, status: 'FAILED', reason, updatedAtMs: rows.nowMs });
      return 'cancelled';
    },
  };
}

/**
 * Cancels an order whose time is over; says how long it still has when it is not. Idempotent.
 * @returns undefined when there is no such order.
 */
export function expireOrder(orderNo: string): Operation<OrderOutcome | undefined> {
  return {
    reads: [read(orders, orderNo)],
    decide: (rows) => {
      const order = rows.get(orders, orderNo);
      if (!order) return undefined;
      if (order.status !== 'PENDING') return { status: order.status, remainingMs: 0 };
      const remainingMs = order.expiresAtMs - rows.nowMs;
      if (remainingMs > 0) return { status: 'PENDING', remainingMs };
      const after = { ...order, status: 'FAILED', reason: FAILURE_REASONS.expired, updatedAtMs: rows.nowMs } as const;
      rows.put(orders, orderNo, after);
      return { status: 'FAILED', remainingMs: 0 };
    },
  };
}

export type RefundOutcome =
  | { readonly kind: 'refunded'; readonly amount: bigint }
  | { readonly kind: 'refunded-before' | 'not-paid' | 'taken-back' | 'nothing-available' | 'unknown' };

/**
 * Refunds a paid order once, at most what is still available.
 * @param refund `id` is the order's number, `note` the reason.
 */
export function refundOrder(refund: BalanceChange & { readonly note: string }): Operation<RefundOutcome> {
  const orderNo = refund.id;
  return {
    reads: [...balanceReads(refund, 'refund'), read(orders, orderNo)],
    decide: (rows) => {
      const order = rows.get(orders, orderNo);
      if (order?.accountId !== refund.accountId) return { kind: 'unknown' };
      if (order.status !== 'COMPLETED') return { kind: 'not-paid' };
      if (order.refunded !== null) return { kind: 'refunded-before' };
      if (order.chargedBack > 0n) return { kind: 'taken-back' };
      // A refund of 0 would use up the only refund that an order may have.
      if (rows.get(accounts, String(refund.accountId))?.available === 0n) return { kind: 'nothing-available' };
      const amount = decideRefund(rows, refund, order.amount);
      rows.put(orders, orderNo, {
        ...order,
        refunded: amount,
        refundedAtMs: rows.nowMs,
        reason: refund.note,
        updatedAtMs: rows.nowMs,
      });
      return { kind: 'refunded', amount };
    },
  };
}
