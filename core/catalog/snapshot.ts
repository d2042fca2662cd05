/** Everything the hot path asks of the catalog, as it was at one moment. */
import type { Logger } from 'pino';
import type { Vault } from '../../infra/crypto.ts';
import { AT_ONE_MOMENT } from '../../infra/mysql/transaction.ts';
import type { Price } from '../ledger/price.ts';
import { openKey } from './key-store.ts';
import { CAPABILITIES, type Capability, type PricedModel } from './model.ts';
import { needsOf } from './model-needs.ts';
import { type Model, modelOf } from './model-record.ts';
import {
  byId,
  type CatalogTables,
  KEY_STATUS,
  type ProviderKeyRow,
  type ProviderRow,
  readKey,
  readModel,
  readPrice,
  readProvider,
} from './tables.ts';

/** An active key, with the base URL that its provider had when it was read. `apiKey` is a secret. */
export interface ActiveKey {
  readonly id: number;
  readonly urlBase: string;
  readonly apiKey: string;
  readonly weight: number;
}

export interface Snapshot {
  readonly byId: ReadonlyMap<number, Model>;
  readonly byIdentifier: ReadonlyMap<string, Model>;
  /** Models with a price, ready for inference. */
  readonly priced: ReadonlyMap<number, PricedModel>;
  readonly byPrice: ReadonlyMap<number, PricedModel>;
  /** Online models by priority, then id. */
  readonly capable: ReadonlyMap<Capability, readonly PricedModel[]>;
  readonly keys: ReadonlyMap<number, readonly ActiveKey[]>;
  /** Online models by provider. */
  readonly ofProvider: ReadonlyMap<number, readonly PricedModel[]>;
  readonly providerNames: ReadonlyMap<number, string>;
}

export const EMPTY_SNAPSHOT: Snapshot = buildSnapshot([], new Map(), new Map());

/**
 * Reads the whole catalog at one moment, so that no key is combined with another address. A key that cannot be decrypted
 * is left out and named in the log.
 */
export async function readSnapshot(tables: CatalogTables, vault: Vault, log: Logger): Promise<Snapshot> {
  const rows = await tables.sequelize.transaction(AT_ONE_MOMENT, async (transaction) => {
    const models = (await tables.models.findAll({ transaction })).map(readModel);
    const priceIds = models.flatMap((row) => (row.priceId === null ? [] : [row.priceId]));
    const providers = (await tables.providers.findAll({ transaction })).map(readProvider);
    const prices = (await tables.prices.findAll({ where: { id: priceIds }, transaction })).map(readPrice);
    const keys = await tables.keys.findAll({ where: { status: KEY_STATUS.on }, order: ['id'], transaction });
    return { models, providers, prices, keys: keys.map(readKey) };
  });
  const providers = byId(rows.providers);
  const prices = byId(rows.prices);
  const models = rows.models.flatMap((row) => modelOf(row, providers, prices) ?? []);
  const names = new Map(rows.providers.map(({ id, name }) => [id, name]));
  return buildSnapshot(models, keysByProvider(rows.keys, providers, vault, log), names);
}

function buildSnapshot(
  models: readonly Model[],
  keys: Snapshot['keys'],
  providerNames: Snapshot['providerNames'],
): Snapshot {
  const sorted = [...models].sort((a, b) => a.priority - b.priority || a.id - b.id);
  const online = new Set(sorted.filter((model) => model.online).map((model) => model.id));
  const priced = sorted.flatMap((model) => (model.price === null ? [] : [pricedModel(model, model.price)]));
  const called = priced.filter((model) => online.has(model.modelId));
  return {
    byId: new Map(sorted.map((model) => [model.id, model])),
    byIdentifier: new Map(sorted.map((model) => [model.modelIdentifier, model])),
    priced: new Map(priced.map((model) => [model.modelId, model])),
    byPrice: new Map(priced.map((model) => [model.price.id, model])),
    capable: new Map(
      CAPABILITIES.map((capability) => [capability, called.filter((model) => model.capabilities.has(capability))]),
    ),
    keys,
    ofProvider: Map.groupBy(called, ({ providerId }) => providerId),
    providerNames,
  };
}

export function pricedModel(model: Model, price: Price): PricedModel {
  return {
    modelId: model.id,
    modelIdentifier: model.modelIdentifier,
    providerId: model.providerId,
    providerName: model.providerName,
    kind: model.kind,
    urlBase: model.urlBase,
    upstreamModel: model.upstreamModel === '' ? model.modelIdentifier : model.upstreamModel,
    priority: model.priority,
    capabilities: new Set(model.capabilities),
    price,
    contextWindow: model.contextWindow,
    maxOutputTokens: model.maxOutputTokens,
    defaultMaxTokens: model.defaultMaxTokens,
    tokensPerImage: model.settings.tokensPerImage ?? null,
    pricedFields: new Set(model.settings.pricedFields),
    needs: needsOf(model),
  };
}

function keysByProvider(
  rows: readonly ProviderKeyRow[],
  providers: ReadonlyMap<number, ProviderRow>,
  vault: Vault,
  log: Logger,
): Map<number, readonly ActiveKey[]> {
  const byProvider = new Map<number, ActiveKey[]>();
  for (const row of rows) {
    try {
      const urlBase = providers.get(row.providerId)?.urlBase ?? '';
      const key = { id: row.id, urlBase, apiKey: openKey(vault, row), weight: row.weight };
      byProvider.set(row.providerId, [...(byProvider.get(row.providerId) ?? []), key]);
    } catch (error) {
      log.error({ err: error, providerKeyId: row.id }, 'a provider key cannot be decrypted and is left out');
    }
  }
  return byProvider;
}
