/**
 * Successes and failures of keys and models in the last five minutes: of all processes, summed in Redis every few
 * seconds; of this process alone while Redis is away. Statistics, not truth: counts of a sum that failed are dropped.
 */
import type { Logger } from 'pino';
import { z } from 'zod';
import { OutageLog } from '../../infra/outage-log.ts';
import type { Redis } from '../../infra/redis/connection.ts';
import { redisScript } from '../../infra/redis/script.ts';
import { type Outcomes, OutcomeWindow } from './outcome-window.ts';

export interface RecentOutcomesOptions {
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly redis: Redis | undefined;
}

const SUM_EVERY_MS = 5_000;
/** Older sums are not used: Redis was away meanwhile. */
const SUMS_LIVE_MS = 4 * SUM_EVERY_MS;

const outcomesScript = redisScript(new URL('outcomes.lua', import.meta.url));
const replySchema = z.array(z.union([z.string(), z.number().int()]));

interface ProviderSums {
  /** Counted here and not added in Redis yet. */
  unsent: Map<string, { successes: number; failures: number }>;
  all: ReadonlyMap<string, Outcomes>;
  readAtMs: number;
}

export class RecentOutcomes {
  readonly #options: RecentOutcomesOptions;
  readonly #own = new OutcomeWindow();
  readonly #providers = new Map<number, ProviderSums>();
  readonly #providerOf = new Map<string, ProviderSums>();
  readonly #outage: OutageLog;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(options: RecentOutcomesOptions) {
    this.#options = options;
    this.#outage = new OutageLog(options.log, 'failure rates are of this process only for the time being');
    if (options.redis) this.#timer = setInterval(() => void this.sum(), SUM_EVERY_MS).unref();
  }

  /** Shows the provider's sums of all processes from the next sum on. */
  watch(providerId: number): void {
    this.#provider(providerId);
  }

  record(providerId: number, subject: string, failed: boolean): void {
    this.#own.record(subject, failed, this.#options.nowMs());
    if (!this.#options.redis) return;
    const provider = this.#provider(providerId);
    this.#providerOf.set(subject, provider);
    const { unsent } = provider;
    const counts = unsent.get(subject) ?? { successes: 0, failures: 0 };
    unsent.set(subject, counts);
    if (failed) counts.failures += 1;
    else counts.successes += 1;
  }

  of(subject: string): Outcomes {
    const nowMs = this.#options.nowMs();
    const provider = this.#providerOf.get(subject);
    if (provider === undefined || nowMs - provider.readAtMs > SUMS_LIVE_MS) return this.#own.outcomes(subject, nowMs);
    const all = provider.all.get(subject);
    const unsent = provider.unsent.get(subject);
    return {
      successes: (all?.successes ?? 0) + (unsent?.successes ?? 0),
      failures: (all?.failures ?? 0) + (unsent?.failures ?? 0),
    };
  }

  /** Sums every provider's counts with those of the other processes. Runs by itself every five seconds. */
  async sum(): Promise<void> {
    await Promise.all([...this.#providers].map(([providerId, sums]) => this.#sumProvider(providerId, sums)));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #sumProvider(providerId: number, sums: ProviderSums): Promise<void> {
    const { redis, nowMs } = this.#options;
    if (redis?.status !== 'ready') {
      // What cannot be shared is not kept.
      sums.unsent = new Map();
      return;
    }
    const sent = sums.unsent;
    sums.unsent = new Map();
    const args = [...sent].flatMap(([subject, { successes, failures }]) => [subject, successes, failures]);
    try {
      sums.all = readSums(await outcomesScript(redis, [`keys:{provider-${providerId}}:outcomes`], args));
      sums.readAtMs = nowMs();
      for (const subject of sums.all.keys()) this.#providerOf.set(subject, sums);
      this.#outage.over();
    } catch (error) {
      this.#outage.failed(error);
    }
  }

  #provider(providerId: number): ProviderSums {
    const sums = this.#providers.get(providerId) ?? {
      unsent: new Map(),
      all: new Map(),
      readAtMs: Number.NEGATIVE_INFINITY,
    };
    this.#providers.set(providerId, sums);
    return sums;
  }
}

function readSums(reply: unknown): Map<string, Outcomes> {
  const parts = replySchema.parse(reply);
  const sums = new Map<string, Outcomes>();
  for (let index = 0; index < parts.length; index += 3) {
    const [subject, successes, failures] = parts.slice(index, index + 3);
    sums.set(String(subject), { successes: Number(successes), failures: Number(failures) });
  }
  return sums;
}
