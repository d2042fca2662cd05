/** A picked key with what its report needs. */
import type { PickedKey } from './key-pool.ts';

/** An active key of a provider at its base URL. `apiKey` is a secret, `weight` at least 1. */
export interface ProviderKey {
  readonly id: number;
  readonly urlBase: string;
  readonly apiKey: string;
  readonly weight: number;
}

export class Ticket implements PickedKey {
  readonly id: number;
  readonly providerId: number;
  readonly urlBase: string;
  readonly apiKey: string;
  /** The key's epoch when the call began (KeyEntry). */
  readonly epoch: number;
  /** Of the probe, or ORDINARY_CALL. */
  readonly token: string;

  constructor(key: ProviderKey, providerId: number, epoch: number, token: string) {
    this.id = key.id;
    this.providerId = providerId;
    this.urlBase = key.urlBase;
    this.apiKey = key.apiKey;
    this.epoch = epoch;
    this.token = token;
  }
}
