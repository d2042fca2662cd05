/** What the processes of a run on the ledger share: accounts, keys with budgets, and ids that several of them use. */
import { createHash } from 'node:crypto';
import { z } from 'zod';

const accessKey = z.object({ id: z.number(), accountId: z.number(), limit: z.number() });

export const ledgerWorld = z.object({
  /** The database as the process reaches it: through its relay. */
  database: z.object({
    DB_HOST: z.string(),
    DB_PORT: z.number(),
    DB_NAME: z.string(),
    DB_USER: z.string(),
    DB_PASSWORD: z.string(),
    DB_POOL_SIZE: z.number(),
  }),
  accounts: z.array(z.number()).min(1),
  accessKeys: z.array(accessKey).min(1),
  startedAtMs: z.number(),
  writerTtlMs: z.number(),
  callers: z.number(),
  /** They make streams only, whose charges may wait for others: between other operations nearly none of them waits. */
  onlyStreams: z.boolean(),
  /** Share of an account that a process leases; 0: nothing. */
  leaseShare: z.number(),
  /** Where this process records its requests and answers. */
  recordFile: z.string(),
  seed: z.number(),
});

export type LedgerWorld = z.infer<typeof ledgerWorld>;

/** Seeded numbers (mulberry32), so that a run's choices can be made again. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  oneOf<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to choose from');
    return item;
  }
}

/** A new id of something shared appears this often; a process picks among the last few, so that several meet on one. */
const TOP_UP_EVERY_MS = 10;
const CLAIM_EVERY_MS = 15;
const RECENT = 20;

export interface TopUp {
  readonly id: string;
  readonly accountId: number;
  readonly amount: bigint;
}

/** A payment that several processes hear of: the same number means the same account and amount everywhere. */
export function recentTopUp(world: LedgerWorld, chance: Chance): TopUp {
  const number = recent(world, TOP_UP_EVERY_MS, chance);
  const mixed = new Chance(number * 7_919 + 1);
  return { id: `order-${number}`, accountId: mixed.oneOf(world.accounts), amount: BigInt(mixed.below(1_600)) };
}

/** An idempotency key that several processes use. */
export function recentClaimKey(world: LedgerWorld, chance: Chance): string {
  return `key-${recent(world, CLAIM_EVERY_MS, chance)}`;
}

function recent(world: LedgerWorld, everyMs: number, chance: Chance): number {
  return Math.floor((Date.now() - world.startedAtMs) / everyMs) - chance.below(RECENT) + RECENT;
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** A budget's period lasts this long here. */
const PERIOD_MS = 4_000;
/** Clocks differ, and a request may be decided a while after its period was read. */
const PERIOD_LAG_MS = 400;

/** First day of the budget period, as a process with a slightly wrong clock reads it. */
export function budgetPeriod(world: LedgerWorld, chance: Chance): string {
  const elapsed = Math.max(0, Date.now() - world.startedAtMs - chance.below(PERIOD_LAG_MS));
  const first = Date.parse('2026-01-01T00:00:00Z');
  return new Date(first + Math.floor(elapsed / PERIOD_MS) * 86_400_000).toISOString().slice(0, 10);
}
