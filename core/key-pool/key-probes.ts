/** Who gets the one probe of a half-open circuit: a model's a call, an account's the scheduled probe. */
import { randomUUID } from 'node:crypto';
import { type CircuitSettings, mayProbe, takeProbe } from './circuit.ts';
import type { CircuitEntry, KeyCircuits } from './key-circuits.ts';
import type { SharedCircuits } from './shared-circuits.ts';
import { type ProviderKey, Ticket } from './ticket.ts';

export interface KeyProbesOptions {
  readonly circuits: KeyCircuits;
  readonly shared: SharedCircuits | undefined;
  readonly settings: CircuitSettings;
  readonly nowMs: () => number;
}

export class KeyProbes {
  readonly #options: KeyProbesOptions;
  readonly #process = randomUUID();
  #count = 0;

  constructor(options: KeyProbesOptions) {
    this.#options = options;
  }

  /** Whether a call may be the probe of this circuit. */
  isFree({ circuit, grant }: CircuitEntry): boolean {
    return grant !== '' || mayProbe(circuit, this.#options.nowMs());
  }

  /**
   * One of the keys, with the probe of the model on it; where Redis must give it first, it is asked for and comes to a
   * later call.
   */
  take(
    providerId: number,
    modelId: number,
    keys: readonly ProviderKey[],
    usable: (key: ProviderKey) => boolean,
  ): Ticket | undefined {
    for (const key of keys) {
      const entry = this.#options.circuits.get(key.id, modelId);
      if (entry === undefined || entry.circuit.state === 'closed' || !usable(key)) continue;
      const token = this.#token(entry);
      if (token !== undefined) return this.#ticket(key, providerId, modelId, token);
    }
    return undefined;
  }

  /** Refused keys whose probe is due and was given to this process. */
  takeScheduled(keysOf: (providerId: number) => readonly ProviderKey[]): Ticket[] {
    return [...this.#options.circuits.all()].flatMap((entry) => {
      const { keyId, modelId, providerId, circuit } = entry;
      if (modelId !== undefined || circuit.state === 'closed') return [];
      const key = keysOf(providerId).find(({ id }) => id === keyId);
      const token = key && this.#token(entry);
      return key && token !== undefined ? [this.#ticket(key, providerId, modelId, token)] : [];
    });
  }

  #ticket(key: ProviderKey, providerId: number, modelId: number | undefined, token: string): Ticket {
    return new Ticket(key, { providerId, modelId }, this.#options.circuits.epochs(key.id, modelId), token);
  }

  #token(entry: CircuitEntry): string | undefined {
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
