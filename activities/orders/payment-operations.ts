/**
 * Applies a payment provider's event to an order and its account, in one transaction with the row of the event. The
 * account is locked first. The id of the transfer makes an order credited once, no matter who reports the payment and how
 * often. Pure.
 */
import { createHash } from 'node:crypto';
import { type Operation, type Read, read } from '../../core/ledger/commit-queue/operation.ts';
import type { Rows } from '../../core/ledger/commit-queue/unit-of-work.ts';
import {
  type BalanceChange,
  balanceReads,
  chargeback,
  creditFits,
  decideCredit,
} from '../../core/ledger/operations/credit.ts';
import { type OrderRow, orders } from './order.ts';
import { isAccepted, type PaymentEventOutcome, paymentEventKey, paymentEvents } from './payment-event-table.ts';
import type { PaymentNotice } from './providers/payment-provider.ts';

/** Which order an event is about, and on which account. */
export interface Settlement {
  readonly notice: PaymentNotice;
  readonly accountId: number;
}

export type SettlementOutcome =
  /** Credited by this event. */
  | { readonly kind: 'settled'; readonly late: boolean }
  /** Booked by this event; `unbooked` is the part of its amount beyond what was left of the order. */
  | { readonly kind: 'taken-back'; readonly amount: bigint; readonly unbooked: bigint }
  /** This event, or another one of the same payment, was applied before. */
  | { readonly kind: 'done-before' }
  | { readonly kind: 'refused'; readonly why: 'amount_mismatch' | 'currency_mismatch' | 'not_paid' | 'balance_limit' }
  /** The event's id was received before with other content. */
  | { readonly kind: 'other-body' };

function changeOf({ notice, accountId }: Settlement): BalanceChange {
  return { id: notice.orderNo, accountId, note: notice.note };
}

/** Credits the order's amount (a debt is paid first), also after a cancel. Idempotent. */
export function payOrder(settlement: Settlement): Operation<SettlementOutcome> {
  return settle(settlement, balanceReads(changeOf(settlement), 'top_up'), decidePayment);
}

/**
 * Takes back a payment or a part of it: what is available is taken, the rest becomes debt. An order may be taken back
 * in parts, one per event, until nothing is left. Idempotent by the event.
 */
export function takeBackOrder(settlement: Settlement): Operation<SettlementOutcome> {
  return settle(settlement, balanceReads(takingBackOf(settlement), 'chargeback'), decideTakingBack);
}

/** Its transfer has the event's id, in the form of a transfer's id: an order may have several. */
function takingBackOf({ notice, accountId }: Settlement): BalanceChange {
  const event = `${notice.provider} ${notice.eventId}`;
  const id = createHash('sha256').update(event).digest('hex').slice(0, TRANSFER_ID_LENGTH);
  return { id, accountId, note: `order ${notice.orderNo}: ${notice.note}` };
}

type Decision = readonly [PaymentEventOutcome, SettlementOutcome];

/**
 * The event's row comes first: an event that was accepted before has no further effect, whatever the order's state.
 */
function settle(
  settlement: Settlement,
  moneyReads: readonly Read[],
  decide: (rows: Rows, settlement: Settlement, order: OrderRow) => Decision,
): Operation<SettlementOutcome> {
  const { notice, accountId } = settlement;
  return {
    reads: [...moneyReads, read(orders, notice.orderNo), read(paymentEvents, paymentEventKey(notice))],
    decide: (rows) => {
      const known = rows.get(paymentEvents, paymentEventKey(notice));
      if (known && !known.bodyHash.equals(notice.bodyHash)) return { kind: 'other-body' };
      if (known && isAccepted(known.outcome)) return { kind: 'done-before' };
      const order = rows.get(orders, notice.orderNo);
      if (order?.accountId !== accountId) {
        throw new Error(`order ${notice.orderNo} of account ${accountId} does not exist`);
      }
      const [recorded, outcome] = decide(rows, settlement, order);
      remember(rows, notice, recorded);
      return outcome;
    },
  };
}

function refuse(why: Extract<SettlementOutcome, { kind: 'refused' }>['why']): Decision {
  return [why, { kind: 'refused', why }];
}

function decidePayment(rows: Rows, settlement: Settlement, order: OrderRow): Decision {
  const { amount, currency } = settlement.notice;
  if (amount !== undefined && amount !== order.amount) return refuse('amount_mismatch');
  if (currency !== undefined && currency !== order.currency) return refuse('currency_mismatch');
  if (order.status === 'COMPLETED') {
    return [settlement.notice.kind === 'payment' ? 'already_paid' : 'ignored', { kind: 'done-before' }];
  }
  const paidLate = order.status === 'FAILED';
  const change = changeOf(settlement);
  if (!creditFits(rows, change, order.amount)) return refuse('balance_limit');
  decideCredit(rows, change, 'top_up', order.amount);
  rows.put(orders, order.orderNo, {
    ...order,
    status: 'COMPLETED',
    reason: null,
    paidAtMs: rows.nowMs,
    paidLate,
    updatedAtMs: rows.nowMs,
  });
  return [paidLate ? 'paid_late' : 'paid', { kind: 'settled', late: paidLate }];
}

const TAKEN_BACK = 'the payment was taken back by the payment provider';
const PARTLY_TAKEN_BACK = 'a part of the payment was taken back by the payment provider';
/** Hexadecimal digits: 128 bits. */
const TRANSFER_ID_LENGTH = 32;

function decideTakingBack(rows: Rows, settlement: Settlement, order: OrderRow): Decision {
  const { amount: noticed, currency } = settlement.notice;
  if (order.status !== 'COMPLETED') return refuse('not_paid');
  if (currency !== undefined && currency !== order.currency) return refuse('currency_mismatch');
  if (noticed !== undefined && noticed <= 0n) return refuse('amount_mismatch');
  // What was refunded by us cannot be taken back.
  const left = order.amount - (order.refunded ?? 0n) - order.chargedBack;
  const amount = noticed === undefined || noticed > left ? left : noticed;
  const unbooked = noticed === undefined ? 0n : noticed - amount;
  const outcome = { kind: 'taken-back', amount, unbooked } as const;
  if (amount === 0n) return ['already_taken', unbooked === 0n ? { kind: 'done-before' } : outcome];
  chargeback(takingBackOf(settlement), amount).decide(rows);
  const chargedBack = order.chargedBack + amount;
  rows.put(orders, order.orderNo, {
    ...order,
    chargedBack,
    reason: chargedBack === order.amount ? TAKEN_BACK : PARTLY_TAKEN_BACK,
    updatedAtMs: rows.nowMs,
  });
  return [unbooked === 0n ? 'chargeback' : 'chargeback_rest', outcome];
}

/** Only stores an event that moves no money or whose order is unknown. Idempotent. */
export function recordEvent(
  notice: PaymentNotice,
  outcome: Extract<PaymentEventOutcome, 'ignored' | 'unknown_order'>,
): Operation<void> {
  return {
    reads: [read(paymentEvents, paymentEventKey(notice))],
    decide: (rows) => {
      if (!rows.get(paymentEvents, paymentEventKey(notice))) remember(rows, notice, outcome);
    },
  };
}

function remember(rows: Rows, notice: PaymentNotice, outcome: PaymentEventOutcome): void {
  const { provider, eventId, orderNo, bodyHash, kind, amount = null, currency = null } = notice;
  rows.put(paymentEvents, paymentEventKey(notice), {
    provider,
    eventId,
    orderNo,
    bodyHash,
    outcome,
    receivedAtMs: rows.nowMs,
    ...{ kind, amount, currency },
  });
}
