/** Giving a paid order back, at most what is still available, once. Pure. */
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import { read } from '../../core/ledger/commit-queue/operation.ts';
import { type BalanceChange, balanceReads, decideRefund } from '../../core/ledger/operations/credit.ts';
import { accounts } from '../../core/ledger/tables/accounts.ts';
import { orders } from './order-table.ts';

export type RefundOutcome =
  | { readonly kind: 'refunded'; readonly amount: bigint }
  | { readonly kind: 'refunded-before' | 'not-paid' | 'taken-back' | 'nothing-available' | 'unknown' };

/** @param refund `id` is the order's number, `note` the reason. */
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
      // A refund of nothing would use up the one refund there is.
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
