/** What administrators do with models. Each change is audited in its own transaction. */
import type { Transaction } from 'sequelize';
import { AppError, type FieldError, invalid } from '../../infra/errors.ts';
import type { By } from '../accounts/audit-log.ts';
import type { Changes } from './changes.ts';
import type { KeyStore } from './key-store.ts';
import {
  BLANK_MODEL,
  fieldsOf,
  type ModelInput,
  merged,
  type NewModelInput,
  namesProvider,
  newPrice,
} from './model-input.ts';
import { probeTarget } from './model-needs.ts';
import type { ModelProvider } from './model-provider.ts';
import type { Model, ModelFields } from './model-record.ts';
import type { ModelQuery, ModelStore, PriceVersion } from './model-store.ts';
import { type PriceFields, priceOf, pricingOf, pricingText, samePrice } from './pricing.ts';
import type { Probe, ProbeResult } from './probe.ts';
import type { Records } from './provider-store.ts';

export interface ModelsDependencies {
  readonly models: ModelStore;
  readonly modelProvider: ModelProvider;
  readonly keys: KeyStore;
  readonly changes: Changes;
  readonly probe: Probe;
}

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

  /** All versions of its price, the newest first, after a version. @throws {AppError} modelNotFound. */
  async prices(id: number, beforeVersion: number | undefined, limit: number): Promise<PriceVersion[]> {
    await this.#to.models.get(id);
    return this.#to.models.priceVersions(id, beforeVersion, limit);
  }

  /** Makes the model, and its provider and key where they do not exist yet. @throws {AppError} as the rules say. */
  async create(input: NewModelInput, by: By): Promise<Model> {
    const price = input.pricing === undefined ? null : priceOf(input.pricing, input.capabilities);
    const id = await this.#to.changes.write(async (transaction) => {
      const { displayName, modelIdentifier, capabilities } = input;
      const providerId = await this.#to.modelProvider.resolve(
        input,
        { modelIdentifier, capabilities },
        by,
        transaction,
      );
      const fields = merged({ ...BLANK_MODEL, displayName, modelIdentifier, capabilities, providerId }, input);
      checkModel(fields, price);
      return this.insert(fields, price, by, transaction);
    });
    return this.#to.models.get(id);
  }

  /** The part of `create` that runs within a larger change. */
  async insert(fields: ModelFields, price: PriceFields | null, by: By, transaction: Transaction): Promise<number> {
    const id = await this.#to.models.insert(fields, price, by.actor?.userId ?? null, transaction);
    await this.#to.changes.record('models.create', id, by, { after: stateOf(fields, price) }, transaction);
    return id;
  }

  /**
   * Changes what is given; another price becomes a new version.
   * @throws {AppError} modelNotFound; illegalState where `priceVersion` is no longer in force; as `create`.
   */
  async update(id: number, input: ModelInput, by: By): Promise<Model> {
    await this.#to.changes.write(async (transaction) => {
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
      checkVersion(model, input.priceVersion, price);
      const fields = merged({ ...fieldsOf(model), capabilities, providerId }, input);
      checkModel(fields, price);
      await this.#change(model, fields, price, by, transaction);
    });
    return this.#to.models.get(id);
  }

  /** @throws {AppError} modelNotFound; invalidParameter for a model without a price that is to be online. */
  async setOnline(id: number, online: boolean, by: By): Promise<void> {
    await this.#to.changes.write(async (transaction) => {
      const model = await this.#to.models.get(id, transaction);
      const fields = { ...fieldsOf(model), online };
      checkModel(fields, model.price);
      await this.#change(model, fields, model.price, by, transaction);
    });
  }

  /** @throws {AppError} modelNotFound. */
  async delete(id: number, by: By): Promise<void> {
    await this.#to.changes.write(async (transaction) => {
      const model = await this.#to.models.get(id, transaction);
      await this.#to.models.delete(id, transaction);
      await this.#to.changes.record(
        'models.delete',
        id,
        by,
        { before: stateOf(fieldsOf(model), model.price) },
        transaction,
      );
    });
  }

  /** One small real call, also to a model that is offline. @throws {AppError} modelNotFound; illegalState without a key. */
  async test(id: number, signal: AbortSignal): Promise<ProbeResult> {
    const model = await this.#to.models.get(id);
    const { provider, apiKey } = await this.#to.keys.forCall({ providerId: model.providerId });
    return this.#to.probe(probeTarget(model, provider, apiKey), model.capabilities[0] ?? 'text-to-text', signal);
  }

  async #change(
    model: Model,
    fields: ModelFields,
    price: PriceFields | null,
    by: By,
    transaction: Transaction,
  ): Promise<void> {
    await this.#to.models.update(model.id, fields, transaction);
    if (price !== null && isNewPrice(model, price)) {
      await this.#to.models.addPrice(model.id, price, fields.capabilities, by.actor?.userId ?? null, transaction);
    }
    const states = { before: stateOf(fieldsOf(model), model.price), after: stateOf(fields, price) };
    await this.#to.changes.record('models.update', model.id, by, states, transaction);
  }
}

/** For the audit log, with the price as people write it. */
function stateOf(fields: ModelFields, price: PriceFields | null) {
  return { ...fields, pricing: price === null ? null : pricingText(pricingOf(price, fields.capabilities)) };
}

function isNewPrice({ price: before }: Model, price: PriceFields): boolean {
  return before === null || !samePrice(price, before);
}

/** @throws {AppError} illegalState where the price would replace one that its author has not seen. */
function checkVersion(model: Model, seen: number | null | undefined, price: PriceFields | null): void {
  if (seen === undefined || seen === model.priceVersion || price === null || !isNewPrice(model, price)) return;
  const message = `is not in force: the price was changed meanwhile, to version ${model.priceVersion}`;
  throw new AppError('illegalState', `priceVersion: ${message}`, { errors: [{ path: 'priceVersion', message }] });
}

/** @throws {AppError} invalidParameter that names each wrong field. */
function checkModel(fields: ModelFields, price: PriceFields | null): void {
  const problems: FieldError[] = [];
  if (fields.capabilities.length === 0) problems.push({ path: 'capabilities', message: 'must name at least one' });
  if (fields.online && price === null) {
    problems.push({ path: 'pricing', message: 'is required for a model that is online' });
  }
  if (exceeds(fields.maxOutputTokens, fields.contextWindow)) {
    problems.push({ path: 'maxOutputTokens', message: 'must not exceed contextWindow' });
  }
  if (exceeds(fields.defaultMaxTokens, fields.maxOutputTokens ?? fields.contextWindow)) {
    problems.push({ path: 'defaultMaxTokens', message: 'must not exceed maxOutputTokens or contextWindow' });
  }
  if (problems.length > 0) throw invalid(problems);
}

function exceeds(value: number | null, limit: number | null): boolean {
  return value !== null && limit !== null && value > limit;
}
