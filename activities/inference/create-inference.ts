/** Builds everything that calls models: the catalog, the pool of provider keys, the services over both. */

import type { Sequelize } from 'sequelize';
import type { AuditLog } from '../../core/accounts/audit-log.ts';
import { KeyLimits } from '../../core/accounts/key-limits.ts';
import { type CatalogDeps, createCatalog } from '../../core/catalog/create-catalog.ts';
import type { FileStore } from '../../core/files/file-store.ts';
import { ImageLinks } from '../../core/images/image-links.ts';
import { createImageClients, createImageReader } from '../../core/images/image-reader.ts';
import { StoredImages } from '../../core/images/stored-images.ts';
import { DEFAULT_CIRCUIT_SETTINGS } from '../../core/key-pool/circuit.ts';
import { createKeyPool } from '../../core/key-pool/local-key-pool.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { type Adapters, createAdapters } from '../../core/providers/vendors.ts';
import type { Config } from '../../infra/config.ts';
import type { Vault } from '../../infra/crypto.ts';
import { heldByRequests } from '../../infra/held-bytes.ts';
import type { Logger } from '../../infra/logger.ts';
import type { Metrics } from '../../infra/metrics.ts';
import type { Outbound } from '../../infra/outbound.ts';
import { connectRedis, type Redis } from '../../infra/redis/connection.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import { createStorage } from '../../infra/storage.ts';
import { RetryBudget } from './attempts.ts';
import { AudioService } from './audio.ts';
import type { InferenceDeps } from './charge.ts';
import { ChatService } from './chat.ts';
import { EmbeddingService } from './embeddings.ts';
import { createFitNotes } from './fit.ts';
import { ImageService } from './images.ts';
import { keptFileReader, keptTextFinder } from './kept-files.ts';
import { createTokenCount } from './messages/count.ts';
import { ModerationService } from './moderations.ts';
import { createProbe } from './probe.ts';
import { createRequestImages } from './request-images.ts';
import { RerankService } from './rerank.ts';
import { routedModels } from './routing.ts';
import { ChatStreams } from './stream.ts';
import { createPriceRuleNotes, createUsageDoubts } from './usage.ts';

export interface CreateInferenceDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly sequelize: Sequelize;
  readonly redis: Redis;
  readonly invalidation: Invalidation;
  readonly outbound: Outbound;
  readonly vault: Vault;
  readonly ledger: Ledger;
  readonly audit: AuditLog;
  readonly files: FileStore;
}

/** A refused key that is tried again on a schedule has this long to answer. */
const PROBE_MS = 30_000;

/** Reads the catalog and the state of its keys. @throws when the database cannot be read. */
export async function createInference(deps: CreateInferenceDeps) {
  const { config, sequelize, vault, outbound, ledger, redis, log } = deps;
  const imageClients = createImageClients(config);
  const readImage = createImageReader({
    clientFor: imageClients.clientFor,
    stored: (url) => storedImages.behind(url),
  });
  const adapters = createAdapters({ outbound, readImage, config });
  const { catalogServices, pool, closePool } = await createCatalogAndPool(deps, adapters);
  const imageLinks = new ImageLinks(vault, config.publicUrl, config.PICTURE_LINK_TTL);
  const storage = await createStorage(config);
  const storedImages = new StoredImages({ sequelize, storage, outbound, links: imageLinks });
  const limits = new KeyLimits(redis, log);
  const inference: InferenceDeps = {
    ledger,
    limits,
    models: routedModels(catalogServices.catalog, config.ROUTING_STRATEGY, pool),
    keys: pool,
    retries: new RetryBudget(),
    chatAdapters: adapters.chat,
    imageAdapters: adapters.image,
    embeddingAdapters: adapters.embedding,
    nativeAdapters: adapters.native,
    rerankAdapters: adapters.rerank,
    audioAdapters: adapters.audio,
    moderationAdapters: adapters.moderation,
    requestImages: createRequestImages(readImage, config.IMAGE_URLS),
    readKeptFile: keptFileReader(deps.files),
    findKeptTexts: keptTextFinder(deps.files),
    held: heldByRequests,
    noteUsageDoubt: createUsageDoubts(deps.metrics.registry, log),
    notePriceRule: createPriceRuleNotes(deps.metrics.registry, log),
    noteFits: createFitNotes(deps.metrics.registry, log),
    log,
    totalTimeoutMs: config.UPSTREAM_TOTAL_TIMEOUT,
  };
  return {
    ...catalogServices,
    inference,
    chat: new ChatService(inference),
    chatStreams: new ChatStreams(inference),
    countTokens: createTokenCount(inference),
    images: new ImageService(inference, storedImages),
    embeddings: new EmbeddingService(inference),
    reranking: new RerankService(inference),
    audio: new AudioService(inference),
    moderations: new ModerationService(inference),
    storedImages,
    imageLinks,
    openCircuits: () => pool.openCircuits(catalogServices.catalog.providerIds()),
    closeInference: async () => {
      limits.close();
      closePool();
      await imageClients.close();
    },
  };
}

/** Administrators look at the pool through the catalog; the pool takes its keys from the catalog. */
async function createCatalogAndPool(deps: CreateInferenceDeps, adapters: Adapters) {
  const { config, log, metrics, redis } = deps;
  const subscriber = connectRedis(config, log, 'key-circuits');
  const catalogDeps: CatalogDeps = {
    ...deps,
    keyHealth: (providerId, keyIds) => pool.keyHealth(providerId, keyIds),
    probe: createProbe(adapters, log),
    reportKey: (key, result) => pool.report(key, result),
  };
  const catalogServices = createCatalog(catalogDeps);
  const { catalog, providerKeys } = catalogServices;
  const pool = createKeyPool({
    keysOf: (providerId) => catalog.keysOf(providerId),
    modelsOf: (providerId) => catalog.modelsOf(providerId),
    log,
    redis: { commands: redis, subscriber },
    metrics: { registry: metrics.registry, providerName: (providerId) => catalog.providerName(providerId) },
    settings: { ...DEFAULT_CIRCUIT_SETTINGS, accountMs: config.REFUSED_KEY_RETRY },
    probe: (key) => providerKeys.probe(key.id, AbortSignal.timeout(PROBE_MS)),
  });
  await catalog.load();
  await pool.load(catalog.providerIds());
  const closePool = () => {
    catalog.close();
    pool.close();
    subscriber.disconnect();
  };
  return { catalogServices, pool, closePool };
}
