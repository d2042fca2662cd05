/** The state of provider keys as administrators and metrics see it. */
import { type CircuitState, type OpenReason, stateAt } from './circuit.ts';
import type { KeyCircuits } from './key-circuits.ts';
import type { KeyState } from './key-metrics.ts';
import type { KeyStatistics } from './key-statistics.ts';
import type { LastFailure, LastFailures } from './last-failures.ts';
import type { ProviderKey } from './ticket.ts';

export interface ShownModel {
  readonly modelId: number;
  readonly modelIdentifier: string;
}

/** A circuit that is not closed; `untilMs` is when it may be tried again, null while it is tried. */
export interface CircuitShown {
  readonly circuit: CircuitState;
  readonly reason: OpenReason | null;
  readonly untilMs: number | null;
}

/** One that is not closed. */
export interface OpenCircuit extends CircuitShown {
  readonly providerId: number;
  readonly keyId: number;
  /** Null for the circuit of the key's account. */
  readonly modelId: number | null;
}

/** The state of a key, for administrators. */
export interface KeyHealth {
  /** Not closed: it is called for no model, because of its account or of each single model. */
  readonly circuit: CircuitState;
  /** Why its account is out, and until when. */
  readonly reason: OpenReason | null;
  readonly untilMs: number | null;
  /** Of the models for which it is not called. */
  readonly modelCircuits: readonly (ShownModel & CircuitShown)[];
  /** In the last five minutes, of all processes; a caller's mistakes are neither. */
  readonly recentFailures: number;
  readonly recentSuccesses: number;
  readonly lastFailure: LastFailure | undefined;
}

export interface KeyHealthsDeps {
  readonly keysOf: (providerId: number) => readonly ProviderKey[];
  readonly modelsOf: (providerId: number) => readonly ShownModel[];
  readonly circuits: Pick<KeyCircuits, 'all' | 'circuit'>;
  readonly statistics: Pick<KeyStatistics, 'recent'>;
  readonly lastFailures: Pick<LastFailures, 'of'>;
  readonly nowMs: () => number;
}

export class KeyHealths {
  readonly #deps: KeyHealthsDeps;

  constructor(deps: KeyHealthsDeps) {
    this.#deps = deps;
  }

  async of(providerId: number, keyIds: readonly number[]): Promise<Map<number, KeyHealth>> {
    const models = this.#deps.modelsOf(providerId);
    const last = await this.#deps.lastFailures.of(keyIds);
    return new Map(
      keyIds.map((keyId) => {
        const modelCircuits = models.flatMap(({ modelId, modelIdentifier }) => {
          const shown = this.#shown(keyId, modelId);
          return shown.circuit === 'closed' ? [] : [{ modelId, modelIdentifier, ...shown }];
        });
        const { reason, untilMs } = this.#shown(keyId);
        const { failures, successes } = this.#deps.statistics.recent(keyId);
        const circuit = this.#keyState(keyId, models);
        const recent = { recentFailures: failures, recentSuccesses: successes, lastFailure: last.get(keyId) };
        return [keyId, { circuit, reason, untilMs, modelCircuits, ...recent }];
      }),
    );
  }

  openCircuits(): OpenCircuit[] {
    return [...this.#deps.circuits.all()].flatMap(({ providerId, keyId, modelId, circuit }) => {
      const isShown = circuit.state !== 'closed' && this.#deps.keysOf(providerId).some(({ id }) => id === keyId);
      return isShown ? [{ providerId, keyId, modelId: modelId ?? null, ...this.#shown(keyId, modelId) }] : [];
    });
  }

  /** Of all keys of these providers. */
  states(providerIds: Iterable<number>): KeyState[] {
    return [...providerIds].flatMap((providerId) => {
      const models = this.#deps.modelsOf(providerId);
      const keys = this.#deps.keysOf(providerId);
      // A gauge for each model and key would be many; a model is shown while one of its circuits is not closed.
      const shown = models.filter(({ modelId }) => keys.some(({ id }) => !this.#isClosed(id, modelId)));
      return keys.map(({ id }) => ({
        providerId,
        keyId: id,
        state: this.#keyState(id, models),
        models: shown.map(({ modelId, modelIdentifier }) => ({
          modelIdentifier,
          state: this.#isClosed(id) ? this.#state(id, modelId) : this.#state(id),
        })),
      }));
    });
  }

  #isClosed(keyId: number, modelId?: number): boolean {
    return this.#deps.circuits.circuit(keyId, modelId).state === 'closed';
  }

  #state(keyId: number, modelId?: number): CircuitState {
    return stateAt(this.#deps.circuits.circuit(keyId, modelId), this.#deps.nowMs());
  }

  #shown(keyId: number, modelId?: number): CircuitShown {
    const circuit = this.#deps.circuits.circuit(keyId, modelId);
    if (circuit.state === 'closed') return { circuit: 'closed', reason: null, untilMs: null };
    const untilMs = circuit.state === 'open' ? circuit.untilMs : null;
    return { circuit: stateAt(circuit, this.#deps.nowMs()), reason: circuit.reason, untilMs };
  }

  /** Of the key as a whole: that of its account, and where each model is out that of the one which is back first. */
  #keyState(keyId: number, models: readonly ShownModel[]): CircuitState {
    const account = this.#state(keyId);
    const states = new Set(models.map(({ modelId }) => this.#state(keyId, modelId)));
    if (account !== 'closed' || states.size === 0 || states.has('closed')) return account;
    return states.has('half-open') ? 'half-open' : 'open';
  }
}
