/** Builds the catalog from its dependencies. */
import type { Sequelize } from 'sequelize';
import type { Vault } from '../../infra/crypto.ts';
import type { Logger } from '../../infra/logger.ts';
import type { Outbound } from '../../infra/outbound.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import type { AuditLog } from '../accounts/audit-log.ts';
import { Catalog } from './catalog.ts';
import { Changes } from './changes.ts';
import { KeyStore } from './key-store.ts';
import { ModelProvider } from './model-provider.ts';
import { ModelStore } from './model-store.ts';
import { Models } from './models.ts';
import type { Probe } from './probe.ts';
import { ProviderKeys, type ProviderKeysDependencies, type ReadKeyHealth } from './provider-keys.ts';
import { ProviderStore } from './provider-store.ts';
import { Providers } from './providers.ts';
import { seedSimulator } from './simulator-seed.ts';
import { defineCatalogTables } from './tables.ts';
import { createUpstreamModels } from './upstream-models.ts';

export interface CatalogDeps {
  readonly sequelize: Sequelize;
  readonly vault: Vault;
  readonly invalidation: Invalidation;
  readonly outbound: Outbound;
  readonly log: Logger;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly keyHealth: ReadKeyHealth;
  readonly probe: Probe;
  readonly reportKey: ProviderKeysDependencies['reportKey'];
}

/** Nothing is read yet: call `catalog.load()` before serving, `catalog.close()` at the end. */
export function createCatalog({
  sequelize,
  vault,
  invalidation,
  outbound,
  log,
  audit,
  keyHealth,
  probe,
  reportKey,
}: CatalogDeps) {
  const tables = defineCatalogTables(sequelize);
  const store = new ProviderStore(tables);
  const keyStore = new KeyStore(tables, vault);
  const modelStore = new ModelStore(tables);
  const listUpstreamModels = createUpstreamModels(outbound);
  const catalog = new Catalog({ tables, models: modelStore, vault, invalidation, log });
  const shared = { tables, catalog, audit };
  const providers = new Providers({
    changes: new Changes(shared, 'provider'),
    providers: store,
    keys: keyStore,
    listUpstreamModels,
  });
  const providerKeys = new ProviderKeys({
    changes: new Changes(shared, 'provider-key'),
    providers: store,
    keys: keyStore,
    models: modelStore,
    keyHealth,
    probe,
    reportKey,
    listUpstreamModels,
  });
  const modelProvider = new ModelProvider({ store, providers, keys: providerKeys });
  const models = new Models({
    changes: new Changes(shared, 'model'),
    models: modelStore,
    modelProvider,
    keys: keyStore,
    probe,
  });
  return {
    catalog,
    providers,
    providerKeys,
    models,
    listUpstreamModels,
    seedSimulator: (simulatorUrl: string) =>
      seedSimulator({ tables, store, providers, keys: providerKeys, models, catalog }, simulatorUrl),
  };
}
