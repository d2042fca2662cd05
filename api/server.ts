/** The API process, or several (processes.ts): reads the settings, connects, listens, and stops in good order. */
import cluster from 'node:cluster';
import { createServer, type Server } from 'node:http';
import { createServices, prepareFirstStart } from '../activities/services.ts';
import { type Config, ConfigError, readConfig } from '../infra/config.ts';
import { createLogger, type Logger } from '../infra/logger.ts';
import { startTelemetry } from '../infra/telemetry/telemetry.ts';
import { applicationOf } from './application.ts';
import { drain } from './http/drain.ts';
import { dropUnread } from './http/large-answers.ts';
import { superviseProcesses } from './processes.ts';
import { allRoutes } from './routes.ts';

/** Longer than the usual idle time of a load balancer (60 s), so that it never meets a connection being closed. */
const KEEP_ALIVE_MS = 65_000;
/** The head of a request is one packet or two; bodies have a pace to keep (body.ts), and no other end. */
const HEAD_WITHIN_MS = 15_000;
const CHECK_EVERY_MS = 5_000;
/** Longer than the longest silence of a call that is going well. */
const IDLE_BEYOND_CALL_MS = 60_000;
/** More than a process serves; each costs some kilobytes. */
const MOST_CONNECTIONS = 10_000;

async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.LOG_LEVEL);
  if (config.apiProcesses === 1 || cluster.isWorker) return serve(config, logger);
  await superviseProcesses(config, logger);
  logger.flush(() => process.exit(0));
}

async function serve(config: Config, logger: Logger): Promise<void> {
  const telemetry = await startTelemetry(config, 'api', logger);
  const services = await createServices(config, logger, telemetry);
  await prepareFirstStart(services, config, logger);
  const app = applicationOf(allRoutes(services, config), services, config, logger);
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEAD_WITHIN_MS,
      requestTimeout: 0,
      connectionsCheckingInterval: CHECK_EVERY_MS,
    },
    app.callback(),
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = config.UPSTREAM_TOTAL_TIMEOUT + IDLE_BEYOND_CALL_MS;
  dropUnread(server);
  await listen(server, config.PORT, config.HOST);
  logger.info({ port: config.PORT, url: config.publicUrl, pid: process.pid }, 'api listening');
  stopOnSignal(logger, async () => {
    services.liveFeed.close();
    await drain(server, config.SHUTDOWN_GRACE);
    await services.close();
    await telemetry?.close();
  });
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function stopOnSignal(logger: Logger, close: () => Promise<void>): void {
  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'api stopping');
    await close();
    logger.flush(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? `The settings are wrong:\n${error.message}` : error);
  process.exit(1);
});
