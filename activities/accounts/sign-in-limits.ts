/** How often somebody may try to sign in or to register; counted in Redis, in memory while Redis is away. */
import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../../infra/errors.ts';
import type { Redis } from '../../infra/redis/connection.ts';

const QUARTER_HOUR_SECONDS = 900;
const HOUR_SECONDS = 3_600;
/** Wrong passwords for one account, from anywhere, before it is locked for the rest of the quarter hour. */
const FAILURES_PER_ACCOUNT = 10;
/** Wrong passwords from one address, for any account. */
const FAILURES_PER_ADDRESS = 50;

export interface SignInLimits {
  /**
   * Counts an attempt before it is made, so that a burst cannot slip through.
   * @param account text that is the same for every spelling of the name.
   * @throws {AppError} accountLocked, or tooManyRequests for the address; both with Retry-After.
   */
  beforeAttempt(account: string, address: string): Promise<void>;
  /** Takes the attempt back: only failures count. */
  afterSuccess(account: string, address: string): Promise<void>;
  /** @throws {AppError} tooManyRequests when the address has registered too many users. */
  beforeRegistration(address: string): Promise<void>;
}

/** @param registrationsPerHour from one address. */
export function createSignInLimits(redis: Redis, registrationsPerHour: number): SignInLimits {
  const accounts = limiter(redis, 'sign-in:account', FAILURES_PER_ACCOUNT, QUARTER_HOUR_SECONDS);
  const addresses = limiter(redis, 'sign-in:address', FAILURES_PER_ADDRESS, QUARTER_HOUR_SECONDS);
  const registrations = limiter(redis, 'register:address', registrationsPerHour, HOUR_SECONDS);
  return {
    async beforeAttempt(account, address) {
      await consume(addresses, address, (seconds) => tooMany('sign-in attempts', seconds));
      await consume(accounts, accountKey(account), (seconds) => {
        const text = 'too many wrong passwords: the account is locked for a while';
        return new AppError('accountLocked', text, { retryAfterSeconds: seconds });
      });
    },
    async afterSuccess(account, address) {
      await Promise.all([accounts.delete(accountKey(account)), addresses.reward(address)]);
    },
    beforeRegistration: (address) => consume(registrations, address, (seconds) => tooMany('registrations', seconds)),
  };
}

function tooMany(what: string, retryAfterSeconds: number): AppError {
  return new AppError('tooManyRequests', `too many ${what} from this address`, { retryAfterSeconds });
}

function limiter(redis: Redis, name: string, points: number, durationSeconds: number): RateLimiterRedis {
  return new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `limit:${name}`,
    points,
    duration: durationSeconds,
    rejectIfRedisNotReady: true,
    insuranceLimiter: new RateLimiterMemory({ keyPrefix: name, points, duration: durationSeconds }),
  });
}

async function consume(from: RateLimiterRedis, key: string, refusal: (seconds: number) => AppError): Promise<void> {
  try {
    await from.consume(key);
  } catch (rejection) {
    if (!(rejection instanceof RateLimiterRes)) throw rejection;
    throw refusal(Math.max(1, Math.ceil(rejection.msBeforeNext / 1000)));
  }
}

/** Of any length and with any character; Redis gets its hash. */
function accountKey(account: string): string {
  return createHash('sha256').update(account).digest('base64url');
}
