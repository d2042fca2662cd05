/** The one place that constructs: connects the stores, builds every capability from its deps, and closes them. */
import { createAccounts } from '../core/accounts/accounts.ts';
import type { By } from '../core/accounts/audit-log.ts';
import { Conversations } from '../core/conversations/conversations.ts';
import { KeptResponses } from '../core/conversations/kept-responses.ts';
import { ConversationStore } from '../core/conversations/store.ts';
import { Turns } from '../core/conversations/turns.ts';
import { FileStore } from '../core/files/file-store.ts';
import { AccountView } from '../core/ledger/account-view.ts';
import { IdempotentRequests } from '../core/ledger/idempotency.ts';
import { showLedger } from '../core/ledger/ledger-metrics.ts';
import { lastReconciliation, reconcile, reconciliations } from '../core/ledger/reconcile.ts';
import { createStatement } from '../core/ledger/statement.ts';
import { HoldSweeper } from '../core/ledger/sweeper.ts';
import { WorkflowStarter } from '../core/outbox/starter.ts';
import { WorkflowOutboxStore } from '../core/outbox/store.ts';
import { CallLog } from '../core/usage/call-log.ts';
import { CallNames } from '../core/usage/call-names.ts';
import { createRefusedCalls } from '../core/usage/refused-calls.ts';
import { firstKeptDay, retain } from '../core/usage/retention.ts';
import { Statistics } from '../core/usage/statistics.ts';
import { UsageOutbox } from '../core/usage/usage-outbox.ts';
import { createUsageRelay } from '../core/usage/usage-relay.ts';
import { UsageStore } from '../core/usage/usage-store.ts';
import type { Config } from '../infra/config.ts';
import { heldByRequests } from '../infra/held-bytes.ts';
import type { Logger } from '../infra/logger.ts';
import { connectMongo } from '../infra/mongo/connection.ts';
import { createOutbound } from '../infra/outbound.ts';
import type { Telemetry } from '../infra/telemetry/otlp.ts';
import { connectTemporal } from '../infra/temporal/client.ts';
import { createAdminOverview } from './admin-overview.ts';
import { backgroundJobs } from './background-jobs.ts';
import { createBatches } from './batches/create-batches.ts';
import { LiveFeed } from './feed/live-feed.ts';
import { healthOf } from './health.ts';
import { createInference } from './inference/create-inference.ts';
import { Responses } from './inference/responses/responses.ts';
import { createJobs } from './jobs/create-jobs.ts';
import { showJobs } from './jobs/job-metrics.ts';
import { JobStore } from './jobs/store.ts';
import { createLedgerServices } from './ledger-services.ts';
import type { MaintenanceDeps } from './maintenance/maintenance-activities.ts';
import { reconcileNow } from './maintenance/reconcile-now.ts';
import { createOrders } from './orders/create-orders.ts';
import { settledSignal } from './orders/settled-signal.ts';
import { createWebhooks } from './webhooks/create-webhooks.ts';

/** Builds everything; the API and the workers each call it once. @throws when MySQL cannot be reached. */
export async function createServices(config: Config, log: Logger, telemetry?: Telemetry) {
  const ledgerServices = await createLedgerServices(config, log);
  const { sequelize, ledger, queue } = ledgerServices;
  const temporal = connectTemporal(config, telemetry?.clientInterceptors);
  const starts = new WorkflowOutboxStore(sequelize, log);
  const starter = new WorkflowStarter(temporal.client, starts, `${config.publicUrl}/console`, log);
  const shared = {
    ...ledgerServices,
    ...{ mongo: connectMongo(config, log), outbound: createOutbound(config), temporal, starts, starter },
  };
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
  const refusedStore = new UsageStore(shared.mongo, 'refused_calls');
  const refusedCalls = createRefusedCalls(shared.metrics.registry, {
    ...{ store: refusedStore, log, timeZone: config.APP_TIME_ZONE },
    knownModel: (model) => inference.catalog.known(model),
  });
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
    retainUsage: () => retain({ sequelize, store: usageStore, refused: refusedStore, usageRetentionMs, timeZone, log }),
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
    callLog: new CallLog(usageStore, refusedStore),
    refusedCalls,
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
      await shared.settleLedger();
      await starter.close();
      await turns.close();
      await refusedCalls.close();
      await inference.closeInference();
      jobServices.closeJobs();
      const clients = [temporal.close(), shared.outbound.close(), webhookServices.closeWebhooks()];
      await Promise.allSettled([...clients, shared.mongo.close(), shared.closeConnections()]);
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
