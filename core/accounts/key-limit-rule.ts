/**
 * The limits of an access key. A rate of N a minute may be used at once and then comes back evenly (GCRA): one number
 * is kept of it, how many milliseconds of the minute are used up. Pure; key-limits-admit.lua decides by the same rules,
 * and a test holds the two together.
 */
import type { AccessKeyCaller } from './caller.ts';

/** null = no limit. */
export type KeyLimitSettings = Pick<AccessKeyCaller, 'rpmLimit' | 'tpmLimit' | 'parallelLimit'>;

export interface RateState {
  readonly limit: number;
  readonly remaining: number;
  /** Until the whole limit is free again. */
  readonly resetMs: number;
}

/** The state of a key's rates; null without a limit. */
export interface LimitState {
  readonly requests: RateState | null;
  readonly tokens: RateState | null;
}

/** What a key uses at one moment. */
export interface KeyUse {
  readonly requestsBusyMs: number;
  readonly tokensBusyMs: number;
  readonly running: number;
}

/** Milliseconds until each limit would let the request through; 0 = it does. */
export interface Waits {
  readonly requests: number;
  readonly tokens: number;
  readonly parallel: number;
}

const MINUTE_MS = 60_000;
/** When the next of a key's running requests ends is not known. */
const PARALLEL_WAIT_MS = 1_000;
/** Tolerance for rounding errors of summed fractions. */
const TOLERANCE_MS = 1;

export function isLimited({ rpmLimit, tpmLimit, parallelLimit }: KeyLimitSettings): boolean {
  return rpmLimit !== null || tpmLimit !== null || parallelLimit !== null;
}

/** The milliseconds of a minute that this much of a rate uses up. */
export function busyMsOf(amount: number, limit: number): number {
  return (amount * MINUTE_MS) / limit;
}

/**
 * A request that may need more tokens than a whole minute has counts as all of them: it waits until all are free.
 * @throws {RangeError} for a bound that is not an integer >= 0: a negative one would return the minute's tokens.
 */
export function countedTokens(bound: number, tpmLimit: number | null): number {
  if (!Number.isSafeInteger(bound) || bound < 0) throw new RangeError(`no bound of tokens: ${bound}`);
  return tpmLimit === null ? 0 : Math.min(bound, tpmLimit);
}

export function waitsFor(limits: KeyLimitSettings, use: KeyUse, tokens: number): Waits {
  const { rpmLimit, tpmLimit, parallelLimit } = limits;
  return {
    requests: rpmLimit === null ? 0 : rateWaitMs(use.requestsBusyMs, 1, rpmLimit),
    tokens: tpmLimit === null ? 0 : rateWaitMs(use.tokensBusyMs, tokens, tpmLimit),
    parallel: parallelLimit !== null && use.running >= parallelLimit ? PARALLEL_WAIT_MS : 0,
  };
}

function rateWaitMs(busyMs: number, amount: number, limit: number): number {
  const overMs = busyMs + busyMsOf(amount, limit) - MINUTE_MS;
  return overMs < TOLERANCE_MS ? 0 : Math.ceil(overMs);
}

export function stateOf(limits: KeyLimitSettings, use: Pick<KeyUse, 'requestsBusyMs' | 'tokensBusyMs'>): LimitState {
  return {
    requests: limits.rpmLimit === null ? null : rateState(use.requestsBusyMs, limits.rpmLimit),
    tokens: limits.tpmLimit === null ? null : rateState(use.tokensBusyMs, limits.tpmLimit),
  };
}

function rateState(busyMs: number, limit: number): RateState {
  const used = (Math.max(0, busyMs - TOLERANCE_MS) * limit) / MINUTE_MS;
  return { limit, remaining: Math.max(0, limit - Math.ceil(used)), resetMs: Math.max(0, Math.round(busyMs)) };
}

/**
 * Tokens to return when a request has ended that was counted with a bound, without those that have become free since.
 * Negative if it used more than was counted.
 */
export function tokensToGiveBack(counted: number, used: number, tpmLimit: number, elapsedMs: number): number {
  const difference = counted - used;
  const stillCounted = Math.max(0, counted - (elapsedMs * tpmLimit) / MINUTE_MS);
  return difference <= 0 ? difference : Math.min(difference, stillCounted);
}
