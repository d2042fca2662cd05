/** The product as the benches load it: one API process, an upstream that answers at once, customers with money. */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { QueryTypes, type Sequelize } from 'sequelize';
import { z } from 'zod';
import type { Variables } from '../devstack/environment.ts';
import { type Service, type ServiceKind, type ServiceOptions, startService } from '../devstack/services.ts';
import { type Config, readConfig } from '../infra/config.ts';
import { migrate } from '../infra/mysql/migrations.ts';
import { connectSequelize } from '../infra/mysql/sequelize.ts';
import { call, newCustomer } from '../test/e2e/product.ts';
import type { BenchContext } from './bench.ts';
import { goProgram } from './programs.ts';
import { type SideProcess, startSideProcess } from './side-process.ts';
import type { Headers } from './wrk.ts';

export interface BenchProduct {
  readonly api: Service;
  readonly upstream: SideProcess;
  /** The database's process. */
  readonly databasePid: number | undefined;
  /** The headers of each customer. */
  readonly callers: readonly Headers[];
  /** Starts a worker, which the synchronous benches do without. */
  startWorker(): Promise<Service>;
  /** Starts another API beside the first, with some settings changed. @param checkout of other code. */
  startApi(name: string, settings: Variables, checkout?: string): Promise<Service>;
  /** How many calls have been charged so far. */
  charges(): Promise<number>;
  readonly database: Sequelize;
  close(): Promise<void>;
}

/** Models of the upstream: one answers at once, the other's streams have a pause before each chunk. */
export const MODEL = 'bench';
export const PACED_MODEL = 'bench-paced';

const CUSTOMERS = 8;
/** A Redis database of its own: ids start at 1 in each MySQL database, and circuits are stored by id. */
const REDIS_DATABASE = '15';

export async function startBenchProduct(
  context: BenchContext,
  name: string,
  redisDatabase = REDIS_DATABASE,
): Promise<BenchProduct> {
  const running: { stop(): Promise<void> }[] = [];
  // The last one started ends first: the API finishes its calls while the upstream still answers.
  const stopAll = async () => {
    for (const process of running.reverse()) await process.stop();
  };
  try {
    return await start(context, { name, redisDatabase }, running, stopAll);
  } catch (error) {
    await stopAll();
    throw error;
  }
}

async function start(
  context: BenchContext,
  { name, redisDatabase }: { readonly name: string; readonly redisDatabase: string },
  running: { stop(): Promise<void> }[],
  stopAll: () => Promise<void>,
): Promise<BenchProduct> {
  const { stack, profileFolder } = context;
  const { dataFolder } = stack;
  const upstream = await startSideProcess({
    name: `${name}-upstream`,
    dataFolder,
    command: await goProgram('upstream', context),
    args: (port) => ['-address', `127.0.0.1:${port}`],
  });
  running.push(upstream);
  const rootPassword = randomBytes(12).toString('hex');
  const environment = {
    ...environmentOf(context, name, rootPassword, new URL(upstream.url).host),
    REDIS_DATABASE: redisDatabase,
  };
  const config = readConfig(environment);
  const sequelize = connectSequelize(config);
  await migrate(config, sequelize, () => undefined);
  await forgetEarlierRuns(config);
  const startProduct = async (kind: ServiceKind, more: Variables, others: Partial<ServiceOptions> = {}) => {
    const options = { kind, name: `${name}-${kind}`, dataFolder, environment: { ...environment, ...more } };
    const service = await startService({ ...options, ...others });
    running.push(service);
    return service;
  };
  const profiled = profileFolder === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileFolder}` };
  const api = await startProduct('api', profiled);
  await registerUpstream(api, rootPassword, upstream.url);
  const callers: Headers[] = [];
  for (let index = 0; index < CUSTOMERS; index += 1) callers.push({ 'access-key': (await newCustomer(api)).key });
  return {
    api,
    upstream,
    databasePid: stack.part('mysql').pid,
    callers,
    startWorker: () => startProduct('worker', {}),
    startApi: (which, settings, checkout) =>
      startProduct('api', settings, { name: `${name}-api-${which}`, ...(checkout === undefined ? {} : { checkout }) }),
    database: sequelize,
    charges: async () => {
      const sql = "SELECT COUNT(*) AS count FROM transfers WHERE kind='charge'";
      const [row] = await sequelize.query<{ count: number | string }>(sql, { type: QueryTypes.SELECT });
      return Number(row?.count);
    },
    close: async () => {
      await stopAll();
      await sequelize.query(`DROP DATABASE ${config.DB_NAME}`);
      await sequelize.close();
    },
  };
}

function environmentOf({ stack }: BenchContext, name: string, rootPassword: string, upstreamHost: string) {
  return {
    ...stack.environment,
    DB_NAME: `bench_${name.replaceAll('-', '_')}_${process.pid}`,
    JWT_SECRET: randomBytes(32).toString('hex'),
    KEY_ENCRYPTION_KEY: `1:${randomBytes(32).toString('base64')}`,
    PAYMENT_SECRET: randomBytes(32).toString('hex'),
    ROOT_PASSWORD: rootPassword,
    OUTBOUND_PRIVATE_HOSTS: upstreamHost,
    REGISTRATIONS_PER_HOUR: '1000',
    REGISTRATION_GRANT: '1000000',
  };
}

async function forgetEarlierRuns(config: Config): Promise<void> {
  const redis = new Redis({
    host: config.REDIS_HOST,
    port: config.REDIS_PORT,
    password: config.REDIS_PASSWORD,
    db: config.REDIS_DATABASE,
  });
  await redis.flushdb();
  redis.disconnect();
}

async function registerUpstream(api: Service, rootPassword: string, url: string): Promise<void> {
  const login = await call(api, 'POST', '/v1/auth/login', { body: { username: 'root', password: rootPassword } });
  const { token } = z.object({ token: z.string() }).parse(login.data);
  for (const [identifier, path] of [
    [MODEL, '/v1'],
    [PACED_MODEL, '/paced/v1'],
  ] as const) {
    const model = await call(api, 'POST', '/v1/models', {
      token,
      body: {
        displayName: identifier,
        modelIdentifier: identifier,
        capabilities: ['text-to-text'],
        pricing: { input: '0.000001', output: '0.000002' },
        providerName: identifier,
        kind: 'openai',
        urlBase: `${url}${path}`,
        apiKey: 'sk-bench-0000',
        status: 1,
      },
    });
    if (model.status >= 300) throw new Error(`the upstream was not registered: ${model.message}`);
  }
}

/** A short conversation, as chat clients send it. */
export function chatBody(model: string, options: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    model,
    messages: [
      { role: 'system', content: 'You are a helpful assistant of a small shop. Answer in two sentences at most.' },
      { role: 'user', content: 'What does a gateway do for those who call language models through it, in short?' },
    ],
    temperature: 0.7,
    max_tokens: 200,
    ...options,
  });
}
