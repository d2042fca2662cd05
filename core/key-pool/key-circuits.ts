/** The circuits of provider keys in the memory of this process, and the log of their changes. */
import type { Logger } from 'pino';
import { type Circuit, CLOSED } from './circuit.ts';

export interface KeyEntry {
  readonly keyId: number;
  readonly providerId: number;
  readonly circuit: Circuit;
  /** Goes up with every opening; a call that began before it tells nothing about the key as it is after it. */
  readonly epoch: number;
  /** Token of a probe that was given to this process and is not used yet; '' = none. */
  grant: string;
}

type OwnEntry = { -readonly [Field in keyof KeyEntry]: KeyEntry[Field] };

export class KeyCircuits {
  readonly #entries = new Map<number, OwnEntry>();
  readonly #log: Logger;
  readonly #nowMs: () => number;

  constructor(log: Logger, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Undefined for a key that never had a failure. */
  get(keyId: number): KeyEntry | undefined {
    return this.#entries.get(keyId);
  }

  entry(keyId: number, providerId: number): KeyEntry {
    return this.#own(keyId, providerId);
  }

  ofProvider(providerId: number): KeyEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.providerId === providerId);
  }

  all(): IterableIterator<KeyEntry> {
    return this.#entries.values();
  }

  /** A change that this process brought about: it goes to the log. */
  set(entry: KeyEntry, next: Circuit): void {
    const before = entry.circuit;
    this.adopt(entry, next);
    this.#tell(entry, before);
  }

  /** A change that another process has told; it stands in that one's log. */
  adopt({ keyId, providerId }: KeyEntry, next: Circuit): void {
    const entry = this.#own(keyId, providerId);
    const before = entry.circuit;
    entry.circuit = next;
    const opens =
      next.state === 'open' ? before.state !== 'open' : next.state !== 'closed' && before.state === 'closed';
    if (opens) entry.epoch += 1;
  }

  #own(keyId: number, providerId: number): OwnEntry {
    const known = this.#entries.get(keyId);
    if (known) return known;
    const entry: OwnEntry = { keyId, providerId, circuit: CLOSED, epoch: 0, grant: '' };
    this.#entries.set(keyId, entry);
    return entry;
  }

  #tell({ keyId, providerId, circuit }: KeyEntry, before: Circuit): void {
    if (circuit.state === 'closed') {
      if (before.state !== 'closed') this.#log.info({ providerId, keyId }, 'a provider key is back in rotation');
      return;
    }
    if (circuit.state !== 'open' || (before.state === 'open' && before.reason === circuit.reason)) return;
    const { reason, openings } = circuit;
    const facts = { providerId, keyId, reason, openings, openMs: circuit.untilMs - this.#nowMs() };
    const isNews = before.state === 'closed' || before.reason !== 'account';
    if (reason === 'account' && isNews) {
      this.#log.error({ ...facts, alert: true }, 'a provider refuses this key or its account; someone must act');
    } else this.#log.warn(facts, 'a provider key is taken out of rotation');
  }
}
