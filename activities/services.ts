/** The one place that constructs: connects the stores, builds every capability from its deps, and closes them. */
import type { Sequelize } from 'sequelize';
import { createAccounts } from '../core/accounts/accounts.ts';
import type { By } from '../core/accounts/audit-log.ts';
import { Conversations } from '../core/conversations/conversations.ts';
import { KeptResponses } from '../core/conversations/kept-responses.ts';
import { ConversationStore } from '../core/conversations/store.ts';
import { Turns } from '../core/conversations/turns.ts';
import { FileStore } from '../core/files/file-store.ts';
import { AccountView } from '../core/ledger/account-view.ts';
import { CommitQueue } from '../core/ledger/commit-queue/commit-queue.ts';
import { IdempotentRequests } from '../core/ledger/idempotency.ts';
import { LeaseBook } from '../core/ledger/leases/lease-book.ts';
import { LeaseRecall } from '../core/ledger/leases/lease-recall.ts';
import { type Leasing, Ledger } from '../core/ledger/ledger.ts';
import { createLeaseMetrics, createQueueMetrics, showLedger } from '../core/ledger/ledger-metrics.ts';
import { leaseTerms } from '../core/ledger/operations/lease.ts';
import { lastReconciliation, reconcile, reconciliations } from '../core/ledger/reconcile.ts';
import { createStatement } from '../core/ledger/statement.ts';
import { HoldSweeper } from '../core/ledger/sweeper.ts';
import { accounts, keyBudgets } from '../core/ledger/tables/accounts.ts';
import { claims } from '../core/ledger/tables/claims.ts';
import { holds, leases } from '../core/ledger/tables/holds.ts';
import { transfers } from '../core/ledger/tables/transfers.ts';
import { WorkflowStarter } from '../core/outbox/starter.ts';
import { WorkflowOutboxStore } from '../core/outbox/store.ts';
import { CallNames } from '../core/usage/call-names.ts';
import { firstKeptDay, retain } from '../core/usage/retention.ts';
import { Statistics } from '../core/usage/statistics.ts';
import { UsageOutbox } from '../core/usage/usage-outbox.ts';
import { createUsageRelay } from '../core/usage/usage-relay.ts';
import { UsageStore } from '../core/usage/usage-store.ts';
import { localDay } from '../infra/calendar.ts';
import type { Config } from '../infra/config.ts';
import { createVault, type Vault } from '../infra/crypto.ts';
import { heldByRequests } from '../infra/held-bytes.ts';
import type { Logger } from '../infra/logger.ts';
import { createMetrics, type Metrics } from '../infra/metrics.ts';
import { connectMongo, type Mongo } from '../infra/mongo/connection.ts';
import { connectSequelize } from '../infra/mysql/sequelize.ts';
import { createOutbound, type Outbound } from '../infra/outbound.ts';
import { connectRedis, type Redis, whenReady } from '../infra/redis/connection.ts';
import { createInvalidation, type Invalidation } from '../infra/redis/invalidation.ts';
import type { Telemetry } from '../infra/telemetry/otlp.ts';
import { connectTemporal, type Temporal } from '../infra/temporal/client.ts';
import { createAdminOverview } from './admin-overview.ts';
import { backgroundJobs } from './background-jobs.ts';
import { createBatches } from './batches/create-batches.ts';
import { LiveFeed } from './feed/live-feed.ts';
import { healthOf } from './health.ts';
import { createInference } from './inference/create-inference.ts';
import { Responses } from './inference/responses/responses.ts';
import { createJobs } from './jobs/create-jobs.ts';
import { showJobs } from './jobs/job-metrics.ts';
import {
  jobStorage,
  jobs as jobsTable,
  liveOfUser,
  providerGate,
  runningOfProvider,
  runningOfUser,
} from './jobs/job-tables.ts';
import { JobStore } from './jobs/store.ts';
import type { MaintenanceDeps } from './maintenance/maintenance-activities.ts';
import { reconcileNow } from './maintenance/reconcile-now.ts';
import { createOrders } from './orders/create-orders.ts';
import { orders as ordersTable } from './orders/order.ts';
import { paymentEvents } from './orders/payment-event-table.ts';
import { settledSignal } from './orders/settled-signal.ts';
import { createWebhooks } from './webhooks/create-webhooks.ts';

