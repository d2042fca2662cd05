/** What every use case needs: MySQL with the ledger, and Redis. */
import type { Sequelize } from 'sequelize';
import { CommitQueue } from '../core/ledger/commit-queue/commit-queue.ts';
import { LeaseBook } from '../core/ledger/leases/lease-book.ts';
import { LeaseRecall } from '../core/ledger/leases/lease-recall.ts';
import { type Leasing, Ledger } from '../core/ledger/ledger.ts';
import { createLeaseMetrics, createQueueMetrics } from '../core/ledger/ledger-metrics.ts';
import { leaseTerms } from '../core/ledger/operations/lease.ts';
import { accounts, keyBudgets } from '../core/ledger/tables/accounts.ts';
import { claims } from '../core/ledger/tables/claims.ts';
import { holds, leases } from '../core/ledger/tables/holds.ts';
import { transfers } from '../core/ledger/tables/transfers.ts';
import { localDay } from '../infra/calendar.ts';
import type { Config } from '../infra/config.ts';
import { createVault, type Vault } from '../infra/crypto.ts';
import type { Logger } from '../infra/logger.ts';
import { createMetrics, type Metrics } from '../infra/metrics.ts';
import { connectSequelize } from '../infra/mysql/sequelize.ts';
import { connectRedis, type Redis, whenReady } from '../infra/redis/connection.ts';
import { createInvalidation, type Invalidation } from '../infra/redis/invalidation.ts';
import {
  jobStorage,
  jobs as jobsTable,
  liveOfUser,
  providerGate,
  runningOfProvider,
  runningOfUser,
} from './jobs/job-tables.ts';
import { orders as ordersTable } from './orders/order.ts';
import { paymentEvents } from './orders/payment-event-table.ts';

/** Every process locks them in this order, so that batches cannot deadlock. */
const LEDGER_TABLES = [
  ...[accounts, keyBudgets, holds, leases, ordersTable, providerGate, jobsTable, jobStorage],
  ...[liveOfUser, runningOfUser, runningOfProvider],
  ...[claims, transfers, paymentEvents],
];
/** A start waits this long for Redis, which is optional. */
const REDIS_WAIT_MS = 2_000;

export interface LedgerServices {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly sequelize: Sequelize;
  readonly redis: Redis;
  readonly invalidation: Invalidation;
  readonly vault: Vault;
  readonly queue: CommitQueue;
  readonly ledger: Ledger;
  /** Gives leases back and commits what is under way: before the connections are closed. */
  settleLedger(): Promise<void>;
  closeConnections(): Promise<void>;
}

/** @throws when MySQL cannot be reached. */
export async function createLedgerServices(config: Config, log: Logger): Promise<LedgerServices> {
  const metrics = createMetrics();
  const sequelize = connectSequelize(config);
  const redis = connectRedis(config, log, 'commands');
  const subscriber = connectRedis(config, log, 'invalidations');
  const onBatch = createQueueMetrics(metrics.registry);
  const queue = new CommitQueue({
    database: config,
    tables: LEDGER_TABLES,
    writerTtlMs: config.WRITER_TTL,
    dayOf: (ms) => localDay(ms, config.APP_TIME_ZONE),
    log,
    onBatch,
  });
  await Promise.all([queue.open(), whenReady(redis, REDIS_WAIT_MS), whenReady(subscriber, REDIS_WAIT_MS)]);
  const invalidation = createInvalidation(redis, subscriber, log);
  const leasing = createLeasing({ config, log, metrics, sequelize, invalidation, queue });
  return {
    config,
    log,
    metrics,
    sequelize,
    redis,
    invalidation,
    vault: createVault(config.KEY_ENCRYPTION_KEY),
    queue,
    ledger: new Ledger(queue, sequelize, config.APP_TIME_ZONE, leasing),
    settleLedger: async () => {
      await leasing.book?.close();
      await queue.close();
    },
    closeConnections: async () => {
      for (const connection of [redis, subscriber]) connection.disconnect();
      await sequelize.close();
    },
  };
}

function createLeasing({
  config,
  log,
  metrics,
  sequelize,
  invalidation,
  queue,
}: Pick<LedgerServices, 'config' | 'log' | 'metrics' | 'sequelize' | 'invalidation' | 'queue'>): Leasing {
  const recall = new LeaseRecall(sequelize, (accountId) => invalidation.publish('lease', accountId));
  if (config.LEASE_SHARE === 0) return { book: undefined, recall };
  const events = (left: () => bigint) => createLeaseMetrics(metrics.registry, left);
  const book = new LeaseBook({ queue, terms: leaseTerms(config.LEASE_SHARE), log, events });
  invalidation.on('lease', (id) => (id === undefined ? book.recallAll() : book.recall(Number(id))));
  invalidation.on('access-key', (id) => (id === undefined ? undefined : book.recallKey(Number(id))));
  return { book, recall };
}
