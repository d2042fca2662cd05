/** What administrators do with providers. Each change is audited in its own transaction. */
import type { Transaction } from 'sequelize';
import type { By } from '../accounts/audit-log.ts';
import { kindAfterMove, normalizeUrlBase } from '../providers/address.ts';
import type { ProviderKind } from '../providers/provider.ts';
import { kindOfHost } from '../providers/vendors.ts';
import type { Changes } from './changes.ts';
import type { KeyStore, StoredKey } from './key-store.ts';
import { presetNamed } from './presets.ts';
import type { NewProvider, Provider, ProviderQuery, ProviderStore, Records } from './provider-store.ts';
import type { ListUpstreamModels, UpstreamModel } from './upstream-models.ts';

export interface ProviderInput {
  readonly name: string;
  /** Left out: the known vendor's of this name, or none yet. */
  readonly urlBase?: string | undefined;
  /** Left out: follows from the base URL. */
  readonly kind?: ProviderKind | undefined;
}

/** What is left out stays. */
export type ProviderChange = { readonly [Field in keyof ProviderInput]?: ProviderInput[Field] | undefined };

export interface ProvidersDependencies {
  readonly providers: ProviderStore;
  readonly keys: KeyStore;
  readonly changes: Changes;
  readonly listUpstreamModels: ListUpstreamModels;
}

export class Providers {
  readonly #to: ProvidersDependencies;

  constructor(dependencies: ProvidersDependencies) {
    this.#to = dependencies;
  }

  get(id: number): Promise<Provider> {
    return this.#to.providers.get(id);
  }

  /** By name, without regard to case. */
  named(name: string): Promise<Provider | undefined> {
    return this.#to.providers.named(name);
  }

  page(query: ProviderQuery): Promise<Records<Provider>> {
    return this.#to.providers.page(query);
  }

  /** @throws {AppError} alreadyExists for a taken name, invalidParameter for a bad base URL. */
  async create(input: ProviderInput, by: By): Promise<Provider> {
    const provider = newProvider(input);
    const id = await this.#to.changes.write((transaction) => this.insert(provider, by, transaction));
    return this.#to.providers.get(id);
  }

  /** The part of `create` that runs within a larger change. */
  async insert(provider: NewProvider, by: By, transaction: Transaction): Promise<number> {
    const id = await this.#to.providers.insert(provider, transaction);
    await this.#to.changes.record('providers.create', id, by, { after: provider }, transaction);
    return id;
  }

  /**
   * Changes what is given. Another base or kind, which decide where keys are sent, switches the provider's keys off
   * until they are entered again, so that nobody can have stored keys sent elsewhere (to a path that echoes them, too);
   * a first address leaves on those that whoever names it has entered.
   * @throws {AppError} notFound; as `create`.
   */
  async update(id: number, input: ProviderChange, by: By): Promise<Provider> {
    await this.#to.changes.write(async (transaction) => {
      const provider = await this.#to.providers.get(id, transaction);
      await this.change(provider, changeOf(provider, input), by, transaction);
    });
    return this.#to.providers.get(id);
  }

  /** The part of `update` that runs within a larger change. */
  async change(provider: Provider, change: NewProvider, by: By, transaction: Transaction): Promise<void> {
    const { id, name, kind, urlBase } = provider;
    await this.#to.providers.update(id, change, transaction);
    const first = urlBase === '';
    // Without an address a key goes nowhere, whatever the kind.
    const moved = change.urlBase !== urlBase || (!first && change.kind !== kind);
    const stays = (key: StoredKey) => first && mayDirect(by, key);
    const retired = moved ? { keysSwitchedOff: await this.#to.keys.retire(id, stays, transaction) } : {};
    const states = { before: { name, kind, urlBase }, after: { ...change, ...retired } };
    await this.#to.changes.record('providers.update', id, by, states, transaction);
  }

  /** Deletes it with its keys. @throws {AppError} notFound; illegalState while a model refers to it. */
  async delete(id: number, by: By): Promise<void> {
    await this.#to.changes.write(async (transaction) => {
      const { name, kind, urlBase } = await this.#to.providers.get(id, transaction);
      await this.#to.providers.delete(id, transaction);
      await this.#to.changes.record('providers.delete', id, by, { before: { name, kind, urlBase } }, transaction);
    });
  }

  /** Asks the vendor, with the first active key. @throws {AppError} notFound, illegalState, upstream errors. */
  async upstreamModels(id: number, signal: AbortSignal): Promise<UpstreamModel[]> {
    const { provider, apiKey } = await this.#to.keys.forCall({ providerId: id });
    return this.#to.listUpstreamModels(provider, apiKey, signal);
  }
}

/** Who entered a key before its provider had an address may say where it goes; so may the person at the keyboard. */
function mayDirect({ actor }: By, { enteredBy }: StoredKey): boolean {
  return actor === null || actor.userId === enteredBy;
}

/** @throws {AppError} invalidParameter for a bad base URL. */
export function newProvider({ name, urlBase, kind }: ProviderInput, kindOfModel?: ProviderKind): NewProvider {
  const preset = urlBase === undefined ? presetNamed(name) : undefined;
  const base = urlBase === undefined ? (preset?.urlBase ?? '') : normalizeUrlBase(urlBase);
  const known = base === '' ? undefined : kindOfHost(base);
  return { name, urlBase: base, kind: kind ?? preset?.kind ?? known ?? kindOfModel ?? 'openai' };
}

function changeOf(provider: Provider, input: ProviderChange): NewProvider {
  const urlBase = input.urlBase === undefined ? provider.urlBase : normalizeUrlBase(input.urlBase);
  return { name: input.name ?? provider.name, urlBase, kind: input.kind ?? kindAfterMove(provider, urlBase) };
}
