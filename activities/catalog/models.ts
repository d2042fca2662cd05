/** What administrators do with models. Each change is audited in its own transaction. */
import type { Transaction } from 'sequelize';
import { AppError, invalid } from '../../infra/errors.ts';
import type { AuditEntry, AuditLog } from '../accounts/audit-log.ts';
import type { Capability } from '../inference/model.ts';
import type { Catalog } from './catalog.ts';
import type { KeyStore } from './key-store.ts';
import type { ModelProvider, ProviderReference } from './model-provider.ts';
import type { Model, ModelFields } from './model-record.ts';
import { checkModel } from './model-rules.ts';
import type { ModelQuery, ModelStore } from './model-store.ts';
import { makesImages, makesText, type PriceFields, type Pricing, priceOf, samePrice } from './pricing.ts';
import type { Probe, ProbeResult } from './probe.ts';
import type { Records } from './provider-store.ts';
import type { By } from './providers.ts';
import { type CatalogTables, KEY_STATUS } from './tables.ts';
import { inTransaction } from './transaction.ts';

/** Left out on a change: as before. Left out on creation: the value after the bar. */
export interface ModelInput extends ProviderReference {
  readonly displayName?: string | undefined;
  readonly modelIdentifier?: string | undefined;
  readonly capabilities?: readonly Capability[] | undefined;
  /** | none, which is only allowed offline. */
  readonly pricing?: Pricing | undefined;
  /** | 1 */
  readonly priority?: number | undefined;
  /** | true */
  readonly online?: boolean | undefined;
  readonly upstreamModel?: string | undefined;
  readonly contextWindow?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly defaultMaxTokens?: number | undefined;
  readonly tokensPerImage?: number | undefined;
  readonly pricedFields?: readonly string[] | undefined;
}

export type NewModelInput = ModelInput & {
  readonly displayName: string;
  readonly modelIdentifier: string;
  readonly capabilities: readonly Capability[];
};

export interface ModelsDependencies {
  readonly tables: CatalogTables;
  readonly models: ModelStore;
  readonly modelProvider: ModelProvider;
  readonly keys: KeyStore;
  readonly catalog: Catalog;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly probe: Probe;
}

const BLANK: Omit<ModelFields, 'displayName' | 'modelIdentifier' | 'capabilities' | 'providerId'> = {
  upstreamModel: '',
  priority: 1,
  online: true,
  contextWindow: null,
  maxOutputTokens: null,
  defaultMaxTokens: null,
  settings: {},
};

export class Models {
  readonly #to: ModelsDependencies;

  constructor(dependencies: ModelsDependencies) {
    this.#to = dependencies;
  }

  /** @throws {AppError} modelNotFound. */
  get(id: number): Promise<Model> {
    return this.#to.models.get(id);
  }

  page(query: ModelQuery): Promise<Records<Model>> {
    return this.#to.models.page(query);
  }

