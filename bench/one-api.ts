/**
 * One API and its fork New API as the bench `peers` measures them: gateways sold by quota, as this one is by balance. They
 * are set up as their docker-compose.yml does it, with Redis and a database of their own on the server of the bench, which
 * waits for the disk at each commit.
 */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { QueryTypes, type Sequelize } from 'sequelize';
import type { BenchContext } from './bench.ts';
import { type BenchProduct, MODEL, PACED_MODEL } from './product.ts';
import type { SideProcess } from './side-process.ts';
import type { Ground, System } from './system.ts';

/** A Redis database of their own: they are measured by turns, and keep what they know of their users there. */
const REDIS_DATABASES = { 'one-api': '13', 'new-api': '14' } as const;
const CUSTOMERS = 8;
/** Their first account is the administrator's. */
const FIRST_CUSTOMER = 101;
const OPENAI = 1;
const ENABLED = 1;
const CONSUMED = 2;
/** In their smallest unit. */
const QUOTA = 1_000_000_000;

export interface OneApiOptions {
  readonly name: keyof typeof REDIS_DATABASES;
  readonly title: string;
  readonly program: string;
  /** A folder with cl100k_base and o200k_base, each named by the SHA-1 of its address; unset: they fetch them. */
  readonly tokenTables: string | undefined;
}

export async function oneApi(
  { start, folder, upstream }: Ground,
  { stack }: Pick<BenchContext, 'stack'>,
  { database }: Pick<BenchProduct, 'database'>,
  { name, title, program, tokenTables = '' }: OneApiOptions,
): Promise<System> {
  const { DB_HOST = '', DB_PORT = '', DB_USER = '', DB_PASSWORD = '' } = stack.environment;
  const { REDIS_HOST = '', REDIS_PORT = '', REDIS_PASSWORD = '' } = stack.environment;
  const schema = `bench_${name.replace('-', '_')}_${globalThis.process.pid}`;
  const redisUrl = `redis://:${encodeURIComponent(REDIS_PASSWORD)}@${REDIS_HOST}:${REDIS_PORT}/${REDIS_DATABASES[name]}`;
  const home = folder(name);
  await database.query(`CREATE DATABASE ${schema} CHARACTER SET utf8mb4`);
  const startProgram = (): Promise<SideProcess> =>
    start(name, {
      command: program,
      args: (port) => ['--port', String(port)],
      healthPath: '/api/status',
      environment: {
        SQL_DSN: `${DB_USER}:${DB_PASSWORD}@tcp(${DB_HOST}:${DB_PORT})/${schema}`,
        REDIS_CONN_STRING: redisUrl,
        SYNC_FREQUENCY: '60',
        // They read the tables of OpenAI's tokenizer from there; otherwise from the network.
        TIKTOKEN_CACHE_DIR: tokenTables,
        SESSION_SECRET: randomBytes(16).toString('hex'),
      },
      workingFolder: home,
    });
  await forgetEarlierRuns(redisUrl);
  // The first start makes the tables; what is in them is read at the second.
  await (await startProgram()).stop();
  const keys = await fill(database, schema, upstream);
  const process = await startProgram();
  return {
    ...{ name: title, process, usesDatabase: true, isOurs: false },
    target: (model) => ({
      url: `${process.url}/v1/chat/completions`,
      model,
      headers: keys.map((key) => ({ authorization: `Bearer sk-${key}` })),
    }),
    kept: async () => {
      const sql = `SELECT COUNT(*) AS count FROM ${schema}.logs WHERE type = ${CONSUMED}`;
      const [row] = await database.query<{ count: number | string }>(sql, { type: QueryTypes.SELECT });
      return Number(row?.count);
    },
  };
}

/** @returns the keys of its customers, who have much money. */
async function fill(database: Sequelize, schema: string, upstream: string): Promise<string[]> {
  const insert = async (table: string, row: Readonly<Record<string, string | number>>) => {
    const columns = Object.keys(row).map((column) => `\`${column}\``);
    const sql = `INSERT INTO ${schema}.${table} (${columns}) VALUES (${columns.map(() => '?')})`;
    await database.query(sql, { replacements: Object.values(row) });
  };
  const models = [
    { id: 1, model: MODEL, address: upstream },
    { id: 2, model: PACED_MODEL, address: `${upstream}/paced` },
  ];
  await insert('options', { key: 'ModelRatio', value: JSON.stringify({ [MODEL]: 0.5, [PACED_MODEL]: 0.5 }) });
  for (const { id, model, address } of models) {
    const provider = { type: OPENAI, key: 'sk-bench-0000', base_url: address };
    await insert('channels', { id, name: model, models: model, group: 'default', status: ENABLED, ...provider });
    await insert('abilities', { group: 'default', model, channel_id: id, enabled: 1, priority: 0 });
  }
  const keys = Array.from({ length: CUSTOMERS }, () => randomBytes(24).toString('hex'));
  for (const [index, key] of keys.entries()) {
    const id = FIRST_CUSTOMER + index;
    const names = { username: `bench${id}`, aff_code: `b${id}`, access_token: `b${id}` };
    await insert('users', { id, ...names, password: '-', role: 1, status: ENABLED, group: 'default', quota: QUOTA });
    const limits = { expired_time: -1, remain_quota: QUOTA, unlimited_quota: 0 };
    await insert('tokens', { id, user_id: id, name: 'bench', key, status: ENABLED, ...limits });
  }
  return keys;
}

async function forgetEarlierRuns(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushdb();
  redis.disconnect();
}
