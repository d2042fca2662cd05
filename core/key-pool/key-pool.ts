/** What routing needs of the pool of provider keys. */
import type { FailureClass } from '../providers/failure.ts';

export interface PickedKey {
  readonly id: number;
  readonly providerId: number;
  /** The model that is called with it. */
  readonly modelId?: number | undefined;
  /** The provider's base URL that the key was entered for: it goes to no other address. */
  readonly urlBase: string;
  /** Secret. */
  readonly apiKey: string;
}

/** Where a call goes. */
export interface Destination {
  readonly providerId: number;
  readonly modelId: number;
  readonly urlBase: string;
}

export type CallResult =
  | { readonly kind: 'success' }
  | {
      readonly kind: 'failure';
      readonly failure: FailureClass;
      readonly retryAfterMs?: number;
      /** What the provider said, without keys. */
      readonly text?: string;
    };

/** The state of a model's provider at the moment. */
export interface Standing {
  readonly usableKeys: number;
  readonly activeKeys: number;
  /** 0–1: failures of the model among its calls of the last five minutes; a caller's mistakes are not counted. */
  readonly failureRate: number;
}

/** Names what calls have in common; asked only where there is a choice of keys, because it is a hash. */
export type Affinity = () => string;

export interface KeyPool {
  /**
   * The next usable key of a provider by weighted round robin: active, with the circuits of its account and of the
   * model closed, or the model's half-open with its one probe still free. A call that was planned before its provider
   * moved to another address gets none. No I/O.
   * @param affinity calls with the same one get the same key while it is healthy and not busier than the others.
   * @returns undefined when there is none outside `except`.
   */
  pick(destination: Destination, except: ReadonlySet<number>, affinity?: Affinity): PickedKey | undefined;
  /** Resolves when the probes that `pick` had to ask Redis for are given, in half a second at most. */
  probesAsked(destinations: readonly Destination[]): Promise<void> | undefined;
  /**
   * Tells how a picked key's call ended; moves its circuits. Each pick is reported once. No waiting. A key that was not
   * picked counts as tested by an administrator: a success closes its circuits. What another address than the
   * provider's present one said of a key counts as nothing.
   */
  report(key: PickedKey, result: CallResult): void;
  /** How long until some key may be tried again for one of these models, in seconds (at least 1). */
  retryAfterSeconds(destinations: readonly Destination[]): number;
  standing(providerId: number, modelId: number): Standing;
}