/** Every process locks them in this order, so that batches cannot deadlock. */
const LEDGER_TABLES = [
  ...[accounts, keyBudgets, holds, leases, ordersTable, providerGate, jobsTable, jobStorage],
  ...[liveOfUser, runningOfUser, runningOfProvider],
  ...[claims, transfers, paymentEvents],
];
/** A start waits this long for Redis, which is optional. */
const REDIS_WAIT_MS = 2_000;

/** Connections and what every capability shares. */
interface SharedDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly sequelize: Sequelize;
  readonly redis: Redis;
  readonly subscribers: readonly Redis[];
  readonly invalidation: Invalidation;
  readonly mongo: Mongo;
  readonly temporal: Temporal;
  readonly outbound: Outbound;
  readonly vault: Vault;
  readonly queue: CommitQueue;
  readonly ledger: Ledger;
  readonly leasing: Leasing;
  readonly starter: WorkflowStarter;
  readonly starts: WorkflowOutboxStore;
}

async function connect(config: Config, log: Logger, telemetry: Telemetry | undefined): Promise<SharedDeps> {
  const metrics = createMetrics();
  const sequelize = connectSequelize(config);
  const redis = connectRedis(config, log, 'commands');
  const subscriber = connectRedis(config, log, 'invalidations');
  const temporal = connectTemporal(config, telemetry?.clientInterceptors);
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
  const starts = new WorkflowOutboxStore(sequelize, log);
  const invalidation = createInvalidation(redis, subscriber, log);
  const leasing = createLeasing({ config, log, metrics, sequelize, invalidation, queue });
  return {
    config,
    log,
    metrics,
    sequelize,
    redis,
    subscribers: [subscriber],
    invalidation,
    mongo: connectMongo(config, log),
    temporal,
    outbound: createOutbound(config),
    vault: createVault(config.KEY_ENCRYPTION_KEY),
    queue,
    ledger: new Ledger(queue, sequelize, config.APP_TIME_ZONE, leasing),
    leasing,
    starter: new WorkflowStarter(temporal.client, starts, `${config.publicUrl}/console`, log),
    starts,
  };
}

function createLeasing({
  config,
  log,
  metrics,
  sequelize,
  invalidation,
  queue,
}: Pick<SharedDeps, 'config' | 'log' | 'metrics' | 'sequelize' | 'invalidation' | 'queue'>): Leasing {
  const recall = new LeaseRecall(sequelize, (accountId) => invalidation.publish('lease', accountId));
  if (config.LEASE_SHARE === 0) return { book: undefined, recall };
  const events = (left: () => bigint) => createLeaseMetrics(metrics.registry, left);
  const book = new LeaseBook({ queue, terms: leaseTerms(config.LEASE_SHARE), log, events });
  invalidation.on('lease', (id) => (id === undefined ? book.recallAll() : book.recall(Number(id))));
  invalidation.on('access-key', (id) => (id === undefined ? undefined : book.recallKey(Number(id))));
  return { book, recall };
}

