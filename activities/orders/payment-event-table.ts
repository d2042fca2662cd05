/** What payment providers told us, one row an event, also those that were refused. Written with what they caused. */
import { insertRows, literal, utcDateTime } from '../../infra/mysql/literal.ts';
import { bytesOf, msOf, textOf } from '../billing/lane/record.ts';
import type { LaneTable } from '../billing/lane/table.ts';

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

const COLUMNS = ['provider', 'event_id', 'order_no', 'body_hash', 'outcome', 'received_at'];

function outcomeOf(text: string): PaymentEventOutcome {
  const outcome = [...ACCEPTED, ...REFUSED].find((known) => known === text);
  if (!outcome) throw new TypeError(`unknown outcome of a payment event: ${text}`);
  return outcome;
}

function insert(rows: readonly PaymentEvent[]): string {
  return insertRows(
    'payment_events',
    COLUMNS,
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

export const paymentEvents: LaneTable<PaymentEvent> = {
  name: 'payment_events',
  lock: (keys) => {
    const pairs = keys.map((key) => {
      const at = key.indexOf(' ');
      return `(provider=${literal(key.slice(0, at))} AND event_id=${literal(key.slice(at + 1))})`;
    });
    return `SELECT ${COLUMNS.join(',')} FROM payment_events WHERE ${pairs.join(' OR ')} ORDER BY provider,event_id FOR UPDATE`;
  },
  parse: (record) => {
    const event: PaymentEvent = {
      provider: textOf(record, 'provider'),
      eventId: textOf(record, 'event_id'),
      orderNo: textOf(record, 'order_no'),
      bodyHash: bytesOf(record, 'body_hash'),
      outcome: outcomeOf(textOf(record, 'outcome')),
      receivedAtMs: msOf(record, 'received_at'),
    };
    return [paymentEventKey(event), event];
  },
  insert,
  /** A refused event that came again: the first receipt's time stays. */
  update: (rows) => `${insert(rows)} ON DUPLICATE KEY UPDATE outcome=VALUES(outcome)`,
};
