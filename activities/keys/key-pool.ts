/** What routing needs of the pool of provider keys. */
import type { FailureClass } from '../inference/providers/failure.ts';

export interface PickedKey {
  readonly id: number;
  readonly providerId: number;
  /** Secret. */
  readonly apiKey: string;
}

export type CallResult =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly failure: FailureClass; readonly retryAfterMs?: number };

export interface KeyPool {
  /**
   * The next usable key of a provider by weighted round robin: active, circuit closed, or half-open with its one probe
   * still free. No I/O. @returns undefined when there is none outside `except`.
   */
  pick(providerId: number, except: ReadonlySet<number>): PickedKey | undefined;
  /** Tells how a picked key's call ended; moves its circuit. Each pick is reported once. No waiting. */
  report(key: PickedKey, result: CallResult): void;
  /** How long until some key of these providers may be tried again, in seconds (at least 1). */
  retryAfterSeconds(providerIds: readonly number[]): number;
}
