/** A provider's failure in the gateway's own classes (PROVIDERS.md, "Suggested canonical error classes"). */

export type FailureClass =
  /** The content was refused: never retried, never another provider. */
  | 'content'
  /** The caller's mistake. */
  | 'bad-request'
  /** The key or its account is out of order: another key may work. */
  | 'account'
  /** The provider does not know the model or the way it is called. */
  | 'model'
  | 'rate'
  /** 5xx, a broken connection, an answer that makes no sense. */
  | 'transient'
  | 'timeout'
  /** Our own caller gave up. */
  | 'cancelled';

export interface FailureDetails {
  /** HTTP status of the provider, 0 when there was none. */
  readonly status: number;
  /** The provider's own code and request id, kept apart from the message. */
  readonly code?: string;
  /** The field of the request that it names, as OpenAI does. */
  readonly param?: string;
  readonly upstreamRequestId?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** Thrown by adapters only. The message is the provider's own, without keys. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';
  readonly failure: FailureClass;
  readonly details: FailureDetails;

  constructor(failure: FailureClass, message: string, details: FailureDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.failure = failure;
    this.details = details;
  }
}

/** An answer that ended well and held nothing. */
export function nothingDelivered(): UpstreamFailure {
  return new UpstreamFailure('transient', 'the provider delivered nothing', { status: 200 });
}
