/** What `assert.rejects` checks of an adapter's failure. */
import assert from 'node:assert/strict';
import { AppError } from '../../infra/errors.ts';
import { type FailureClass, type FailureDetails, UpstreamFailure } from './failure.ts';

/** @param details those that must be as given; others are not looked at. */
export function failedWith(failure: FailureClass, message: RegExp, details: Partial<FailureDetails> = {}) {
  return (error: unknown): true => {
    assert.ok(error instanceof UpstreamFailure, `${error} is no UpstreamFailure`);
    assert.equal(error.failure, failure, error.message);
    assert.match(error.message, message);
    assert.partialDeepStrictEqual({ ...error.details }, details);
    return true;
  };
}

/** A request that the model cannot serve, told before anything is sent. */
export function refusedFor(path: string, message: RegExp) {
  return (error: unknown): true => {
    assert.ok(error instanceof AppError, `${error} is no AppError`);
    assert.equal(error.kind, 'invalidParameter');
    assert.equal(error.details.param, path);
    assert.match(error.message, message);
    return true;
  };
}
