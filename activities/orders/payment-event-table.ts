/** What payment providers told us, one row an event, also those that were refused. Written with what they caused. */

import type { LedgerTable } from '../../core/ledger/commit-queue/table.ts';
import { insertRows, literal, utcDateTime } from '../../infra/mysql/literal.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';

/** The first list is final; an event of the second is decided again when it comes again. */
const ACCEPTED = [
  'paid',
  'paid_late',
  'already_paid',
  'chargeback',
  // It told of more than was left of the order: what was left is booked.
  'chargeback_rest',
  'already_taken',
  'ignored',
] as const;
const REFUSED = ['amount_mismatch', 'currency_mismatch', 'unknown_order', 'not_paid', 'balance_limit'] as const;
export type PaymentEventOutcome = (typeof ACCEPTED)[number] | (typeof REFUSED)[number];

export interface PaymentEvent {
  readonly provider: string;
  /** The provider's own id of the event. */
  readonly eventId: string;
  readonly orderNo: string;
  /** SHA-256 of what the event says, not of its bytes. */
  readonly bodyHash: Buffer;
  readonly outcome: PaymentEventOutcome;
  readonly receivedAtMs: number;
}

export function isAccepted(outcome: PaymentEventOutcome): boolean {
  return ACCEPTED.some((accepted) => accepted === outcome);
}

/** Id of an event among an operation's reads. */
export function paymentEventKey(event: { readonly provider: string; readonly eventId: string }): string {
  return `${event.provider} ${event.eventId}`;
}

const storedEvent = rowOf({
  provider: column.text,
  eventId: column.text,
  orderNo: column.text,
  bodyHash: column.bytes,
  outcome: column.oneOf([...ACCEPTED, ...REFUSED]),
  receivedAtMs: column.ms,
});

function insert(rows: readonly PaymentEvent[]): string {
  return insertRows(
    'payment_events',
    storedEvent.names,
    rows.map((row) => [
      row.provider,
      row.eventId,
      row.orderNo,
      row.bodyHash,
      row.outcome,
      utcDateTime(row.receivedAtMs),
    ]),
  );
}

export const paymentEvents: LedgerTable<PaymentEvent> = {
  name: 'payment_events',
  lock: (keys) => {
    const pairs = keys.map((key) => {
      const at = key.indexOf(' ');
      return `(provider=${literal(key.slice(0, at))} AND event_id=${literal(key.slice(at + 1))})`;
    });
    return `SELECT ${storedEvent.columns} FROM payment_events WHERE ${pairs.join(' OR ')} ORDER BY provider,event_id FOR UPDATE`;
  },
  parse: (record) => {
    const event = storedEvent.read(record);
    return [paymentEventKey(event), event];
  },
  insert,
  /** A refused event that came again: the first receipt's time stays. */
  update: (rows) => `${insert(rows)} ON DUPLICATE KEY UPDATE outcome=VALUES(outcome)`,
};
