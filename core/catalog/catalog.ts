/**
 * The catalog in the memory of a process. Changes arrive by push; every 30 s the database is read in case a push was
 * lost. While the database is away, the last copy stays.
 */
import type { Logger } from 'pino';
import type { Vault } from '../../infra/crypto.ts';
import { AppError } from '../../infra/errors.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import type { Capability, ModelSource, PricedModel } from './model.ts';
import { type Model, priceOfRow } from './model-record.ts';
import type { ModelStore } from './model-store.ts';
import { type ActiveKey, EMPTY_SNAPSHOT, pricedModel, readSnapshot, type Snapshot } from './snapshot.ts';
import type { CatalogTables } from './tables.ts';

/** The kind under which changes of the catalog are pushed. */
const INVALIDATION_KIND = 'catalog';
const REFRESH_INTERVAL_MS = 30_000;
const NO_KEYS: readonly ActiveKey[] = [];
const NO_MODELS: readonly PricedModel[] = [];

export interface CatalogDependencies {
  readonly tables: CatalogTables;
  readonly models: ModelStore;
  readonly vault: Vault;
  readonly invalidation: Invalidation;
  readonly log: Logger;
}

export class Catalog implements ModelSource {
  readonly #to: CatalogDependencies;
  #snapshot: Snapshot = EMPTY_SNAPSHOT;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stale = false;

  constructor(dependencies: CatalogDependencies) {
    this.#to = dependencies;
  }

  /** The first copy; call before serving. @throws when the database cannot be read. */
  async load(): Promise<void> {
    // Subscribe before reading: a change that arrives during the read causes another one.
    this.#to.invalidation.on(INVALIDATION_KIND, () => this.#refresh());
    const first = this.#read();
    this.#running = this.#ended(first.catch(() => undefined));
    await first;
    this.#timer = setInterval(() => void this.#refresh(), REFRESH_INTERVAL_MS).unref();
  }

  /** Announces a committed change; all processes have it when the promise resolves. */
  changed(): Promise<void> {
    return this.#to.invalidation.publish(INVALIDATION_KIND, 'all');
  }

  close(): void {
    clearInterval(this.#timer);
  }

  modelById(id: number): Model | undefined {
    return this.#snapshot.byId.get(id);
  }

  modelByIdentifier(identifier: string): Model | undefined {
    return this.#snapshot.byIdentifier.get(identifier);
  }

  /** Online models by priority, then id. */
  onlineModels(): Model[] {
    return [...this.#snapshot.byId.values()].filter((model) => model.online);
  }

  /** Providers of online models. */
  providerIds(): number[] {
    return [...new Set(this.onlineModels().map(({ providerId }) => providerId))];
  }

  providerName(id: number): string {
    return this.#snapshot.providerNames.get(id) ?? String(id);
  }

  /** The online models of a provider. */
  modelsOf(providerId: number): readonly PricedModel[] {
    return this.#snapshot.ofProvider.get(providerId) ?? NO_MODELS;
  }

  /** The active keys of a provider. */
  keysOf(providerId: number): readonly ActiveKey[] {
    return this.#snapshot.keys.get(providerId) ?? NO_KEYS;
  }

  capable(capability: Capability): readonly PricedModel[] {
    return this.#snapshot.capable.get(capability) ?? [];
  }

  named(name: { readonly id?: number; readonly identifier?: string }, capability: Capability): PricedModel {
    const { byId, byIdentifier, priced } = this.#snapshot;
    const model = name.id === undefined ? byIdentifier.get(name.identifier ?? '') : byId.get(name.id);
    if (model === undefined) throw new AppError('modelNotFound', `there is no model ${name.id ?? name.identifier}`);
    const { modelIdentifier } = model;
    if (!model.online) throw new AppError('modelOffline', `the model ${modelIdentifier} is offline`);
    if (!model.capabilities.includes(capability)) {
      throw new AppError('modelIncapable', `the model ${modelIdentifier} does not do ${capability}`);
    }
    const usable = priced.get(model.id);
    if (usable === undefined) throw new AppError('modelIncapable', `the model ${modelIdentifier} has no price`);
    return usable;
  }

  /** The model with this id, or with this name; offline ones, too. */
  known(name: { readonly id?: number | undefined; readonly identifier?: string | undefined }): Model | undefined {
    const { byId, byIdentifier } = this.#snapshot;
    return name.id === undefined ? byIdentifier.get(name.identifier ?? '') : byId.get(name.id);
  }

  async pricedAt(priceIds: readonly number[]): Promise<readonly PricedModel[]> {
    const { byId, byPrice } = this.#snapshot;
    const present = priceIds.flatMap((id) => byPrice.get(id) ?? []);
    const formerIds = priceIds.filter((id) => !byPrice.has(id));
    const formerRows = formerIds.length === 0 ? [] : await this.#to.models.prices(formerIds);
    const former = formerRows.flatMap((row) => {
      const model = byId.get(row.modelId);
      return model === undefined ? [] : [pricedModel(model, priceOfRow(row))];
    });
    return [...present, ...former]
      .filter((model) => byId.get(model.modelId)?.online === true)
      .sort((a, b) => a.priority - b.priority || a.modelId - b.modelId);
  }

  /** Resolves after a read of the database that began after this call; calls in between share one read. */
  #refresh(): Promise<void> {
    if (this.#queued !== undefined) return this.#queued;
    if (this.#running === undefined) {
      this.#running = this.#ended(this.#tryRead());
      return this.#running;
    }
    this.#queued = this.#running.then(() => {
      this.#queued = undefined;
      this.#running = this.#ended(this.#tryRead());
      return this.#running;
    });
    return this.#queued;
  }

  /** The next read begins only after this one. */
  #ended(look: Promise<void>): Promise<void> {
    return look.finally(() => {
      this.#running = undefined;
    });
  }

  async #read(): Promise<void> {
    const { tables, vault, log } = this.#to;
    this.#snapshot = await readSnapshot(tables, vault, log);
  }

  async #tryRead(): Promise<void> {
    const { log } = this.#to;
    try {
      await this.#read();
      if (this.#stale) log.info('the catalog is up to date again');
      this.#stale = false;
    } catch (error) {
      if (!this.#stale) log.warn({ err: error }, 'the catalog cannot be refreshed; going on with the last copy');
      this.#stale = true;
    }
  }
}
