/** What routing needs of the pool of provider keys. */
import type { FailureClass } from '../providers/failure.ts';

export interface PickedKey {
  readonly id: number;
  readonly providerId: number;
  /** The provider's base URL that the key was entered for: it goes to no other address. */
  readonly urlBase: string;
  /** Secret. */
  readonly apiKey: string;
}

/** Where a call goes. */
export interface Destination {
  readonly providerId: number;
  readonly urlBase: string;
}

export type CallResult =
  | { readonly kind: 'success' }
  | { readonly kind: 'failure'; readonly failure: FailureClass; readonly retryAfterMs?: number };

/** How a model's provider stands at the moment. */
export interface Standing {
  readonly usableKeys: number;
  readonly activeKeys: number;
  /** 0–1: failures of the model among its calls of the last five minutes; a caller's mistakes are not counted. */
  readonly failureRate: number;
}

export interface KeyPool {
  /**
   * The next usable key of a provider by weighted round robin: active, circuit closed, or half-open with its one probe
   * still free. A call that was planned before its provider moved to another address gets none.
   * No I/O. @returns undefined when there is none outside `except`.
   */
  pick(destination: Destination, except: ReadonlySet<number>): PickedKey | undefined;
  /** Resolves when the probes that `pick` had to ask Redis for are given, in half a second at most. */
  probesAsked(providerIds: readonly number[]): Promise<void> | undefined;
  /**
   * Tells how a picked key's call ended; moves its circuit. Each pick is reported once. No waiting. A key that was not
   * picked counts as tested by an administrator: a success closes its circuit. What another address than the
   * provider's present one said of a key counts as nothing.
   * @param modelId the model that was called, for its failure rate.
   */
  report(key: PickedKey, result: CallResult, modelId?: number): void;
  /** How long until some key of these providers may be tried again, in seconds (at least 1). */
  retryAfterSeconds(providerIds: readonly number[]): number;
  standing(providerId: number, modelId: number): Standing;
}
