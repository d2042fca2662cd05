/** Finds the provider of a model, or creates it with its key in the same transaction. */
import type { Transaction } from 'sequelize';
import { AppError, invalid } from '../../infra/errors.ts';
import type { By } from '../accounts/audit-log.ts';
import { isOtherServer, normalizeUrlBase } from '../providers/address.ts';
import type { ProviderKind } from '../providers/provider.ts';
import { kindOfHost, kindOfImageModel, VENDORS } from '../providers/vendors.ts';
import type { Capability } from './model.ts';
import { makesImages } from './pricing.ts';
import type { ProviderKeys } from './provider-keys.ts';
import type { Provider, ProviderStore } from './provider-store.ts';
import { newProvider, type Providers } from './providers.ts';

/** How a model's request names its provider. */
export interface ProviderReference {
  readonly providerId?: number | undefined;
  readonly providerName?: string | undefined;
  readonly urlBase?: string | undefined;
  readonly kind?: ProviderKind | undefined;
  readonly apiKey?: string | undefined;
}

export interface ModelToServe {
  readonly modelIdentifier: string;
  readonly capabilities: readonly Capability[];
}

export interface ModelProviderDependencies {
  readonly store: ProviderStore;
  readonly providers: Providers;
  readonly keys: ProviderKeys;
}

export class ModelProvider {
  readonly #to: ModelProviderDependencies;

  constructor(dependencies: ModelProviderDependencies) {
    this.#to = dependencies;
  }

  /**
   * @returns the provider's id.
   * @throws {AppError} notFound for an unknown id; missingParameter or invalidParameter for a reference that does not
   * lead to one provider.
   */
  async resolve(reference: ProviderReference, model: ModelToServe, by: By, transaction: Transaction): Promise<number> {
    const existing = await this.#existing(reference, transaction);
    const providerId =
      existing === undefined
        ? await this.#create(reference, model, by, transaction)
        : await this.#agree(existing, reference, model, by, transaction);
    if (reference.apiKey !== undefined) {
      await this.#to.keys.ensure(providerId, { apiKey: reference.apiKey }, by, transaction);
    }
    return providerId;
  }

  async #existing(reference: ProviderReference, transaction: Transaction): Promise<Provider | undefined> {
    const { providerId, providerName } = reference;
    if (providerId === undefined) {
      if (providerName !== undefined) return this.#to.store.named(providerName, transaction);
      throw invalid([{ path: 'providerId', message: 'is required, or providerName' }], 'missingParameter');
    }
    const provider = await this.#to.store.get(providerId, transaction);
    if (providerName === undefined || providerName.toLowerCase() === provider.name.toLowerCase()) return provider;
    throw invalid([{ path: 'providerName', message: `is not the name of provider ${providerId}` }]);
  }

  /** Another request may be creating the same provider: then that one serves the model. */
  async #create(reference: ProviderReference, model: ModelToServe, by: By, transaction: Transaction): Promise<number> {
    const provider = providerFor(reference, model);
    try {
      return await this.#to.providers.insert(provider, by, transaction);
    } catch (error) {
      if (!(error instanceof AppError && error.kind === 'alreadyExists')) throw error;
      const made = await this.#to.store.named(provider.name, transaction);
      if (made === undefined) throw error;
      return this.#agree(made, reference, model, by, transaction);
    }
  }

  /** A base given for a provider that has one must be the same: changing it is a change of the provider. */
  async #agree(
    provider: Provider,
    { urlBase: given, kind }: ProviderReference,
    model: ModelToServe,
    by: By,
    transaction: Transaction,
  ): Promise<number> {
    if (provider.urlBase === '') {
      if (given === undefined) throw missingBase(provider.name);
      const urlBase = normalizeUrlBase(given);
      const change = { name: provider.name, urlBase, kind: kind ?? firstKind(provider.kind, urlBase, model) };
      await this.#to.providers.change(provider, change, by, transaction);
      return provider.id;
    }
    if (given === undefined) return provider.id;
    const urlBase = normalizeUrlBase(given);
    const same = VENDORS[provider.kind].severalBases
      ? !isOtherServer(urlBase, provider.urlBase)
      : urlBase === provider.urlBase;
    if (same) return provider.id;
    const message = `differs from that of provider ${provider.name}: change it at PUT /v1/providers/${provider.id}`;
    throw invalid([{ path: 'urlBase', message }]);
  }
}

function providerFor(reference: ProviderReference, model: ModelToServe) {
  const { providerName: name = '', urlBase, kind } = reference;
  const provider = newProvider({ name, urlBase, kind }, kindOfModel(model));
  if (provider.urlBase === '') throw missingBase(name);
  return provider;
}

/** A provider without an address also has `openai` if nobody chose a kind. */
function firstKind(kind: ProviderKind, urlBase: string, model: ModelToServe): ProviderKind {
  return kindOfHost(urlBase) ?? (kind === 'openai' ? kindOfModel(model) : undefined) ?? kind;
}

function kindOfModel({ modelIdentifier, capabilities }: ModelToServe): ProviderKind | undefined {
  return makesImages(capabilities) ? kindOfImageModel(modelIdentifier) : undefined;
}

function missingBase(providerName: string): AppError {
  const message = `is required: provider ${providerName} has no address yet`;
  return invalid([{ path: 'urlBase', message }], 'missingParameter');
}
