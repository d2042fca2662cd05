/** The whole product for a test: simulator, API processes and a worker on a database and queues of their own. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { QueryTypes, type Sequelize } from 'sequelize';
import { z } from 'zod';
import { type Service, type ServiceKind, startService } from '../../devstack/services.ts';
import type { Stack } from '../../devstack/stack.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { type Config, readConfig } from '../../infra/config.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { openRedis } from '../../infra/redis/connection.ts';
import { migrateNew } from '../schema.ts';
import { apiFetch, assertContractKept, readContract } from './api-fetch.ts';
import { registerNamespace } from './namespace.ts';

export interface Product {
  readonly stack: Stack;
  readonly config: Config;
  /** Settings of its processes, for one more of them. */
  readonly environment: Readonly<Record<string, string>>;
  readonly simulator: Service;
  readonly apis: readonly Service[];
  readonly worker: Service;
  readonly rootPassword: string;
  /** Reads of the database, for what no route shows. */
  rows(sql: string): Promise<Record<string, unknown>[]>;
  /** How many holds of calls and jobs are open, of all users or of one. What a process leases is no hold of a call. */
  openHolds(userId?: number): Promise<number>;
  /** Whether every call and job has ended and been paid: a lease goes back when no call of it is under way. */
  isSettled(): Promise<boolean>;
  /** Changes of the database, for what breaks by no route. */
  execute(sql: string): Promise<void>;
  close(): Promise<void>;
}

export interface ProductOptions {
  /** Names the database, the processes and their logs; one for each test file. */
  readonly name: string;
  readonly apis?: number;
  /** Default: there is one. A test without jobs, orders and webhooks does not need it. */
  readonly worker?: false;
  readonly settings?: Readonly<Record<string, string>>;
  /** `host:port` of providers that the test itself runs. */
  readonly privateHosts?: readonly string[];
}

const DATABASE_BUSY_MS = 10_000;
const REDIS_ANSWER_MS = 30_000;

/** Starts all of it and waits until each process is healthy. Where one is not, none stays: it would serve other tests. */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const started: Promise<Service>[] = [];
  try {
    return await start(options, started);
  } catch (error) {
    for (const service of await Promise.allSettled(started)) {
      if (service.status === 'fulfilled') await service.value.stop();
    }
    throw error;
  }
}

async function start(options: ProductOptions, started: Promise<Service>[]): Promise<Product> {
  const stack = testStack();
  const startOne = (kind: ServiceKind, environment: Readonly<Record<string, string>>, suffix = '') => {
    const name = `${options.name}-${kind}${suffix}`;
    const service = startService({ kind, name, dataFolder: stack.dataFolder, environment });
    started.push(service);
    return service;
  };
  const rootPassword = randomBytes(12).toString('hex');
  const database = `line_${options.name.replaceAll('-', '_')}_${process.pid}`;
  const namespace = `${options.name}-${process.pid}-${Date.now()}`;
  const base = {
    ...stack.environment,
    DB_NAME: database,
    TEMPORAL_NAMESPACE: namespace,
    MONGODB_URI: withDatabase(stack.environment.MONGODB_URI ?? '', database),
    JWT_SECRET: randomBytes(32).toString('hex'),
    KEY_ENCRYPTION_KEY: `1:${randomBytes(32).toString('base64')}`,
    PAYMENT_SECRET: randomBytes(32).toString('hex'),
    PAYMENT_SANDBOX: 'true',
    ROOT_PASSWORD: rootPassword,
    REGISTRATIONS_PER_HOUR: '100000',
    WEAK_HASHES_FOR_TESTS: 'true',
    ...options.settings,
  };
  const config = readConfig(base);
  const sequelize = connectSequelize(config);
  const [simulator] = await Promise.all([
    startOne('simulator', {}),
    migrateInTime(config, sequelize),
    emptyRedis(config),
    registerNamespace(stack.environment.TEMPORAL_ADDRESS ?? '', namespace),
  ]);
  const environment = {
    SIMULATOR_URL: simulator.url,
    OUTBOUND_PRIVATE_HOSTS: [new URL(simulator.url).host, ...(options.privateHosts ?? [])].join(','),
    ...base,
  };
  const [worker, apis] = await Promise.all([
    options.worker === false ? undefined : startOne('worker', environment),
    Promise.all(Array.from({ length: options.apis ?? 1 }, (_, index) => startOne('api', environment, `-${index}`))),
  ]);
  if (apis[0]) await readContract(apis[0].url);
  return {
    stack,
    config: readConfig(environment),
    environment,
    simulator,
    apis,
    get worker() {
      assert.ok(worker, 'this product was started without a worker');
      return worker;
    },
    rootPassword,
    rows: (sql) => selectRows(sequelize, sql),
    isSettled: async () => (await selectRows(sequelize, "SELECT id FROM holds WHERE state='open'")).length === 0,
    openHolds: async (userId) => {
      const ofUser = userId === undefined ? '' : ` AND a.owner_id=${userId}`;
      const sql = `SELECT h.id FROM holds h JOIN accounts a ON a.id=h.account_id WHERE h.state='open' AND h.owner<>'lease'${ofUser}`;
      return (await selectRows(sequelize, sql)).length;
    },
    execute: async (sql) => {
      await sequelize.query(sql);
    },
    close: async () => {
      await Promise.all([...apis, worker, simulator].map((service) => service?.stop(DATABASE_BUSY_MS)));
      await sequelize.close();
      assertContractKept();
    },
  };
}

