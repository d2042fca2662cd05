/** Which failures of a line pass, and when its step is run again. Pure. */
import type { AppError } from '../../infra/errors.ts';

/** A step whose lines wait for a provider is run again after a growing time; the longest is what a cancel may take. */
const FIRST_WAIT_SECONDS = 0.5;
const GROWN_WAIT_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 60;
/** A line that its provider fails again and again has its error after this many of its own calls, some 13 minutes. */
const MOST_TRIES = 30;
/** Of errors that nobody has thought of: a line that causes them must not keep its batch from its end. */
const MOST_UNEXPECTED = 5;

/** Lines could not be answered just now: the step is to be run again after so many seconds. */
export class LinesWait extends Error {
  override readonly name = 'LinesWait';
  readonly seconds: number;

  constructor(seconds: number) {
    super(`lines wait for an answer; the step is run again in ${seconds} s`);
    this.seconds = seconds;
  }
}

/** Whether the line could not even be tried: it waits until the batch expires, and no try is counted. */
export function isWaiting({ kind, details }: AppError): boolean {
  switch (kind) {
    // Another process answers the line, or did so after this call's hold was over: the next try gets its answer.
    case 'idempotencyInUse':
    case 'unavailable':
      return true;
    // No key is usable; a model that its operator took offline has no such time.
    case 'modelOffline':
      return details.retryAfterSeconds !== undefined;
    default:
      return false;
  }
}

/** Whether another try may be answered, so that the line has no result yet. @param tries that have failed before. */
export function mayTryAgain({ kind, details }: AppError, tries: number): boolean {
  if (details.repeatable === false) return false;
  switch (kind) {
    // The last two: a part of the hold went back to the account and the budget with a call that failed.
    case 'tooManyRequests':
    case 'modelCallFailed':
    case 'upstreamError':
    case 'upstreamTimeout':
    case 'insufficientBalance':
    case 'budgetSpent':
      return tries + 1 < MOST_TRIES;
    default:
      return false;
  }
}

/** Whether a line is tried again after an error that is none of ours. @param tries that have failed before. */
export function mayTryAfterUnexpected(tries: number): boolean {
  return tries + 1 < MOST_UNEXPECTED;
}

/** @param asked seconds that each waiting line was told to wait. */
export function waitOf(attempt: number, asked: readonly number[]): number {
  const grown = Math.min(GROWN_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** Math.min(attempt - 1, MOST_TRIES));
  return Math.min(LONGEST_WAIT_SECONDS, Math.max(grown, ...asked));
}
