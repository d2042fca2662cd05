/** A payment provider: verifies that a callback is its own and translates it. */
import { createHash } from 'node:crypto';

type PaymentProviderName = 'signed' | 'alipay' | 'sandbox' | 'root';

/**
 * Whose event it is, stored with each event; VARCHAR(20). Ids of events are unique per provider. In the sandbox each
 * user is a provider, so that no user can take the event id of another.
 */
type PaymentEventSource = Exclude<PaymentProviderName, 'sandbox'> | `sandbox:${number}`;

export const PAYMENT_NOTICE_KINDS = [
  /** Money arrived for an order. */
  'payment',
  /** The provider refunded a part of a payment, which also says that the payment was made. */
  'partly-refunded',
  /** The provider took a payment back. */
  'chargeback',
  /** Something that moves no money of ours; only recorded. */
  'other',
] as const;
export type PaymentNoticeKind = (typeof PAYMENT_NOTICE_KINDS)[number];

/** An event whose proof was checked. */
export interface PaymentNotice {
  readonly provider: PaymentEventSource;
  readonly kind: PaymentNoticeKind;
  /** The provider's id of this event, printable ASCII of at most 128 characters; the same one when it is sent again. */
  readonly eventId: string;
  readonly orderNo: string;
  /** Nano-units; undefined = what the order says (only where the caller itself is the proof). */
  readonly amount: bigint | undefined;
  readonly currency: string | undefined;
  /** SHA-256 of what the event says; equal whenever it is sent again. */
  readonly bodyHash: Buffer;
  /** Only an order of this user may be paid by it; undefined = any. */
  readonly payerId: number | undefined;
  /** Kept with the transfer: who said so, in at most 255 characters. */
  readonly note: string;
}

export interface PaymentProvider<Callback> {
  readonly name: PaymentProviderName;
  /**
   * Checks the proof of a callback and reads it.
   * @throws {AppError} forbidden when the proof is invalid, otherwise naming the field that is missing or wrong.
   */
  read(callback: Callback): PaymentNotice;
}

/** What the callback's own JSON body may say. */
export interface CallbackFields {
  readonly orderNo: string;
  /** Nano-units. */
  readonly amount: bigint | undefined;
  readonly currency: string | undefined;
  readonly eventId: string | undefined;
  readonly type: string | undefined;
}

/** SHA-256 of what a JSON callback says: order, amount (not its digits), currency, and whether it is a chargeback. */
export function callbackHash(kind: 'payment' | 'chargeback', fields: CallbackFields): Buffer {
  const { orderNo, amount, currency } = fields;
  const said = JSON.stringify([kind, orderNo, amount?.toString() ?? null, currency ?? null]);
  return createHash('sha256').update(said).digest();
}