/** A busy machine may take longer to connect than the driver waits. @throws when it is the tenth time. */
async function migrateInTime(config: Config, sequelize: Sequelize): Promise<void> {
  for (let left = 10; ; left -= 1) {
    try {
      await migrateNew(config, sequelize);
      return;
    } catch (error) {
      const late = error instanceof Error && 'code' in error && error.code === 'ETIMEDOUT';
      if (late && left > 1) continue;
      // Its connections would keep the test's process alive.
      await sequelize.close();
      throw error;
    }
  }
}

/** An earlier file that used the same database has left circuits and limits of the same ids and addresses. */
export async function emptyRedis(config: Config): Promise<void> {
  // A busy machine may take longer than the half second that the product gives a command.
  const redis = await openRedis(config, REDIS_ANSWER_MS);
  try {
    await redis.flushdb();
  } finally {
    redis.disconnect();
  }
}

/** The usage log of another test has the same user ids. */
function withDatabase(uri: string, database: string): string {
  const url = new URL(uri);
  url.pathname = `/${database}`;
  return url.href;
}

async function selectRows(sequelize: Sequelize, sql: string): Promise<Record<string, unknown>[]> {
  const rows = await sequelize.query(sql, { type: QueryTypes.SELECT });
  return rows.map((row) => ({ ...row }));
}

const envelope = z.object({ code: z.number(), message: z.string(), data: z.unknown(), traceId: z.string() });

export interface Answer {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
  readonly headers: Headers;
}

/** One call of the API, its envelope opened. @throws {AssertionError} as `apiFetch`. */
export async function call(
  api: Pick<Service, 'url'> | undefined,
  method: string,
  path: string,
  options: { token?: string; key?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  if (!api) throw new Error('there is no such API process');
  const answer = await apiFetch(`${api.url}${path}`, {
    method,
    headers: {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...(options.key === undefined ? {} : { 'access-key': options.key }),
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  const { code, message, data } = envelope.parse(await answer.json());
  return { status: answer.status, code, message, data, headers: answer.headers };
}

export interface Customer {
  readonly userId: number;
  readonly name: string;
  readonly token: string;
  readonly key: string;
}

let customers = 0;

/** A registered user with an access key. */
export async function newCustomer(api: Pick<Service, 'url'> | undefined, keyBody: object = {}): Promise<Customer> {
  customers += 1;
  const name = `customer-${process.pid}-${customers}`;
  const credentials = { username: name, password: `pass-${name}` };
  await call(api, 'POST', '/v1/auth/register', { body: credentials });
  const login = await call(api, 'POST', '/v1/auth/login', { body: credentials });
  const { token } = z.object({ token: z.string() }).parse(login.data);
  const me = await call(api, 'GET', '/v1/auth/me', { token });
  const created = await call(api, 'POST', '/v1/access-keys', { token, body: keyBody });
  const { keyValue } = z.object({ keyValue: z.string() }).parse(created.data);
  return { userId: z.object({ id: z.number() }).parse(me.data).id, name, token, key: keyValue };
}

const jobSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  cost: z.number().nullable(),
  errorMessage: z.string().nullable(),
  resultPayload: z.unknown(),
});

/** Polls a job to its end, over process restarts. */
export async function jobEnd(api: Pick<Service, 'url'> | undefined, key: string, jobId: string, withinMs = 120_000) {
  const until = Date.now() + withinMs;
  for (;;) {
    const job = await call(api, 'GET', `/v1/async/jobs/${jobId}?wait=5`, { key }).then(
      (answer) => jobSchema.safeParse(answer.data).data,
      () => undefined,
    );
    if (job && !['PENDING', 'PROCESSING'].includes(job.status)) return job;
    if (Date.now() > until) throw new Error(`job ${jobId} has not ended: ${JSON.stringify(job)}`);
    if (!job) await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
