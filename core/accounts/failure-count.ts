/**
 * How often something may fail in a quarter of an hour. What is under way counts as failed until it has ended, so that
 * a burst cannot slip through, but it locks nobody. Counted in Redis, in memory while Redis is away.
 */
import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import type { Redis } from '../../infra/redis/connection.ts';

const QUARTER_HOUR_SECONDS = 900;
/** Points of a process that died in the middle are lost as long. */
const UNDER_WAY_SECONDS = 30;
/** When something that is under way may have ended. */
const SOON_SECONDS = 1;

export type Admission = { readonly kind: 'admitted' } | Refusal;
/** `locked`: by failures; `busy`: too many are under way. */
export type Refusal = { readonly kind: 'locked' | 'busy'; readonly retryAfterSeconds: number };

export class FailureCount {
  readonly #failures: RateLimiterRedis;
  readonly #underWay: RateLimiterRedis;
  readonly #most: number;
  readonly #mostAtOnce: number;

  /** @param mostAtOnce under way, whatever has failed; as many as may fail unless given. */
  constructor(redis: Redis, name: string, most: number, mostAtOnce = most) {
    this.#failures = limiter(redis, name, most, QUARTER_HOUR_SECONDS);
    this.#underWay = limiter(redis, `${name}-under-way`, mostAtOnce, UNDER_WAY_SECONDS);
    this.#most = most;
    this.#mostAtOnce = mostAtOnce;
  }

  /** Begins an attempt. Who is admitted ends it with `ended`. @param subject of any length and with any character. */
  async begin(subject: string): Promise<Admission> {
    const key = keyOf(subject);
    // First this one, then the failures: an attempt that ends in between is seen twice rather than not at all.
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
