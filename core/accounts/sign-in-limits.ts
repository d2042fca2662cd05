/**
 * How often somebody may try a password or register. Nobody can lock an owner out: failures count for the address that
 * they come from, and failures from many addresses slow down only addresses that the account has never used.
 */
import ipaddr from 'ipaddr.js';
import { RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../../infra/errors.ts';
import type { Redis } from '../../infra/redis/connection.ts';
import { FailureCount, limiter, type Refusal } from './failure-count.ts';
import { SignInMemory } from './sign-in-memory.ts';

const HOUR_SECONDS = 3_600;
/** The limits of failures are for a quarter of an hour. Wrong passwords for one account from one address. */
const FAILURES_FOR_ACCOUNT = 10;
/** Wrong passwords from one address, for any accounts. */
const FAILURES_FROM_ADDRESS = 50;
/** Places in the password queue, so that one address cannot fill it. */
const AT_ONCE_FROM_ADDRESS = 20;
/** A /48 of IPv6 is what one customer of a network may have: 65,536 of the networks that count as one address. */
const SITE_BITS = 48;
const FAILURES_FROM_SITE = 200;
const REGISTRATIONS_OF_SITE = 5;
/** Wrong passwords for one account from unknown addresses; after that each unknown address has one try. */
const FAILURES_FROM_STRANGERS = 50;
const TRIES_OF_A_STRANGER = 1;

/** What the password is asked for: attempts to change it do not hinder signing in. */
export type Purpose = 'sign-in' | 'change-password';

export interface Attempt {
  readonly purpose: Purpose;
  /** Text that is the same for every spelling of the name. */
  readonly account: string;
  /** An IPv4 address, or the /64 network of an IPv6 one. */
  readonly address: string;
}

export interface SignInLimits {
  /**
   * Runs `isRight`, unless too many attempts have failed. Wrong ones count; the right one clears its account at this
   * address, which is then known.
   * @returns what `isRight` says.
   * @throws {AppError} accountLocked: this account at this address; tooManyRequests for the address, for addresses that
   * the account is not known at, and for more at once than may still fail; all with Retry-After. What `isRight` throws
   * counts as nothing.
   */
  attempt(attempt: Attempt, isRight: () => Promise<boolean>): Promise<boolean>;
  /** After a new password: failures are forgiven, and only the given address stays known. */
  clear(account: string, address?: string): Promise<void>;
  /** Counts a registration, made or refused. @throws {AppError} tooManyRequests when the address has tried too many. */
  beforeRegistration(address: string): Promise<void>;
}

export interface SignInLimitSettings {
  readonly registrationsPerHour: number;
  /** Secret for the hashes of addresses. */
  readonly secret: string;
}

export function createSignInLimits(redis: Redis, { registrationsPerHour, secret }: SignInLimitSettings): SignInLimits {
  const memory = new SignInMemory(redis, secret);
  const ofAddress = new FailureCount(redis, 'sign-in:address', FAILURES_FROM_ADDRESS, AT_ONCE_FROM_ADDRESS);
  const ofSite = new FailureCount(redis, 'sign-in:site', FAILURES_FROM_SITE);
  const ofAccount = new FailureCount(redis, 'sign-in:account', FAILURES_FOR_ACCOUNT);
  const ofStrangers = new FailureCount(redis, 'sign-in:strangers', FAILURES_FROM_STRANGERS);
  const ofStranger = new FailureCount(redis, 'sign-in:stranger', TRIES_OF_A_STRANGER);
  const perAddress = limiter(redis, 'register:address', registrationsPerHour, HOUR_SECONDS);
  const perSite = limiter(redis, 'register:site', registrationsPerHour * REGISTRATIONS_OF_SITE, HOUR_SECONDS);

  return {
    async attempt({ purpose, account, address }, isRight) {
      const { known, round } = await memory.look(account, address);
      const subject = `${purpose} ${account} ${round}`;
      const site = siteOf(address);
      const gates = [gate(ofAccount, `${subject} ${address}`, refusedAccount)];
      if (!known) {
        if (site !== address) gates.unshift(gate(ofSite, site, tooManyFrom));
        gates.unshift(gate(ofAddress, address, tooManyFrom));
        gates.push(eitherGate(gate(ofStrangers, subject, slowed), gate(ofStranger, `${subject} ${site}`, slowed)));
      }
      const right = await through(gates, isRight);
      if (right) await Promise.all([ofAccount.clear(`${subject} ${address}`), memory.remember(account, address)]);
      return right;
    },
    async clear(account, address) {
      await memory.forget(account);
      if (address !== undefined) await memory.remember(account, address);
    },
    async beforeRegistration(address) {
      try {
        await perAddress.consume(address);
        await perSite.consume(siteOf(address));
      } catch (rejection) {
        if (!(rejection instanceof RateLimiterRes)) throw rejection;
        throw tooMany('registrations from this address', Math.max(1, Math.ceil(rejection.msBeforeNext / 1_000)));
      }
    },
  };
}

/** Admits an attempt or throws; an admitted attempt must be ended. */
type Gate = () => Promise<(failed: boolean) => Promise<void>>;

function gate(count: FailureCount, subject: string, refused: (refusal: Refusal) => AppError): Gate {
  return async () => {
    const begun = await count.begin(subject);
    if (begun.kind !== 'admitted') throw refused(begun);
    return (failed) => count.ended(subject, failed);
  };
}

/** The second limit, if the first one refuses. */
function eitherGate(first: Gate, second: Gate): Gate {
  return () =>
    first().catch((error: unknown) => {
      if (error instanceof AppError) return second();
      throw error;
    });
}

/** An attempt at a locked account counts as failed for the address. */
async function through(gates: readonly Gate[], isRight: () => Promise<boolean>): Promise<boolean> {
  const [first, ...others] = gates;
  if (first === undefined) return isRight();
  const leave = await first();
  let failed = false;
  try {
    const right = await through(others, isRight);
    failed = !right;
    return right;
  } catch (error) {
    failed = error instanceof AppError && error.kind === 'accountLocked';
    throw error;
  } finally {
    await leave(failed);
  }
}

/** The /48 around the /64 of an IPv6 address; an IPv4 address itself. */
function siteOf(address: string): string {
  const [network = '', bits] = address.split('/');
  if (bits === undefined) return address;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${network}/${SITE_BITS}`)}/${SITE_BITS}`;
}

function refusedAccount({ kind, retryAfterSeconds }: Refusal): AppError {
  return kind === 'locked'
    ? new AppError('accountLocked', 'too many wrong passwords: this address is locked out of the account for a while', {
        retryAfterSeconds,
      })
    : tooMany('attempts for this account at once', retryAfterSeconds);
}

function slowed({ retryAfterSeconds }: Refusal): AppError {
  return tooMany('wrong passwords for this account: an address it is not used from has one try', retryAfterSeconds);
}

function tooManyFrom({ retryAfterSeconds }: Refusal): AppError {
  return tooMany('sign-in attempts from this address', retryAfterSeconds);
}

function tooMany(what: string, retryAfterSeconds: number): AppError {
  return new AppError('tooManyRequests', `too many ${what}`, { retryAfterSeconds });
}
