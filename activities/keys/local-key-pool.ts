/** The pool of provider keys as one process sees it; decides without I/O. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import {
  afterResult,
  type Circuit,
  type CircuitSettings,
  CLOSED,
  DEFAULT_CIRCUIT_SETTINGS,
  KEY_TEST,
  mayProbe,
  ORDINARY_CALL,
  takeProbe,
  verdictOf,
} from './circuit.ts';
import type { CallResult, KeyPool, PickedKey } from './key-pool.ts';
import { WeightedRoundRobin } from './weighted-round-robin.ts';

/** An active key of a provider. `apiKey` is a secret, `weight` at least 1. */
export interface ProviderKey {
  readonly id: number;
  readonly apiKey: string;
  readonly weight: number;
}

export interface KeyPoolOptions {
  /** The active keys of a provider, from memory. */
  readonly keysOf: (providerId: number) => readonly ProviderKey[];
  readonly log: Logger;
  readonly settings?: CircuitSettings;
  readonly now?: () => number;
}

/** What the pool knows of a key. */
interface Entry {
  circuit: Circuit;
  /** Goes up with every opening; a call that began before it tells nothing about the key as it is after it. */
  epoch: number;
}

/** A picked key with what its report needs. */
class Ticket implements PickedKey {
  readonly id: number;
  readonly providerId: number;
  readonly apiKey: string;
  readonly epoch: number;
  readonly token: string;

  constructor(key: ProviderKey, providerId: number, epoch: number, token: string) {
    this.id = key.id;
    this.providerId = providerId;
    this.apiKey = key.apiKey;
    this.epoch = epoch;
    this.token = token;
  }
}

export function createKeyPool(options: KeyPoolOptions): KeyPool {
  return new LocalKeyPool(options);
}

class LocalKeyPool implements KeyPool {
  readonly #keysOf: (providerId: number) => readonly ProviderKey[];
  readonly #log: Logger;
  readonly #settings: CircuitSettings;
  readonly #now: () => number;
  readonly #entries = new Map<number, Entry>();
  readonly #turns = new Map<number, WeightedRoundRobin>();
  readonly #process = randomUUID();
  #probes = 0;

  constructor(options: KeyPoolOptions) {
    this.#keysOf = options.keysOf;
    this.#log = options.log;
    this.#settings = options.settings ?? DEFAULT_CIRCUIT_SETTINGS;
    this.#now = options.now ?? Date.now;
  }

  pick(providerId: number, except: ReadonlySet<number>): PickedKey | undefined {
    const keys = this.#keysOf(providerId);
    const nowMs = this.#now();
    // A probe may fail, so it goes to a call that has all its other attempts left, if there is a choice.
    const probeFirst = except.size === 0 ? this.#probe(providerId, keys, except, nowMs) : undefined;
    return probeFirst ?? this.#turn(providerId, keys, except) ?? this.#probe(providerId, keys, except, nowMs);
  }

  report(key: PickedKey, result: CallResult): void {
    const entry = this.#entry(key.id);
    const verdict = verdictOf(result, this.#settings);
    const token = key instanceof Ticket ? key.token : KEY_TEST;
    const stale = key instanceof Ticket && token === ORDINARY_CALL && key.epoch !== entry.epoch;
    if (stale && entry.circuit.state === 'closed') return;
    this.#move(key, entry, afterResult(entry.circuit, verdict, token, this.#now(), this.#settings));
  }

  retryAfterSeconds(providerIds: readonly number[]): number {
    const nowMs = this.#now();
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const providerId of providerIds) {
      for (const { id } of this.#keysOf(providerId)) {
        const circuit = this.#entries.get(id)?.circuit ?? CLOSED;
        earliestMs = Math.min(earliestMs, circuit.state === 'open' ? circuit.untilMs : nowMs);
      }
    }
    const waitMs = Number.isFinite(earliestMs) ? earliestMs - nowMs : this.#settings.rateDefaultMs;
    return Math.max(1, Math.ceil(waitMs / 1_000));
  }

  /** Weighted round robin over the keys whose circuit is closed. */
  #turn(providerId: number, keys: readonly ProviderKey[], except: ReadonlySet<number>): PickedKey | undefined {
    const turns = this.#turns.get(providerId) ?? new WeightedRoundRobin();
    this.#turns.set(providerId, turns);
    const key = turns.next(keys, ({ id }) => !except.has(id) && this.#isClosed(id));
    return key && new Ticket(key, providerId, this.#entries.get(key.id)?.epoch ?? 0, ORDINARY_CALL);
  }

  #probe(
    providerId: number,
    keys: readonly ProviderKey[],
    except: ReadonlySet<number>,
    nowMs: number,
  ): PickedKey | undefined {
    for (const key of keys) {
      const entry = this.#entries.get(key.id);
      if (entry === undefined || except.has(key.id) || !mayProbe(entry.circuit, nowMs)) continue;
      this.#probes += 1;
      const token = `${this.#process}:${this.#probes}`;
      entry.circuit = takeProbe(entry.circuit, token, nowMs, this.#settings);
      return new Ticket(key, providerId, entry.epoch, token);
    }
    return undefined;
  }

  #isClosed(keyId: number): boolean {
    const entry = this.#entries.get(keyId);
    return entry === undefined || entry.circuit.state === 'closed';
  }

  #entry(keyId: number): Entry {
    const entry = this.#entries.get(keyId) ?? { circuit: CLOSED, epoch: 0 };
    this.#entries.set(keyId, entry);
    return entry;
  }

  #move(key: PickedKey, entry: Entry, next: Circuit): void {
    const before = entry.circuit;
    entry.circuit = next;
    if (next.state === 'open' && before.state !== 'open') entry.epoch += 1;
    if (next === before) return;
    this.#tell(key, before, next);
  }

  #tell(key: PickedKey, before: Circuit, next: Circuit): void {
    const facts = { providerId: key.providerId, keyId: key.id };
    if (next.state === 'open') {
      const openFacts = { ...facts, reason: next.reason, openings: next.openings, openMs: next.untilMs - this.#now() };
      const known = before.state !== 'closed' && before.reason === 'account';
      if (next.reason === 'account' && !known) {
        this.#log.error({ ...openFacts, alert: true }, 'a provider refuses this key or its account; someone must act');
      } else this.#log.warn(openFacts, 'a provider key is taken out of rotation');
    } else if (next.state === 'closed' && before.state !== 'closed') {
      this.#log.info(facts, 'a provider key is back in rotation');
    }
  }
}
