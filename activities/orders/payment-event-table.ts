/**
 * Events of payment providers, one row each, refused ones included. Written in the same transaction as their effects.
 */
import { ledgerTable, type RowIn } from '../../core/ledger/commit-queue/table.ts';
import { column, orNull } from '../../infra/mysql/rows.ts';
import { PAYMENT_NOTICE_KINDS } from './providers/payment-provider.ts';

/** Outcomes of the first list are final; an event with one of the second is decided again when it is sent again. */
const ACCEPTED = [
  'paid',
  'paid_late',
  'already_paid',
  'chargeback',
  // It named more than was left of the order; what was left is booked.
  'chargeback_rest',
  'already_taken',
  'ignored',
] as const;
const REFUSED = ['amount_mismatch', 'currency_mismatch', 'unknown_order', 'not_paid', 'balance_limit'] as const;
export const PAYMENT_EVENT_OUTCOMES = [...ACCEPTED, ...REFUSED] as const;
export type PaymentEventOutcome = (typeof PAYMENT_EVENT_OUTCOMES)[number];

export function isAccepted(outcome: PaymentEventOutcome): boolean {
  return ACCEPTED.some((accepted) => accepted === outcome);
}

export const paymentEvents = ledgerTable({
  name: 'payment_events',
  key: ['provider', 'eventId'],
  fixed: {
    provider: column.text,
    /** The provider's own id of the event. */
    eventId: column.text,
    orderNo: column.text,
    /** SHA-256 of what the event says, not of its bytes. */
    bodyHash: column.bytes,
    /** Time of the first receipt, also when a refused event is sent again. */
    receivedAtMs: column.ms,
    kind: orNull(column.oneOf(PAYMENT_NOTICE_KINDS)),
    /** What it named, which may be another than the order's. */
    amount: orNull(column.bigint),
    currency: orNull(column.text),
  },
  changing: { outcome: column.oneOf(PAYMENT_EVENT_OUTCOMES) },
});
export type PaymentEvent = RowIn<typeof paymentEvents>;

/** Id of an event among an operation's reads. */
export const paymentEventKey = paymentEvents.idOf;
