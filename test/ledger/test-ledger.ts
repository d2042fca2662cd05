/** A ledger of its own for a test: a migrated database on the stack's server, queues on it, and accounts. */
import { createConnection } from 'mysql2/promise';
import { pino } from 'pino';
import { QueryTypes, type Sequelize } from 'sequelize';
import { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import { openAccount } from '../../core/ledger/operations/credit.ts';
import type { Stack } from '../../devstack/stack.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { localDay } from '../../infra/calendar.ts';
import { type Config, readConfig } from '../../infra/config.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { migrateNew } from '../schema.ts';
import { DAY, TABLES } from './calls.ts';

export interface TestLedger {
  readonly config: Config;
  readonly sequelize: Sequelize;
  /** @param address where the commit queue finds the database, when not directly. */
  queue(writerTtlMs?: number, address?: Pick<Config, 'DB_HOST' | 'DB_PORT'>): CommitQueue;
  /** The day that its queues write from now on; undefined = that of the database's clock in Shanghai. At first `DAY`. */
  setToday(day: string | undefined): void;
  /** A new account with this balance. */
  account(available: bigint): Promise<number>;
  balance(accountId: number): Promise<bigint>;
  one(sql: string): Promise<Record<string, unknown>>;
  /** Waits until the condition holds. @throws after a minute. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  close(): Promise<void>;
}

const UNTIL_MS = 60_000;
let owners = 0;

/** The database is dropped and created again, so that a file can be run again. */
async function dropDatabase(config: Config): Promise<void> {
  const { DB_HOST: host, DB_PORT: port, DB_USER: user, DB_PASSWORD: password } = config;
  const connection = await createConnection({ host, port, user, password });
  await connection.query(`DROP DATABASE IF EXISTS ${config.DB_NAME}`);
  await connection.end();
}

/** @param database a name of its own for each test file. */
export async function testLedger(
  database: string,
  stack: Pick<Stack, 'environment'> = testStack(),
): Promise<TestLedger> {
  const config = readConfig({ ...stack.environment, DB_NAME: database });
  await dropDatabase(config);
  const sequelize = connectSequelize(config);
  await migrateNew(config, sequelize);
  const queues: CommitQueue[] = [];
  let today: string | undefined = DAY;
  const dayOf = (ms: number) => today ?? localDay(ms, 'Asia/Shanghai');
  const ledger: TestLedger = {
    config,
    sequelize,
    queue: (writerTtlMs = 10_000, address) => {
      const database = { ...config, ...address };
      const queue = new CommitQueue({ database, tables: TABLES, writerTtlMs, dayOf, log: pino({ level: 'silent' }) });
      queues.push(queue);
      return queue;
    },
    setToday: (day) => {
      today = day;
    },
    account: async (available) => {
      owners += 1;
      const [id] = await sequelize.query(
        "INSERT INTO accounts (owner_kind,owner_id,pending_grant) VALUES ('user',?,?)",
        { replacements: [process.pid * 1000 + owners, available.toString()], type: QueryTypes.INSERT },
      );
      const queue = queues[0] ?? ledger.queue();
      await queue.submit(openAccount(id));
      return id;
    },
    balance: async (accountId) => {
      const row = await ledger.one(`SELECT available FROM accounts WHERE id=${accountId}`);
      return BigInt(String(row.available));
    },
    one: async (sql) => {
      const [row] = await sequelize.query(sql, { type: QueryTypes.SELECT });
      return { ...row };
    },
    until: async (condition) => {
      const end = Date.now() + UNTIL_MS;
      while (!(await condition())) {
        if (Date.now() > end) throw new Error(`still not so after ${UNTIL_MS / 1_000} s: ${condition}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    close: async () => {
      await Promise.all(queues.map((queue) => queue.close()));
      await sequelize.close();
    },
  };
  return ledger;
}
