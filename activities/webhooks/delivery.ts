/** What a webhook delivery is, and the rules by which it is tried. Pure. */

export const DELIVERY_STATUSES = ['PENDING', 'DELIVERED', 'FAILED', 'DISABLED'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

export interface Delivery {
  /** Also the `webhook-id` that the receiver sees, the same at every try. */
  readonly id: string;
  readonly userId: number;
  readonly jobId: string;
  readonly url: string;
  readonly status: DeliveryStatus;
  /** Tries in the present round. */
  readonly attempts: number;
  /** How often its owner has asked for it again: the number of the present round. */
  readonly redeliveries: number;
  /** HTTP status of the last try, or null when there was no answer. */
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Waits between tries: a receiver that is down for a working day still gets its message. */
export const RETRY_DELAYS_MS = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800].map((seconds) => seconds * 1_000);
/** A try that is due is made within minutes, also after workers were lost. */
export const OVERDUE_AFTER_MS = 600_000;

const GONE = 410;

export type DeliveryOutcome =
  | { readonly kind: 'delivered' }
  /** The receiver wants nothing more at this address. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'again'; readonly delayMs: number }
  | { readonly kind: 'given-up' };

/** What follows from a try. @param status null = no answer. @param attempts tries made, this one included. */
export function outcomeOf(status: number | null, attempts: number): DeliveryOutcome {
  // A redirect is a failure: following it would sign the message for an address that nobody checked.
  if (status !== null && status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === GONE) return { kind: 'gone' };
  const delayMs = RETRY_DELAYS_MS[attempts - 1];
  return delayMs === undefined ? { kind: 'given-up' } : { kind: 'again', delayMs };
}

/** Whether a pending delivery's next try should long have been made. */
export function isOverdue({ attempts, updatedAt }: Pick<Delivery, 'attempts' | 'updatedAt'>, nowMs: number): boolean {
  const waitMs = RETRY_DELAYS_MS[attempts - 1] ?? 0;
  return nowMs - updatedAt.getTime() - waitMs > OVERDUE_AFTER_MS;
}
