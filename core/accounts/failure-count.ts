/**
 * How often something may fail in 15 minutes. A running attempt counts as failed until it has ended, so that a burst
 * cannot slip through, but it does not lock anybody out. Counted in Redis, or in memory while Redis is away.
 */
import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { Redis } from '../../infra/redis/connection.ts';

const QUARTER_HOUR_SECONDS = 900;
/** If a process dies in between, its points are missing for this long. */
const UNDER_WAY_SECONDS = 30;
/** When a running attempt may have ended. */
const SOON_SECONDS = 1;

export type Admission = { readonly kind: 'admitted' } | Refusal;
/** `locked`: too many failures; `busy`: too many running attempts. */
export type Refusal = { readonly kind: 'locked' | 'busy'; readonly retryAfterSeconds: number };

export class FailureCount {
  readonly #failures: RateLimiterRedis;
  readonly #underWay: RateLimiterRedis;
  readonly #most: number;
  readonly #mostAtOnce: number;

  /** @param mostAtOnce running attempts, independent of failures; by default as many as may fail. */
  constructor(redis: Redis, name: string, most: number, mostAtOnce = most) {
    this.#failures = limiter(redis, name, most, QUARTER_HOUR_SECONDS);
    this.#underWay = limiter(redis, `${name}-under-way`, mostAtOnce, UNDER_WAY_SECONDS);
    this.#most = most;
    this.#mostAtOnce = mostAtOnce;
  }

  /** Begins an attempt; if admitted, the caller ends it with `ended`. @param subject any text of any length. */
  async begin(subject: string): Promise<Admission> {
    const key = keyOf(subject);
    // Running attempts first, then failures: an attempt that ends in between counts twice rather than not at all.
    const underWay = (await this.#underWay.penalty(key)).consumedPoints;
    const failures = await this.#failures.get(key);
    const failed = failures?.consumedPoints ?? 0;
    const tried = failed + Math.max(1, underWay);
    if (tried <= this.#most && underWay <= this.#mostAtOnce) return { kind: 'admitted' };
    await this.#underWay.reward(key);
    if (failures === null || failed < this.#most) return { kind: 'busy', retryAfterSeconds: SOON_SECONDS };
    return { kind: 'locked', retryAfterSeconds: Math.max(1, Math.ceil(failures.msBeforeNext / 1_000)) };
  }

  async ended(subject: string, failed: boolean): Promise<void> {
    const key = keyOf(subject);
    if (failed) await this.#failures.penalty(key);
    await this.#underWay.reward(key);
  }

  /** Forgets the failures. */
  async clear(subject: string): Promise<void> {
    await this.#failures.delete(keyOf(subject));
  }
}

export function limiter(redis: Redis, name: string, points: number, durationSeconds: number): RateLimiterRedis {
  return new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `limit:${name}`,
    points,
    duration: durationSeconds,
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory({ keyPrefix: name, points, duration: durationSeconds }),
  });
}

function keyOf(subject: string): string {
  return createHash('sha256').update(subject).digest('base64url');
}
