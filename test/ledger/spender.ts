/** A process that spends one balance with many callers at once; its argument says how, its parent says when. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import { LeaseBook } from '../../core/ledger/leases/lease-book.ts';
import { LeaseRecall } from '../../core/ledger/leases/lease-recall.ts';
import { Ledger } from '../../core/ledger/ledger.ts';
import type { HoldRequest } from '../../core/ledger/operations/hold.ts';
import { leaseTerms } from '../../core/ledger/operations/lease.ts';
import { readConfig } from '../../infra/config.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { connectRedis } from '../../infra/redis/connection.ts';
import { createInvalidation } from '../../infra/redis/invalidation.ts';
import { callHold, callRequest, DAY, TABLES } from './calls.ts';

const spender = z.object({
  /** Settings of the servers. */
  environment: z.record(z.string(), z.string()),
  accountId: z.number(),
  callers: z.number(),
  /** What each call holds, and the least it then costs. */
  hold: z.number(),
  leastCost: z.number(),
  /** The budget of the access key that all use, if it has one. */
  budget: z.number().optional(),
  /** Buys until the balance is less than one hold and nobody holds any more; otherwise each caller asks once. */
  retries: z.boolean(),
  /** How the account is leased from. */
  leases: z.object({ share: z.number(), richTimes: z.number() }),
});

export type Spender = z.infer<typeof spender>;

const RETRY_MS = 20;
/** Callers at once where each asks once: leases are for calls that come one after the other. */
const AT_ONCE = 25;
/** A refused caller asks again as long as something is leased, at most so often: the machine may be slow. */
const RECALLS = 20;
const ACCESS_KEY = 1;

const options = spender.parse(JSON.parse(process.argv[2] ?? ''));
const config = readConfig(options.environment);
const log = pino({ level: 'silent' });
const queue = new CommitQueue({ database: config, tables: TABLES, writerTtlMs: 10_000, dayOf: () => DAY, log });
const sequelize = connectSequelize(config);
const redis = [connectRedis(config, log, 'commands'), connectRedis(config, log, 'invalidations')] as const;
const invalidation = createInvalidation(...redis, log);
const terms = { ...leaseTerms(options.leases.share), richTimes: BigInt(options.leases.richTimes) };
const book = new LeaseBook({ queue, terms, log });
invalidation.on('lease', (id) => book.recall(Number(id)));
const recall = new LeaseRecall(sequelize, (accountId) => invalidation.publish('lease', accountId));
const ledger = new Ledger(queue, sequelize, 'UTC', { book, recall });
let sold = 0;
let leased = 0;
let refused = 0;
let spent = 0n;

function request(): HoldRequest {
  const call = callHold(uuidv7(), options.accountId, BigInt(options.hold));
  if (options.budget === undefined) return call;
  return { ...call, accessKeyId: ACCESS_KEY, budget: { limit: BigInt(options.budget), periodStart: DAY } };
}

async function take(call: HoldRequest): Promise<boolean> {
  for (let recalls = 0; ; recalls += 1) {
    const { kind } = await ledger.hold(call);
    if (kind === 'held') return true;
    if (recalls === RECALLS || !(await ledger.recall(options.accountId))) return false;
  }
}

/** One call. @returns whether it was sold. */
async function buy(): Promise<boolean> {
  const call = request();
  if (!(await take(call))) {
    refused += 1;
    return false;
  }
  const cost = BigInt(options.leastCost + Math.floor(Math.random() * (options.hold - options.leastCost + 1)));
  const budgetKeyId = options.budget === undefined ? null : ACCESS_KEY;
  if (book.calls.has(call.id)) leased += 1;
  const charged = await ledger.capture({ ...callRequest(call.id, options.accountId, cost), budgetKeyId });
  if (charged.kind !== 'captured') throw new Error(`a held call ended as ${charged.kind}`);
  sold += 1;
  spent += charged.charged;
  return true;
}

/** A refused caller gives up only when it is refused again after a while: others may have given money back. */
async function buyOn(): Promise<void> {
  for (let refusals = 0; refusals < 5; ) {
    if (await buy()) refusals = 0;
    else {
      refusals += 1;
      await delay(RETRY_MS);
    }
  }
}

/** Every process has a lease when they begin: two calls that are asked for bring one. */
async function takeLease(): Promise<void> {
  while (book.left === 0n) {
    book.admit(request());
    await delay(RETRY_MS);
  }
}

await queue.open();
await takeLease();
process.send?.('ready');
await once(process, 'message');
let asked = 0;
async function callers(): Promise<void> {
  while (asked < options.callers) {
    asked += 1;
    await (options.retries ? buyOn() : buy());
  }
}
await Promise.all(Array.from({ length: options.retries ? options.callers : AT_ONCE }, callers));
await book.close();
await queue.close();
await sequelize.close();
for (const connection of redis) connection.disconnect();
process.send?.({ sold, leased, refused, spent: spent.toString() });