  /** Makes the model, and its provider and key where they do not exist yet. @throws {AppError} as the rules say. */
  async create(input: NewModelInput, by: By): Promise<Model> {
    const price = input.pricing === undefined ? null : priceOf(input.pricing, input.capabilities);
    const id = await this.#write(async (transaction) => {
      const { displayName, modelIdentifier, capabilities } = input;
      const providerId = await this.#to.modelProvider.resolve(
        input,
        { modelIdentifier, capabilities },
        by,
        transaction,
      );
      const fields = merged({ ...BLANK, displayName, modelIdentifier, capabilities, providerId }, input);
      checkModel(fields, price);
      return this.insert(fields, price, by, transaction);
    });
    return this.#to.models.get(id);
  }

  /** The part of `create` that runs within a larger change. */
  async insert(fields: ModelFields, price: PriceFields | null, by: By, transaction: Transaction): Promise<number> {
    const id = await this.#to.models.insert(fields, price, by.actor?.userId ?? null, transaction);
    await this.#record('models.create', id, by, { after: { ...fields, price } }, transaction);
    return id;
  }

  /** Changes what is given; another price becomes a new version. @throws {AppError} modelNotFound; as `create`. */
  async update(id: number, input: ModelInput, by: By): Promise<Model> {
    await this.#write(async (transaction) => {
      const model = await this.#to.models.get(id, transaction);
      const capabilities = input.capabilities ?? model.capabilities;
      const providerId = namesProvider(input)
        ? await this.#to.modelProvider.resolve(
            {
              ...input,
              providerId: input.providerId ?? (input.providerName === undefined ? model.providerId : undefined),
            },
            { modelIdentifier: input.modelIdentifier ?? model.modelIdentifier, capabilities },
            by,
            transaction,
          )
        : model.providerId;
      const price = newPrice(model, input, capabilities);
      const fields = merged({ ...fieldsOf(model), capabilities, providerId }, input);
      checkModel(fields, price);
      await this.#change(model, fields, price, by, transaction);
    });
    return this.#to.models.get(id);
  }

  /** @throws {AppError} modelNotFound; invalidParameter for a model without a price that is to be online. */
  async setOnline(id: number, online: boolean, by: By): Promise<void> {
    await this.#write(async (transaction) => {
      const model = await this.#to.models.get(id, transaction);
      const fields = { ...fieldsOf(model), online };
      checkModel(fields, model.price);
      await this.#change(model, fields, model.price, by, transaction);
    });
  }

  /** @throws {AppError} modelNotFound. */
  async delete(id: number, by: By): Promise<void> {
    await this.#write(async (transaction) => {
      const model = await this.#to.models.get(id, transaction);
      await this.#to.models.delete(id, transaction);
      await this.#record('models.delete', id, by, { before: stateOf(model, model.price) }, transaction);
    });
  }

  /** One small real call, also to a model that is offline. @throws {AppError} modelNotFound; illegalState without a key. */
  async test(id: number, signal: AbortSignal): Promise<ProbeResult> {
    const model = await this.#to.models.get(id);
    const active = (await this.#to.keys.ofProvider(model.providerId)).find((key) => key.status === KEY_STATUS.on);
    if (active === undefined)
      throw new AppError('illegalState', `the provider ${model.providerName} has no active key`);
    const apiKey = await this.#to.keys.reveal(active.id);
    const { kind, urlBase, upstreamModel, modelIdentifier, capabilities } = model;
    const target = { kind, urlBase, apiKey, model: upstreamModel === '' ? modelIdentifier : upstreamModel };
    return this.#to.probe(target, capabilities[0] ?? 'text-to-text', signal);
  }

  async #change(
    model: Model,
    fields: ModelFields,
    price: PriceFields | null,
    by: By,
    transaction: Transaction,
  ): Promise<void> {
    await this.#to.models.update(model.id, fields, transaction);
    if (price !== null && (model.price === null || !samePrice(price, model.price))) {
      await this.#to.models.addPrice(model.id, price, by.actor?.userId ?? null, transaction);
    }
    const states = { before: stateOf(model, model.price), after: { ...fields, price } };
    await this.#record('models.update', model.id, by, states, transaction);
  }

  async #write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    const result = await inTransaction(this.#to.tables.sequelize, work);
    await this.#to.catalog.changed();
    return result;
  }

  #record(
    action: string,
    id: number,
    by: By,
    states: Pick<AuditEntry, 'before' | 'after'>,
    transaction: Transaction,
  ): Promise<void> {
    return this.#to.audit.record({ ...by, action, targetKind: 'model', targetId: id, ...states }, transaction);
  }
}

function merged(base: ModelFields, input: ModelInput): ModelFields {
  return {
    ...base,
    displayName: input.displayName ?? base.displayName,
    modelIdentifier: input.modelIdentifier ?? base.modelIdentifier,
    upstreamModel: input.upstreamModel ?? base.upstreamModel,
    priority: input.priority ?? base.priority,
    online: input.online ?? base.online,
    contextWindow: input.contextWindow ?? base.contextWindow,
    maxOutputTokens: input.maxOutputTokens ?? base.maxOutputTokens,
    defaultMaxTokens: input.defaultMaxTokens ?? base.defaultMaxTokens,
    settings: {
      ...base.settings,
      ...(input.tokensPerImage === undefined ? {} : { tokensPerImage: input.tokensPerImage }),
      ...(input.pricedFields === undefined ? {} : { pricedFields: [...input.pricedFields] }),
    },
  };
}

function namesProvider({ providerId, providerName, urlBase, apiKey }: ModelInput): boolean {
  return [providerId, providerName, urlBase, apiKey].some((value) => value !== undefined);
}

/** What `output` means follows from the capabilities, so that the old price cannot serve other ones. */
function newPrice(model: Model, input: ModelInput, capabilities: readonly Capability[]): PriceFields | null {
  if (input.pricing !== undefined) return priceOf(input.pricing, capabilities);
  const same =
    makesText(capabilities) === makesText(model.capabilities) &&
    makesImages(capabilities) === makesImages(model.capabilities);
  if (same || model.price === null) return model.price;
  throw invalid([{ path: 'pricing', message: 'is required when a model starts or stops making text or images' }]);
}

function fieldsOf(model: Model): ModelFields {
  const { id, providerName, kind, urlBase, price, createdAt, updatedAt, ...fields } = model;
  return fields;
}

function stateOf(model: Model, price: PriceFields | null) {
  return { ...fieldsOf(model), price };
}
