/** A process that spends one balance with many callers at once; its argument says how, its parent says when. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import { hold } from '../../core/ledger/operations/hold.ts';
import { readConfig } from '../../infra/config.ts';
import { callCapture, callHold, DAY, TABLES } from './calls.ts';

const spender = z.object({
  database: z.object({
    DB_HOST: z.string(),
    DB_PORT: z.number(),
    DB_NAME: z.string(),
    DB_USER: z.string(),
    DB_PASSWORD: z.string(),
    DB_POOL_SIZE: z.number(),
  }),
  accountId: z.number(),
  callers: z.number(),
  /** What each call holds, and the least it then costs. */
  hold: z.number(),
  leastCost: z.number(),
  /** Buys until the balance is less than one hold and nobody holds any more; otherwise each caller asks once. */
  retries: z.boolean(),
});

export type Spender = z.infer<typeof spender>;

const RETRY_MS = 20;
const options = spender.parse(JSON.parse(process.argv[2] ?? ''));
const queue = new CommitQueue({
  database: { ...readConfig({}), ...options.database },
  tables: TABLES,
  writerTtlMs: 10_000,
  dayOf: () => DAY,
  log: pino({ level: 'silent' }),
});
let sold = 0;
let refused = 0;
let spent = 0n;

/** One call. @returns whether it was sold. */
async function buy(): Promise<boolean> {
  const id = uuidv7();
  const outcome = await queue.submit(hold(callHold(id, options.accountId, BigInt(options.hold))));
  if (outcome.kind !== 'held') {
    refused += 1;
    return false;
  }
  const cost = BigInt(options.leastCost + Math.floor(Math.random() * (options.hold - options.leastCost + 1)));
  const charged = await queue.submit(callCapture(id, options.accountId, cost));
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

await queue.open();
process.send?.('ready');
await once(process, 'message');
await Promise.all(Array.from({ length: options.callers }, () => (options.retries ? buyOn() : buy())));
await queue.close();
process.send?.({ sold, refused, spent: spent.toString() });
