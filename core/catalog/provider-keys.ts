/** What administrators do with the keys of providers. Each change is audited in its own transaction. */

import type { Transaction } from 'sequelize';
import { AppError, invalid } from '../../infra/errors.ts';
import type { By } from '../accounts/audit-log.ts';
import type { KeyHealth } from '../key-pool/key-healths.ts';
import type { CallResult, PickedKey } from '../key-pool/key-pool.ts';
import { UpstreamFailure } from '../providers/failure.ts';
import type { Changes } from './changes.ts';
import type { KeyStore, StoredKey } from './key-store.ts';
import { probeTarget } from './model-needs.ts';
import type { Model } from './model-record.ts';
import type { ModelStore } from './model-store.ts';
import type { Probe, ProbeResult } from './probe.ts';
import type { Provider, ProviderStore } from './provider-store.ts';
import { KEY_STATUS } from './tables.ts';
import type { ListUpstreamModels } from './upstream-models.ts';

/** Health of keys as the pool sees it; keys it has not used yet may be missing. */
export type ReadKeyHealth = (providerId: number, keyIds: readonly number[]) => Promise<ReadonlyMap<number, KeyHealth>>;

export interface KeyInput {
  readonly apiKey: string;
  readonly name?: string | undefined;
  /** Share of the calls, from 1. */
  readonly weight?: number | undefined;
}

export type KeyWithHealth = StoredKey & KeyHealth;

export interface ProviderKeysDependencies {
  readonly providers: ProviderStore;
  readonly keys: KeyStore;
  readonly models: ModelStore;
  readonly changes: Changes;
  readonly keyHealth: ReadKeyHealth;
  readonly probe: Probe;
  /** Tells the pool how a call with a key has ended: a success puts it back into rotation. */
  readonly reportKey: (key: PickedKey, result: CallResult) => void;
  readonly listUpstreamModels: ListUpstreamModels;
}

const MOST_MODELS_PROBED = 3;
const UNUSED = {
  ...{ circuit: 'closed', reason: null, untilMs: null, modelCircuits: [] },
  ...{ recentFailures: 0, recentSuccesses: 0, lastFailure: undefined },
} as const satisfies KeyHealth;

export class ProviderKeys {
  readonly #to: ProviderKeysDependencies;

  constructor(dependencies: ProviderKeysDependencies) {
    this.#to = dependencies;
  }

  /** @throws {AppError} notFound for the provider. */
  async list(providerId: number): Promise<KeyWithHealth[]> {
    await this.#to.providers.get(providerId);
    return this.#withHealth(providerId, await this.#to.keys.ofProvider(providerId));
  }

