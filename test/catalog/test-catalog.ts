/** A catalog of its own for a test: a migrated database on the stack's server, and processes that share it. */
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { pino } from 'pino';
import { QueryTypes, type Sequelize } from 'sequelize';
import { AuditLog } from '../../core/accounts/audit-log.ts';
import { type CatalogDeps, createCatalog } from '../../core/catalog/create-catalog.ts';
import { KeyStore } from '../../core/catalog/key-store.ts';
import { defineCatalogTables } from '../../core/catalog/tables.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { type Config, readConfig } from '../../infra/config.ts';
import { createVault } from '../../infra/crypto.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { createOutbound } from '../../infra/outbound.ts';
import { connectRedis, whenReady } from '../../infra/redis/connection.ts';
import { createInvalidation } from '../../infra/redis/invalidation.ts';
import { migrateNew } from '../schema.ts';

const SILENT = pino({ level: 'silent' });
export const BY = { actor: { userId: 1, username: 'root' }, traceId: 'trace-1' };
export const CANARY = 'sk-canary-3f9b27c1d0';

export type CatalogProcess = Awaited<ReturnType<typeof startProcess>>;

export interface TestCatalog {
  readonly config: Config;
  /** Another process on the same database. */
  process(settings?: Partial<CatalogDeps> & { readonly config?: Partial<Config> }): Promise<CatalogProcess>;
  rows(sql: string): Promise<Record<string, unknown>[]>;
  write(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** @param database a name of its own for each test file; it is made afresh. */
export async function testCatalog(database: string): Promise<TestCatalog> {
  const config = readConfig({ ...testStack().environment, DB_NAME: database });
  const sequelize = connectSequelize(config);
  await migrateNew(config, sequelize);
  for (const table of ['models', 'providers', 'audit_log']) await sequelize.query(`DELETE FROM ${table}`);
  const processes: CatalogProcess[] = [];
  return {
    config,
    process: async ({ config: changed, ...parts } = {}) => {
      const started = await startProcess({ ...config, ...changed }, parts);
      processes.push(started);
      return started;
    },
    rows: (sql) => rowsOf(sequelize, sql),
    write: async (sql) => {
      await sequelize.query(sql);
    },
    close: async () => {
      for (const { stop } of processes) await stop();
      await sequelize.close();
    },
  };
}

async function rowsOf(sequelize: Sequelize, sql: string): Promise<Record<string, unknown>[]> {
  return (await sequelize.query<Record<string, unknown>>(sql, { type: QueryTypes.SELECT })).map((row) => ({ ...row }));
}

async function startProcess(config: Config, parts: Partial<CatalogDeps>) {
  const sequelize = connectSequelize(config);
  const redis = connectRedis(config, SILENT, 'test');
  const subscriber = connectRedis(config, SILENT, 'test-invalidations');
  await Promise.all([whenReady(redis, 5_000), whenReady(subscriber, 5_000)]);
  const outbound = createOutbound(config);
  const vault = createVault(config.KEY_ENCRYPTION_KEY);
  const catalog = createCatalog({
    sequelize,
    vault,
    invalidation: createInvalidation(redis, subscriber, SILENT),
    outbound,
    log: SILENT,
    audit: new AuditLog(sequelize),
    keyHealth: async () => new Map(),
    reportKey: () => undefined,
    probe: async (target) => ({ ok: true, latencyMs: 1, answer: `${target.model} with ${target.apiKey}` }),
    ...parts,
  });
  await catalog.catalog.load();
  const stop = async () => {
    catalog.catalog.close();
    redis.disconnect();
    subscriber.disconnect();
    await outbound.close();
    await sequelize.close();
  };
  const rotateProviderKeys = () => new KeyStore(defineCatalogTables(sequelize), vault).rotate();
  return { ...catalog, redis, subscriber, rotateProviderKeys, stop };
}

/** An HTTP server on loopback. */
export async function listen(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { base: `http://127.0.0.1:${port}`, hostPort: `127.0.0.1:${port}`, close };
}

/** A TCP relay to a server of the stack that a test can cut, without touching the server itself. */
export async function relayTo(host: string, port: number) {
  const sockets = new Set<Socket>();
  const relay = createTcpServer((incoming) => {
    const outgoing = connect(port, host);
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        incoming.destroy();
        outgoing.destroy();
        sockets.delete(socket);
      });
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  const open = (at: number) => new Promise<void>((resolve) => relay.listen(at, '127.0.0.1', resolve));
  await open(0);
  const address = relay.address() as AddressInfo;
  return {
    port: address.port,
    cut: () => {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
    mend: () => open(address.port),
  };
}
