/** Who gets the one probe of a half-open circuit: a call, or the scheduled probe of a refused key. */
import { randomUUID } from 'node:crypto';
import { type CircuitSettings, mayProbe, takeProbe } from './circuit.ts';
import type { KeyCircuits, KeyEntry } from './key-circuits.ts';
import type { SharedCircuits } from './shared-circuits.ts';
import { type ProviderKey, Ticket } from './ticket.ts';

export interface KeyProbesOptions {
  readonly circuits: KeyCircuits;
  readonly shared: SharedCircuits | undefined;
  readonly settings: CircuitSettings;
  readonly nowMs: () => number;
  /** Keys that were refused are left to the scheduled probe. */
  readonly accountsScheduled: boolean;
}

export class KeyProbes {
  readonly #options: KeyProbesOptions;
  readonly #process = randomUUID();
  #count = 0;

  constructor(options: KeyProbesOptions) {
    this.#options = options;
  }

  /** Whether a call may be the probe of this key. */
  isFree({ circuit, grant }: KeyEntry): boolean {
    return !this.#isScheduled({ circuit }) && (grant !== '' || mayProbe(circuit, this.#options.nowMs()));
  }

  /** One of the keys, with its probe; where Redis must give it first, it is asked for and comes to a later call. */
  take(providerId: number, keys: readonly ProviderKey[], except: ReadonlySet<number>): Ticket | undefined {
    for (const key of keys) {
      const entry = this.#options.circuits.get(key.id);
      if (entry === undefined || except.has(key.id) || this.#isScheduled(entry)) continue;
      const token = this.#token(entry);
      if (token !== undefined) return new Ticket(key, providerId, entry.epoch, token);
    }
    return undefined;
  }

  /** Refused keys whose probe is due and was given to this process. */
  takeScheduled(keysOf: (providerId: number) => readonly ProviderKey[]): Ticket[] {
    return [...this.#options.circuits.all()].flatMap((entry) => {
      if (!this.#isScheduled(entry)) return [];
      const key = keysOf(entry.providerId).find(({ id }) => id === entry.keyId);
      const token = key && this.#token(entry);
      return key && token !== undefined ? [new Ticket(key, entry.providerId, entry.epoch, token)] : [];
    });
  }

  #isScheduled({ circuit }: Pick<KeyEntry, 'circuit'>): boolean {
    return this.#options.accountsScheduled && circuit.state !== 'closed' && circuit.reason === 'account';
  }

  #token(entry: KeyEntry): string | undefined {
    const { circuits, shared, settings, nowMs } = this.#options;
    const granted = entry.grant;
    entry.grant = '';
    if (granted !== '') return granted;
    const now = nowMs();
    if (!mayProbe(entry.circuit, now)) return undefined;
    this.#count += 1;
    const token = `${this.#process}:${this.#count}`;
    if (shared?.connected) {
      shared.askProbe(entry, token);
      return undefined;
    }
    circuits.set(entry, takeProbe(entry.circuit, token, now, settings));
    return token;
  }
}
