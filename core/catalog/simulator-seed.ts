/** Registers the keyless provider, so that a fresh local installation can be called at once. */
import { AppError } from '../../infra/errors.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { By } from '../accounts/audit-log.ts';
import { NANO_PER_UNIT } from '../ledger/money.ts';
import type { Catalog } from './catalog.ts';
import { BLANK_MODEL } from './model-input.ts';
import type { ModelFields } from './model-record.ts';
import type { Models } from './models.ts';
import { presetModel, presetPricing } from './presets.ts';
import { priceOf } from './pricing.ts';
import type { ProviderKeys } from './provider-keys.ts';
import type { ProviderStore } from './provider-store.ts';
import type { Providers } from './providers.ts';
import type { CatalogTables } from './tables.ts';

const NAME = 'simulator';
/** No secret: the simulator takes any key. */
const API_KEY = 'sim-local';
const BY_THE_PROCESS: By = { actor: null };

type SeededModel = Omit<ModelFields, 'providerId'>;

const CHAT_LIMITS = { contextWindow: 128_000, maxOutputTokens: 8192, defaultMaxTokens: 1024 };

/** Each with the preset that gives its list prices, so that a trial costs what the real model costs at most. */
const MODELS: readonly (readonly [SeededModel, { vendor: string; model: string }])[] = [
  [chatModel('sim-chat', 'Simulated chat', 1), { vendor: 'deepseek', model: 'deepseek-flash' }],
  [chatModel('sim-vision', 'Simulated chat with pictures', 2), { vendor: 'deepseek', model: 'deepseek-flash' }],
  [
    {
      ...BLANK_MODEL,
      displayName: 'Simulated pictures',
      modelIdentifier: 'sim-image',
      capabilities: ['text-to-image', 'image-to-image'],
    },
    { vendor: 'dashscope', model: 'qwen-image-2.0' },
  ],
  [
    {
      ...BLANK_MODEL,
      displayName: 'Simulated embeddings',
      modelIdentifier: 'sim-embedding',
      capabilities: ['text-to-embedding'],
      contextWindow: 8_192,
    },
    { vendor: 'dashscope', model: 'text-embedding-v4' },
  ],
  [
    {
      ...BLANK_MODEL,
      displayName: 'Simulated reranker',
      modelIdentifier: 'sim-rerank',
      capabilities: ['rerank'],
      contextWindow: 8_192,
    },
    { vendor: 'dashscope', model: 'qwen3-rerank' },
  ],
  [
    {
      ...BLANK_MODEL,
      displayName: 'Simulated voice',
      modelIdentifier: 'sim-speech',
      capabilities: ['text-to-speech'],
    },
    { vendor: 'siliconflow', model: 'FunAudioLLM/CosyVoice2-0.5B' },
  ],
  [
    {
      ...BLANK_MODEL,
      displayName: 'Simulated ear',
      modelIdentifier: 'sim-transcribe',
      capabilities: ['speech-to-text'],
    },
    { vendor: 'openai', model: 'whisper-1' },
  ],
  [
    {
      ...BLANK_MODEL,
      displayName: 'Simulated moderation',
      modelIdentifier: 'sim-moderation',
      capabilities: ['moderation'],
    },
    { vendor: 'openai', model: 'omni-moderation-latest' },
  ],
];

function chatModel(modelIdentifier: string, displayName: string, priority: number): SeededModel {
  const capabilities = ['text-to-text', 'image-to-text'] as const;
  return { ...BLANK_MODEL, ...CHAT_LIMITS, displayName, modelIdentifier, capabilities, priority };
}

export interface SimulatorSeedDependencies {
  readonly tables: CatalogTables;
  readonly store: ProviderStore;
  readonly providers: Providers;
  readonly keys: ProviderKeys;
  readonly models: Models;
  readonly catalog: Catalog;
}

/**
 * Makes the provider `simulator` with its key and models, or moves it when it listens elsewhere than before. Processes
 * that start at once do it once.
 * @param simulatorUrl the simulator's address without a path.
 */
export async function seedSimulator(parts: SimulatorSeedDependencies, simulatorUrl: string): Promise<void> {
  const urlBase = `${simulatorUrl.replace(/\/+$/, '')}/v1`;
  const existing = await parts.store.named(NAME);
  if (existing?.urlBase === urlBase) return;
  try {
    if (existing === undefined) await insert(parts, urlBase);
    else await move(parts, existing.id, urlBase);
  } catch (error) {
    const lostTheRace = error instanceof AppError && error.kind === 'alreadyExists';
    if (!lostTheRace || (await parts.store.named(NAME)) === undefined) throw error;
  }
  await parts.catalog.changed();
}

function insert({ tables, providers, keys, models }: SimulatorSeedDependencies, urlBase: string): Promise<void> {
  return inTransaction(tables.sequelize, async (transaction) => {
    const provider = { name: NAME, kind: 'openai' as const, urlBase };
    const providerId = await providers.insert(provider, BY_THE_PROCESS, transaction);
    await keys.ensure(providerId, { apiKey: API_KEY }, BY_THE_PROCESS, transaction);
    for (const [model, priced] of MODELS) {
      // Without rules: a trial costs the same at any hour.
      const pricing = { ...presetPricing(presetModel(priced.vendor, priced.model), NANO_PER_UNIT), rules: [] };
      const price = priceOf(pricing, model.capabilities);
      await models.insert({ ...model, providerId }, price, BY_THE_PROCESS, transaction);
    }
  });
}

function move({ tables, store, providers, keys }: SimulatorSeedDependencies, id: number, urlBase: string) {
  return inTransaction(tables.sequelize, async (transaction) => {
    const provider = await store.get(id, transaction);
    await providers.change(provider, { name: NAME, kind: provider.kind, urlBase }, BY_THE_PROCESS, transaction);
    await keys.ensure(id, { apiKey: API_KEY }, BY_THE_PROCESS, transaction);
  });
}
