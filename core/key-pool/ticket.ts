/** A picked key with what its report needs. */
import { ORDINARY_CALL } from './circuit.ts';
import type { PickedKey } from './key-pool.ts';

/** An active key of a provider at its base URL. `apiKey` is a secret, `weight` at least 1. */
export interface ProviderKey {
  readonly id: number;
  readonly urlBase: string;
  readonly apiKey: string;
  readonly weight: number;
}

/** Of the two circuits when the call began (CircuitEntry). */
export interface Epochs {
  readonly account: number;
  readonly model: number;
}

/** What the key was picked for; without a model for the scheduled probe of its account. */
export interface PickedFor {
  readonly providerId: number;
  readonly modelId: number | undefined;
}

export class Ticket implements PickedKey {
  readonly id: number;
  readonly providerId: number;
  readonly modelId: number | undefined;
  readonly urlBase: string;
  readonly apiKey: string;
  readonly epochs: Epochs;
  /** Of the probe, or ORDINARY_CALL. */
  readonly token: string;

  constructor(key: ProviderKey, { providerId, modelId }: PickedFor, epochs: Epochs, token = ORDINARY_CALL) {
    this.id = key.id;
    this.providerId = providerId;
    this.modelId = modelId;
    this.urlBase = key.urlBase;
    this.apiKey = key.apiKey;
    this.epochs = epochs;
    this.token = token;
  }
}
