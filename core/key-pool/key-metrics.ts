/** What /metrics shows of provider keys: their circuits, picks and failures. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { FailureClass } from '../providers/failure.ts';
import type { CircuitState } from './circuit.ts';

const STATE_VALUES: Readonly<Record<CircuitState, number>> = { closed: 0, 'half-open': 1, open: 2 };

export interface KeyMetricsOptions {
  readonly registry: Registry;
  /** The name under which a provider is shown. */
  readonly providerName: (providerId: number) => string;
}

export interface KeyState {
  readonly providerId: number;
  readonly keyId: number;
  readonly state: CircuitState;
  /** Models of the provider that some key is not called for. */
  readonly models: readonly { readonly modelIdentifier: string; readonly state: CircuitState }[];
}

export class KeyMetrics {
  readonly #name: (providerId: number) => string;
  readonly #picks: Counter<'provider' | 'key_id'>;
  readonly #failures: Counter<'provider' | 'key_id' | 'class'>;

  /** @param states the keys to show, asked for whenever somebody looks. */
  constructor({ registry, providerName }: KeyMetricsOptions, states: () => readonly KeyState[]) {
    this.#name = providerName;
    this.#picks = new Counter({
      name: 'provider_key_picks_total',
      help: 'Calls that were given a provider key',
      labelNames: ['provider', 'key_id'],
      registers: [registry],
    });
    this.#failures = new Counter({
      name: 'provider_key_failures_total',
      help: 'Calls with a provider key that failed, by class of failure',
      labelNames: ['provider', 'key_id', 'class'],
      registers: [registry],
    });
    new Gauge({
      name: 'provider_key_circuit_state',
      help: 'Circuit of a provider key: 0 closed, 1 half-open, 2 open, because of its account or of each single model',
      labelNames: ['provider', 'key_id'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { providerId, keyId, state } of states()) {
          this.set({ provider: providerName(providerId), key_id: String(keyId) }, STATE_VALUES[state]);
        }
      },
    });
    new Gauge({
      name: 'provider_key_model_circuit_state',
      help: 'Circuit of a model on a provider key: 0 closed, 1 half-open, 2 open; only of models that some key is not called for',
      labelNames: ['provider', 'key_id', 'model'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { providerId, keyId, models } of states()) {
          for (const { modelIdentifier, state } of models) {
            const labels = { provider: providerName(providerId), key_id: String(keyId), model: modelIdentifier };
            this.set(labels, STATE_VALUES[state]);
          }
        }
      },
    });
  }

  picked(providerId: number, keyId: number): void {
    this.#picks.inc({ provider: this.#name(providerId), key_id: String(keyId) });
  }

  failed(providerId: number, keyId: number, failure: FailureClass): void {
    this.#failures.inc({ provider: this.#name(providerId), key_id: String(keyId), class: failure });
  }
}
