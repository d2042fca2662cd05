/** The worker process: connects, creates the workers, runs until a signal stops it, closes. */
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createBatchActivities } from '../activities/batches/batch-activities.ts';
import { createJobActivities } from '../activities/jobs/job-activities.ts';
import { createMaintenanceActivities } from '../activities/maintenance/maintenance-activities.ts';
import { createOrderActivities } from '../activities/orders/order-activities.ts';
import { createServices, type Services } from '../activities/services.ts';
import { createWebhookActivities } from '../activities/webhooks/webhook-activities.ts';
import { type Config, ConfigError, readConfig } from '../infra/config.ts';
import { createLogger, type Logger } from '../infra/logger.ts';
import type { Telemetry } from '../infra/telemetry/otlp.ts';
import { startTelemetry } from '../infra/telemetry/telemetry.ts';
import { temporalAdvice, temporalOptions } from '../infra/temporal/options.ts';
import { backgroundJobMetrics, startBackgroundJobs } from './background-jobs.ts';
import { workflowBundlePath } from './bundle.ts';
import { becomeCurrent } from './deployment.ts';
import { serveHealth } from './health.ts';
import { createJobsWorker } from './jobs.worker.ts';
import { createMaintenanceWorker } from './maintenance.worker.ts';
import { createOrdersWorker } from './orders.worker.ts';
import { keepSchedules } from './schedules.ts';
import { serveTemporalMetrics } from './temporal-metrics.ts';
import { createWebhooksWorker } from './webhooks.worker.ts';

/** Between tries to reach Temporal at the start; relays and sweepers run meanwhile. */
const CONNECT_PAUSE_MS = 1_000;

async function main(): Promise<void> {
  const config = readConfig();
  const log = createLogger(config.LOG_LEVEL);
  const temporalMetrics = await serveTemporalMetrics((bindAddress) => {
    Runtime.install({
      shutdownSignals: [],
      telemetryOptions: { metrics: { prometheus: { bindAddress } } },
      logger: new DefaultLogger('WARN', (entry) => log.warn({ ...entry.meta }, entry.message)),
    });
  });
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopped.abort());
  const telemetry = await startTelemetry(config, 'worker', log);
  const services = await createServices(config, log, telemetry);
  const stopBackgroundJobs = startBackgroundJobs(
    services.backgroundJobs,
    log,
    backgroundJobMetrics(services.metrics.registry),
  );
  const metrics = async () => `${await services.metrics.read()}${await temporalMetrics()}`;
  const health = await serveHealth(config.WORKER_HOST, config.WORKER_PORT, metrics);
  log.info({ port: health.port }, 'worker alive');
  const connection = await connect(config, log, stopped.signal);
  if (connection) await runWorkers({ connection, services, telemetry }, config, log, stopped.signal);
  await stopBackgroundJobs();
  await services.close();
  await connection?.close();
  await telemetry?.close();
  health.close();
  log.info('worker stopped');
}

async function connect(config: Config, log: Logger, stopped: AbortSignal): Promise<NativeConnection | undefined> {
  while (!stopped.aborted) {
    try {
      return await NativeConnection.connect(temporalOptions(config));
    } catch (err) {
      log.warn({ err, advice: temporalAdvice(err, config) }, 'Temporal is not reachable; trying again');
      await new Promise((resolve) => setTimeout(resolve, CONNECT_PAUSE_MS));
    }
  }
  return undefined;
}

interface WorkerDeps {
  readonly connection: NativeConnection;
  readonly services: Services;
  readonly telemetry: Telemetry | undefined;
}

async function runWorkers(
  { connection, services, telemetry }: WorkerDeps,
  config: Config,
  log: Logger,
  stopped: AbortSignal,
): Promise<void> {
  const options = {
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    bundlePath: await workflowBundlePath(telemetry !== undefined),
    telemetry,
    shutdownGraceMs: config.SHUTDOWN_GRACE,
    buildId: config.WORKER_BUILD_ID,
  };
  const graceIsOver = new AbortController();
  const jobs = createJobActivities(services.jobRunner, log, graceIsOver.signal);
  const batchSteps = createBatchActivities(services.batchRunner, log, graceIsOver.signal);
  const workers = [
    await createJobsWorker(options, { ...jobs, ...batchSteps }, config.WORKER_JOB_SLOTS),
    await createOrdersWorker(options, createOrderActivities(services.orders)),
    await createWebhooksWorker(options, createWebhookActivities(services.webhookSender)),
    await createMaintenanceWorker(options, createMaintenanceActivities(services.maintenance)),
  ];
  const runs = workers.map((worker) => worker.run());
  log.info('worker polling');
  const current = becomeCurrent(options, log, stopped);
  const schedules = keepSchedules(services.temporalClient, config.APP_TIME_ZONE, log, stopped);
  const stop = () => {
    setTimeout(() => graceIsOver.abort(), config.SHUTDOWN_GRACE).unref();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  if (stopped.aborted) stop();
  stopped.addEventListener('abort', stop, { once: true });
  await Promise.all([...runs, current, schedules]);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof ConfigError ? `The settings are wrong:\n${error.message}` : error);
    process.exit(1);
  },
);
