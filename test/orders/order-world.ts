/** Orders on the real database for a test: several processes' worth of queues and services, and users with accounts. */

import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import { QueryTypes, type Sequelize } from 'sequelize';
import { createOrders } from '../../activities/orders/create-orders.ts';
import { orders as orderTable } from '../../activities/orders/order.ts';
import type { Orders } from '../../activities/orders/orders.ts';
import { paymentEvents } from '../../activities/orders/payment-event-table.ts';
import type { PaymentCall, Payments } from '../../activities/orders/payments.ts';
import type { SignalSettled } from '../../activities/orders/settled-signal.ts';
import { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import { Ledger } from '../../core/ledger/ledger.ts';
import { accounts } from '../../core/ledger/tables/accounts.ts';
import { transfers } from '../../core/ledger/tables/transfers.ts';
import { testStack } from '../../devstack/test-stack.ts';
import { localDay } from '../../infra/calendar.ts';
import { type Config, readConfig } from '../../infra/config.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import type { WorkflowStart } from '../../workflows/contracts.ts';
import { migrateNew } from '../schema.ts';

const PAYMENT_SECRET = 'payment-secret-of-the-test';

/** What one process of the product would hold. */
export interface OrderProcess {
  readonly orders: Orders;
  readonly payments: Payments;
}

interface ProcessOptions {
  readonly kick?: (start: WorkflowStart) => void;
  readonly signalSettled?: SignalSettled;
  /** Further settings of the product. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface OrderWorld {
  readonly config: Config;
  readonly sequelize: Sequelize;
  process(options?: ProcessOptions): Promise<OrderProcess>;
  /** A new user with an account. @returns the user's id. */
  user(available?: bigint): Promise<number>;
  /** Balance, and sum of the transfers, of a user's account. */
  money(userId: number): Promise<{ available: bigint; debt: bigint; transferred: bigint }>;
  rows(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** @param database a name of its own for each test file; dropped and created again. */
export async function orderWorld(database: string): Promise<OrderWorld> {
  const environment = { ...testStack().environment, DB_NAME: database, PAYMENT_SECRET };
  const config = readConfig(environment);
  await dropDatabase(config);
  const sequelize = connectSequelize(config);
  await migrateNew(config, sequelize);
  const queues: CommitQueue[] = [];
  const log = pino({ level: 'silent' });
  const dayOf = (ms: number) => localDay(ms, config.APP_TIME_ZONE);
  const tables = [accounts, orderTable, transfers, paymentEvents];
  let users = 0;
  const rows = async (sql: string): Promise<Record<string, unknown>[]> => {
    const found = await sequelize.query(sql, { type: QueryTypes.SELECT });
    return found.map((row) => ({ ...row }));
  };
  return {
    config,
    sequelize,
    rows,
    process: async ({ kick, signalSettled, settings } = {}) => {
      const queue = new CommitQueue({ database: config, tables, writerTtlMs: 10_000, dayOf, log });
      queues.push(queue);
      await queue.open();
      return createOrders({
        ledger: new Ledger(queue, sequelize, config.APP_TIME_ZONE),
        sequelize,
        starter: { kick: kick ?? (() => undefined) },
        accountIdOf: async (userId) => {
          const [row] = await rows(`SELECT id FROM accounts WHERE owner_kind='user' AND owner_id=${userId}`);
          return row && Number(row.id);
        },
        signalSettled: signalSettled ?? (() => undefined),
        config: readConfig({ ...environment, ...settings }),
        log,
      });
    },
    user: async (available = 0n) => {
      users += 1;
      const userId = users;
      await sequelize.query("INSERT INTO accounts (owner_kind,owner_id,available) VALUES ('user',?,?)", {
        replacements: [userId, available.toString()],
        type: QueryTypes.INSERT,
      });
      return userId;
    },
    money: async (userId) => {
      const [row] = await rows(
        `SELECT available,debt,(SELECT COALESCE(SUM(t.amount),0) FROM transfers t WHERE t.account_id=a.id) AS transferred
           FROM accounts a WHERE owner_kind='user' AND owner_id=${userId}`,
      );
      const [available, debt, transferred] = [row?.available, row?.debt, row?.transferred].map((value) =>
        BigInt(String(value)),
      );
      return { available: available ?? -1n, debt: debt ?? -1n, transferred: transferred ?? -1n };
    },
    close: async () => {
      await Promise.all(queues.map((queue) => queue.close()));
      await sequelize.close();
    },
  };
}

async function dropDatabase(config: Config): Promise<void> {
  const server = connectSequelize({ ...config, DB_NAME: 'information_schema' });
  await server.query(`DROP DATABASE IF EXISTS \`${config.DB_NAME}\``);
  await server.close();
}

export interface Notice {
  readonly orderNo: string;
  /** Nano-units. */
  readonly amount: bigint;
  readonly eventId: string;
  readonly currency?: string;
  readonly type?: string;
}

/** The JSON that a payment provider sends. */
export function callbackBody({ orderNo, amount, eventId, currency = 'CNY', type }: Notice): string {
  const text = `${amount / 1_000_000_000n}.${String(amount % 1_000_000_000n).padStart(9, '0')}`;
  return JSON.stringify({ orderNo, amount: text, currency, eventId, ...(type === undefined ? {} : { type }) });
}

/** Value of X-Payment-Signature for a body, made as its description says. */
export function paymentSignature(body: string, ageSeconds = 0, secret = PAYMENT_SECRET): string {
  const time = Math.floor(Date.now() / 1000) - ageSeconds;
  return `t=${time},v1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`;
}

/** The same as it reaches the service behind the route. */
export function signedCall(notice: Notice): PaymentCall {
  const body = callbackBody(notice);
  const { orderNo, amount, eventId, currency = 'CNY', type } = notice;
  return {
    kind: type === 'chargeback' ? 'chargeback' : 'payment',
    signature: paymentSignature(body),
    caller: undefined,
    rawBody: Buffer.from(body),
    fields: { orderNo, amount, currency, eventId, type },
  };
}