/** Builds everything; the API and the workers each call it once. @throws when MySQL cannot be reached. */
export async function createServices(config: Config, log: Logger, telemetry?: Telemetry) {
  const shared = await connect(config, log, telemetry);
  const { sequelize, ledger, leasing, starter, queue, temporal } = shared;
  const accountServices = await createAccounts(shared);
  const files = new FileStore(sequelize);
  const inference = await createInference({ ...shared, audit: accountServices.audit, files });
  const conversations = new Conversations(new ConversationStore(shared.mongo));
  const turns = new Turns(conversations, log);
  const keptResponses = new KeptResponses(shared.mongo, log, config.RESPONSE_STORAGE_PER_USER);
  const costShown = config.USAGE_COST ? { currency: config.CURRENCY } : undefined;
  const workflowState = (workflowId: string) => temporal.stateOf(workflowId);
  const jobStore = new JobStore(sequelize);
  const webhookServices = createWebhooks({
    ...{ ...shared, audit: accountServices.audit },
    ...{ jobOf: (jobId: string) => jobStore.announced(jobId), workflowState },
  });
  const jobServices = createJobs({
    ...shared,
    store: jobStore,
    catalog: inference.catalog,
    inference: inference.inference,
    storedImages: inference.storedImages,
    files,
    turns,
    costShown,
    responses: () => responses,
    checkWebhook: (url) => webhookServices.webhooks.checkAddress(url),
    workflowState,
  });
  const ofJob = (userId: number, responseId: string) => jobServices.responseJobs.kept(userId, responseId);
  const responses: Responses = new Responses({
    ...{ ...inference, keptResponses, costShown, ofJob },
    ...{ models: inference.inference.models, held: heldByRequests },
  });
  const orderServices = await createOrders({
    sequelize,
    config,
    ledger,
    starter,
    accountIdOf: (userId) => accountServices.users.accountIdOf(userId),
    signalSettled: settledSignal(temporal.client, log),
    log,
  });
  const batchServices = createBatches({
    ...shared,
    files,
    models: inference.inference.models,
    services: { chat: inference.chat, embeddings: inference.embeddings, costShown },
    callerOf: (userId, accessKeyId) => accountServices.authenticator.authenticateKeyOf(userId, accessKeyId),
    workflowState,
  });
  const usageStore = new UsageStore(shared.mongo);
  const jobsInBackground = backgroundJobs({
    starter,
    holdSweeper: new HoldSweeper(config, sequelize, ledger),
    jobSweeper: jobServices.jobSweeper,
    jobReconciler: jobServices.jobReconciler,
    batchReconciler: batchServices.batchReconciler,
    deliveryReconciler: webhookServices.deliveryReconciler,
    orders: orderServices.orders,
    usageRelay: createUsageRelay({ sequelize, store: usageStore, log }),
  });
  const { USAGE_RETENTION: usageRetentionMs, APP_TIME_ZONE: timeZone } = config;
  const maintenance: MaintenanceDeps = {
    reconcile: () =>
      reconcile(sequelize, { store: usageStore, firstDay: firstKeptDay(usageRetentionMs, timeZone, Date.now()) }),
    retainUsage: () => retain({ sequelize, store: usageStore, usageRetentionMs, timeZone, log }),
    deliveries: webhookServices.webhookDeliveries,
    removePayloads: jobServices.removePayloads,
    removeExpiredFiles: batchServices.removeExpiredFiles,
    conversations,
    keptResponses,
  };
  const reconciled = () => lastReconciliation(sequelize).catch(() => undefined);
  showLedger(shared.metrics.registry, queue, reconciled);
  showJobs(shared.metrics.registry, sequelize);
  return {
    ...accountServices,
    ...inference,
    ...jobServices,
    ...webhookServices,
    ...orderServices,
    ...batchServices,
    usageLog: usageStore,
    callNames: new CallNames(sequelize),
    statistics: new Statistics(sequelize),
    statement: createStatement(sequelize),
    accountView: new AccountView(sequelize),
    liveFeed: new LiveFeed({
      outbox: new UsageOutbox(sequelize),
      jobEvents: jobServices.jobEvents,
      allJobs: jobServices.allJobs,
      userList: accountServices.userList,
      openCircuits: inference.openCircuits,
      log,
    }),
    adminOverview: createAdminOverview(sequelize),
    reconciliations: (before: number | undefined, limit: number) => reconciliations(sequelize, before, limit),
    reconcileNow: (by: By) => reconcileNow(sequelize, accountServices.audit, maintenance.reconcile, by),
    conversations,
    turns,
    responses,
    metrics: shared.metrics,
    idempotency: new IdempotentRequests(ledger, shared.vault),
    costShown,
    lastReconciliation: reconciled,
    maintenance,
    temporalClient: temporal.client,
    health: () =>
      healthOf({
        mysql: () => sequelize.query('SELECT 1'),
        redis: () => shared.redis.ping(),
        mongo: () => shared.mongo.ping(),
        temporal: () => temporal.ping(),
      }),
    backgroundJobs: jobsInBackground,
    close: async () => {
      await leasing.book?.close();
      await queue.close();
      await starter.close();
      await turns.close();
      await inference.closeInference();
      jobServices.closeJobs();
      for (const redis of [shared.redis, ...shared.subscribers]) redis.disconnect();
      const clients = [temporal.close(), shared.outbound.close(), webhookServices.closeWebhooks()];
      await Promise.allSettled([...clients, shared.mongo.close(), sequelize.close()]);
    },
  };
}

export type Services = Awaited<ReturnType<typeof createServices>>;

/**
 * Creates what the first start needs: the ROOT user and, with a simulator, its provider and models. Processes
 * that start at the same time may all call it.
 */
export async function prepareFirstStart(services: Services, config: Config, log: Logger): Promise<void> {
  const root = await services.registration.ensureRootUser(config.ROOT_PASSWORD);
  if (root === 'no-password') log.warn('there is no ROOT user: set ROOT_PASSWORD and start again');
  if (config.SIMULATOR_URL !== '') await services.seedSimulator(config.SIMULATOR_URL);
}