  /** The keys of all providers. */
  async all(): Promise<KeyWithHealth[]> {
    const ofProviders = Map.groupBy(await this.#to.keys.all(), ({ providerId }) => providerId);
    const lists = await Promise.all([...ofProviders].map(([id, keys]) => this.#withHealth(id, keys)));
    return lists.flat();
  }

  async #withHealth(providerId: number, keys: readonly StoredKey[]): Promise<KeyWithHealth[]> {
    const health = await this.#to.keyHealth(
      providerId,
      keys.map((key) => key.id),
    );
    return keys.map((key) => ({ ...key, ...(health.get(key.id) ?? UNUSED) }));
  }

  /** @throws {AppError} notFound for the provider; alreadyExists when it has this very key. */
  async create(provider: { id?: number; name?: string }, input: KeyInput, by: By): Promise<StoredKey> {
    const id = await this.#to.changes.write(async (transaction) => {
      const { id: providerId } = await this.#provider(provider, transaction);
      const existing = await this.#to.keys.holding(providerId, input.apiKey, transaction);
      if (existing !== undefined && existing.status !== KEY_STATUS.mustBeEnteredAgain) {
        throw new AppError('alreadyExists', 'apiKey: the provider has this key already');
      }
      return this.ensure(providerId, input, by, transaction);
    });
    return this.#to.keys.get(id);
  }

  /** Makes sure that the provider has this key. @throws {AppError} notFound for the provider. */
  async enter(providerName: string, input: KeyInput, by: By): Promise<number> {
    return this.#to.changes.write(async (transaction) => {
      const { id } = await this.#provider({ name: providerName }, transaction);
      return this.ensure(id, input, by, transaction);
    });
  }

  /** The part of `enter` that runs within a larger change; a key that was retired counts again. */
  async ensure(providerId: number, input: KeyInput, by: By, transaction: Transaction): Promise<number> {
    const enteredBy = by.actor?.userId ?? null;
    const existing = await this.#to.keys.holding(providerId, input.apiKey, transaction);
    if (existing === undefined) {
      const { apiKey, name = '', weight = 1 } = input;
      const id = await this.#to.keys.insert({ providerId, apiKey, name, weight, enteredBy }, transaction);
      await this.#to.changes.record(
        'provider-keys.create',
        id,
        by,
        { after: { providerId, name, weight } },
        transaction,
      );
      return id;
    }
    if (existing.status === KEY_STATUS.mustBeEnteredAgain) {
      await this.#to.keys.enteredAgain(existing.id, enteredBy, transaction);
      await this.#to.changes.record(
        'provider-keys.enter-again',
        existing.id,
        by,
        { after: { providerId } },
        transaction,
      );
    }
    return existing.id;
  }

  /** @throws {AppError} notFound; illegalState for a key that must be entered again. */
  async setActive(id: number, active: boolean, by: By): Promise<void> {
    await this.#to.changes.write(async (transaction) => {
      const key = await this.#to.keys.get(id, transaction);
      if (key.status === KEY_STATUS.mustBeEnteredAgain && active) {
        throw new AppError('illegalState', "the provider's address has changed since: the key must be entered again");
      }
      if (key.status === KEY_STATUS.mustBeEnteredAgain) return;
      await this.#to.keys.setStatus(id, active ? KEY_STATUS.on : KEY_STATUS.off, transaction);
      await this.#to.changes.record('provider-keys.status', id, by, { after: { active } }, transaction);
    });
  }

  /** Another name or share of the calls; what is left out stays. @throws {AppError} notFound. */
  async update(id: number, change: Partial<Pick<KeyInput, 'name' | 'weight'>>, by: By): Promise<StoredKey> {
    await this.#to.changes.write(async (transaction) => {
      const { name, weight } = await this.#to.keys.get(id, transaction);
      const after = { name: change.name ?? name, weight: change.weight ?? weight };
      await this.#to.keys.update(id, after, transaction);
      await this.#to.changes.record('provider-keys.update', id, by, { before: { name, weight }, after }, transaction);
    });
    return this.#to.keys.get(id);
  }

  /** @throws {AppError} notFound. */
  async delete(id: number, by: By): Promise<void> {
    await this.#to.changes.write(async (transaction) => {
      const { providerId, name } = await this.#to.keys.get(id, transaction);
      await this.#to.keys.delete(id, transaction);
      await this.#to.changes.record('provider-keys.delete', id, by, { after: { providerId, name } }, transaction);
    });
  }

  /** `probe`, for an administrator: its result counts for the pool of keys. @throws {AppError} as `probe`. */
  async test(id: number, signal: AbortSignal): Promise<ProbeResult> {
    const { result, key } = await this.#probe(id, signal);
    const ended = callResultOf(result);
    if (ended) this.#to.reportKey(key, ended);
    return result;
  }

  /**
   * One small call with this key: a chat where the provider has a text model, else the list of its models.
   * @throws {AppError} notFound; illegalState when the key must be entered again.
   */
  async probe(id: number, signal: AbortSignal): Promise<CallResult> {
    for (let index = 0; ; index += 1) {
      const { result } = await this.#probe(id, signal, index);
      const ended = callResultOf(result) ?? { kind: 'failure', failure: 'transient' };
      // A model that is out of order says nothing of the key: another may.
      const tellsNothing = ended.kind === 'failure' && (ended.failure === 'transient' || ended.failure === 'timeout');
      if (!tellsNothing || signal.aborted || index === MOST_MODELS_PROBED - 1) return ended;
    }
  }

  /** @param index of the text model, of those that are called first; past the last one the first again. */
  async #probe(id: number, signal: AbortSignal, index = 0): Promise<{ result: ProbeResult; key: PickedKey }> {
    const { provider, apiKey } = await this.#to.keys.forCall({ id });
    const models = await this.#to.models.textModelsOf(provider.id, MOST_MODELS_PROBED);
    const model = models[index % models.length];
    const key = { id, providerId: provider.id, urlBase: provider.urlBase, apiKey };
    if (model === undefined) return { result: await this.#probeByListing(provider, apiKey, signal), key };
    const result = await this.#probeByChat(provider, model, apiKey, signal);
    return { result, key: { ...key, modelId: model.id } };
  }

  #probeByChat(provider: Provider, model: Model, apiKey: string, signal: AbortSignal): Promise<ProbeResult> {
    return this.#to.probe(probeTarget(model, provider, apiKey), 'text-to-text', signal);
  }

  async #probeByListing(provider: Provider, apiKey: string, signal: AbortSignal): Promise<ProbeResult> {
    const startedAt = performance.now();
    const latencyMs = () => Math.round(performance.now() - startedAt);
    try {
      const models = await this.#to.listUpstreamModels(provider, apiKey, signal);
      return { ok: true, latencyMs: latencyMs(), answer: `${models.length} models` };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { cause } = error.details;
      const failure = cause instanceof UpstreamFailure ? { failure: cause.failure } : {};
      return { ok: false, latencyMs: latencyMs(), error: error.message, ...failure };
    }
  }

  async #provider({ id, name }: { id?: number; name?: string }, transaction: Transaction): Promise<Provider> {
    if (id !== undefined) return this.#to.providers.get(id, transaction);
    if (name === undefined) throw invalid([{ path: 'providerId', message: 'is required' }], 'missingParameter');
    const provider = await this.#to.providers.named(name, transaction);
    if (provider === undefined) throw new AppError('notFound', `there is no provider ${name}`);
    return provider;
  }
}

/** @returns undefined for a test that says nothing about the key: no call reached the provider. */
function callResultOf({ ok, failure, retryAfterMs }: ProbeResult): CallResult | undefined {
  // A provider that finds fault with the request has taken the key: a key must not stay out of use for our test call.
  if (ok || failure === 'bad-request' || failure === 'content') return { kind: 'success' };
  if (failure === undefined) return undefined;
  return { kind: 'failure', failure, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}
