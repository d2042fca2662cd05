/** How often somebody may try to sign in or to register. */
import { RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../../infra/errors.ts';
import type { Redis } from '../../infra/redis/connection.ts';
import { FailureCount, limiter, type Refusal } from './failure-count.ts';

const HOUR_SECONDS = 3_600;
/** Wrong passwords for one account, from anywhere, before it is locked for the rest of the quarter hour. */
const FAILURES_PER_ACCOUNT = 10;
/** Wrong passwords from one address, for any account. */
const FAILURES_PER_ADDRESS = 50;

/** What the password is asked for: who tries to change it locks nobody out, and is not locked out either. */
export type Purpose = 'sign-in' | 'change-password';

export interface Attempt {
  readonly purpose: Purpose;
  /** Text that is the same for every spelling of the name. */
  readonly account: string;
  readonly address: string;
}

export interface SignInLimits {
  /**
   * Runs `isRight`, unless too many attempts have failed. Wrong ones count; the right one clears its account.
   * @returns what `isRight` says.
   * @throws {AppError} accountLocked, or tooManyRequests for the address and for more attempts at once than may still
   * fail; all with Retry-After. What `isRight` throws counts as nothing.
   */
  attempt(attempt: Attempt, isRight: () => Promise<boolean>): Promise<boolean>;
  /** Unlocks an account. */
  clear(account: string): Promise<void>;
  /** @throws {AppError} tooManyRequests when the address has registered too many users. */
  beforeRegistration(address: string): Promise<void>;
}

/** @param registrationsPerHour from one address. */
export function createSignInLimits(redis: Redis, registrationsPerHour: number): SignInLimits {
  const accounts = new FailureCount(redis, 'sign-in:account', FAILURES_PER_ACCOUNT);
  const addresses = new FailureCount(redis, 'sign-in:address', FAILURES_PER_ADDRESS);
  const registrations = limiter(redis, 'register:address', registrationsPerHour, HOUR_SECONDS);

  /** Within the limit of the account. */
  const ofAccount = async ({ purpose, account }: Attempt, isRight: () => Promise<boolean>): Promise<boolean> => {
    const subject = subjectOf(purpose, account);
    const begun = await accounts.begin(subject);
    if (begun.kind !== 'admitted') throw refusedAccount(begun);
    let right: boolean | undefined;
    try {
      right = await isRight();
    } finally {
      await accounts.ended(subject, right === false);
    }
    if (right) await accounts.clear(subject);
    return right;
  };

  return {
    async attempt(attempt, isRight) {
      const begun = await addresses.begin(attempt.address);
      if (begun.kind !== 'admitted') throw tooMany('sign-in attempts', begun.retryAfterSeconds);
      let failed = false;
      try {
        const right = await ofAccount(attempt, isRight);
        failed = !right;
        return right;
      } catch (error) {
        failed = error instanceof AppError && error.kind === 'accountLocked';
        throw error;
      } finally {
        await addresses.ended(attempt.address, failed);
      }
    },
    async clear(account) {
      await Promise.all([
        accounts.clear(subjectOf('sign-in', account)),
        accounts.clear(subjectOf('change-password', account)),
      ]);
    },
    async beforeRegistration(address) {
      try {
        await registrations.consume(address);
      } catch (rejection) {
        if (!(rejection instanceof RateLimiterRes)) throw rejection;
        throw tooMany('registrations', Math.max(1, Math.ceil(rejection.msBeforeNext / 1_000)));
      }
    },
  };
}

function subjectOf(purpose: Purpose, account: string): string {
  return `${purpose} ${account}`;
}

function refusedAccount({ kind, retryAfterSeconds }: Refusal): AppError {
  return kind === 'locked'
    ? new AppError('accountLocked', 'too many wrong passwords: the account is locked for a while', {
        retryAfterSeconds,
      })
    : new AppError('tooManyRequests', 'too many attempts for this account at once', { retryAfterSeconds });
}

function tooMany(what: string, retryAfterSeconds: number): AppError {
  return new AppError('tooManyRequests', `too many ${what} from this address`, { retryAfterSeconds });
}
