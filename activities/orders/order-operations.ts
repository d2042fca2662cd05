/** How an order begins, ends unpaid, and is refunded. The row decides, by the database's clock. Pure. */
import { type Operation, read } from '../../core/ledger/commit-queue/operation.ts';
import type { Rows } from '../../core/ledger/commit-queue/unit-of-work.ts';
import { CLAIM_LIFE_MS } from '../../core/ledger/operations/claim.ts';
import { type BalanceChange, balanceReads, decideRefund } from '../../core/ledger/operations/credit.ts';
import { accounts } from '../../core/ledger/tables/accounts.ts';
import { transferKey, transfers } from '../../core/ledger/tables/transfers.ts';
import { workflowOutbox } from '../../core/outbox/outbox.ts';
import type { OrderOutcome, WorkflowStart } from '../../workflows/contracts.ts';
import { FAILURE_REASONS, type OrderRow, orders, partialRefunds } from './order.ts';

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
        workflowId: start.workflowId,
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
  | { readonly kind: 'refunded-before' | 'not-paid' | 'taken-back' | 'nothing-available' | 'unknown' }
  /** Some of the account's money is not back yet, so that the refund would be short. */
  | { readonly kind: 'leased' }
  /** Of a part: more than is left of the order, or than the account has. */
  | { readonly kind: 'too-much'; readonly left: bigint }
  | { readonly kind: 'insufficient'; readonly available: bigint }
  /** Of a part: done under this key so long ago that this cannot be a repeat of that request. */
  | { readonly kind: 'done-long-ago'; readonly atMs: number };

/**
 * Refunds what is left of a paid order, at most what is still available. It is the order's last refund.
 * @param refund `id` is the order's number, `note` the reason.
 * @param isAllBack false while some of the account's money is leased: then only all that is left is refunded.
 */
export function refundOrder(
  refund: BalanceChange & { readonly note: string },
  isAllBack: boolean,
): Operation<RefundOutcome> {
  const orderNo = refund.id;
  return {
    reads: [...balanceReads(refund, 'refund'), read(orders, orderNo)],
    decide: (rows) => {
      const order = rows.get(orders, orderNo);
      if (order?.accountId !== refund.accountId) return { kind: 'unknown' };
      const refused = refuseRefund(rows, order);
      if (refused) return refused;
      const left = order.amount - (order.refunded ?? 0n);
      const available = rows.get(accounts, String(refund.accountId))?.available ?? 0n;
      if (available < left && !isAllBack) return { kind: 'leased' };
      // A refund of 0 would use up the last refund that an order may have.
      if (available === 0n) return { kind: 'nothing-available' };
      const amount = decideRefund(rows, refund, left);
      noteRefund(rows, order, amount, refund.note);
      return { kind: 'refunded', amount };
    },
  };
}

/**
 * Refunds exactly a part of a paid order; an order may have several, until nothing is left. Idempotent by its id.
 * @param refund `id` is made of the request's key, `note` the reason.
 */
export function refundPart(
  orderNo: string,
  refund: BalanceChange & { readonly note: string },
  amount: bigint,
  isAllBack: boolean,
): Operation<RefundOutcome> {
  if (amount <= 0n) throw new RangeError('a refund must be above zero');
  return {
    reads: [...balanceReads(refund, 'refund'), wholeRefund(orderNo), read(orders, orderNo)],
    decide: (rows) => {
      const order = rows.get(orders, orderNo);
      if (order?.accountId !== refund.accountId) return { kind: 'unknown' };
      const before = rows.get(transfers, transferKey({ id: refund.id, kind: 'refund' }));
      if (before && before.createdAtMs + CLAIM_LIFE_MS <= rows.nowMs) {
        return { kind: 'done-long-ago', atMs: before.createdAtMs };
      }
      if (before) return { kind: 'refunded', amount: -before.amount };
      const refused = refuseRefund(rows, order);
      if (refused) return refused;
      const left = order.amount - (order.refunded ?? 0n);
      if (amount > left) return { kind: 'too-much', left };
      const available = rows.get(accounts, String(refund.accountId))?.available ?? 0n;
      if (amount > available) return isAllBack ? { kind: 'insufficient', available } : { kind: 'leased' };
      decideRefund(rows, refund, amount);
      rows.append(partialRefunds, {
        ...{ transferId: refund.id, orderNo, accountId: refund.accountId, amount, createdAtMs: rows.nowMs },
      });
      noteRefund(rows, order, amount, refund.note);
      return { kind: 'refunded', amount };
    },
  };
}

/** The last refund of an order has its number. */
function wholeRefund(orderNo: string) {
  return read(transfers, transferKey({ id: orderNo, kind: 'refund' }));
}

function refuseRefund(rows: Rows, order: OrderRow): RefundOutcome | undefined {
  if (order.status !== 'COMPLETED') return { kind: 'not-paid' };
  const last = rows.get(transfers, transferKey({ id: order.orderNo, kind: 'refund' }));
  if (last || order.refunded === order.amount) return { kind: 'refunded-before' };
  return order.chargedBack > 0n ? { kind: 'taken-back' } : undefined;
}

function noteRefund(rows: Rows, order: OrderRow, amount: bigint, reason: string): void {
  rows.put(orders, order.orderNo, {
    ...order,
    refunded: (order.refunded ?? 0n) + amount,
    refundedAtMs: rows.nowMs,
    reason,
    updatedAtMs: rows.nowMs,
  });
}
