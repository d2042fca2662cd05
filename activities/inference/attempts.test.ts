import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServedModel } from '../../core/catalog/model.ts';
import { createKeyPool } from '../../core/key-pool/local-key-pool.ts';
import { type FailureClass, type FailureDetails, UpstreamFailure } from '../../core/providers/failure.ts';
import { AppError, type ErrorKind } from '../../infra/errors.ts';
import { createLogger } from '../../infra/logger.ts';
import { RetryBudget, runAttempts } from './attempts.ts';
import { TEST_MODEL } from './test-model.ts';

type Outcome = string | { readonly failure: FailureClass; readonly details?: Partial<FailureDetails> } | Error;

interface Call {
  readonly model: string;
  readonly keyId: number;
}

function candidate(modelId: number, providerId: number): ServedModel {
  const names = { modelIdentifier: `model-${modelId}`, providerName: `provider-${providerId}` };
  return { ...TEST_MODEL, modelId, providerId, ...names, urlBase: 'http://127.0.0.1:1/v1' };
}

/** `keys`: number of keys of each provider; key ids are provider x 10 + 1, 2, … */
function bench(keys: Readonly<Record<number, number>>) {
  const state = { nowMs: 1_700_000_000_000, urlBase: 'http://127.0.0.1:1/v1' };
  const pool = createKeyPool({
    keysOf: (providerId) =>
      Array.from({ length: keys[providerId] ?? 0 }, (_, index) => ({
        id: providerId * 10 + index + 1,
        urlBase: state.urlBase,
        apiKey: 'a key',
        weight: 1,
      })),
    log: createLogger('silent'),
    now: () => state.nowMs,
  });
  const budget = new RetryBudget(() => state.nowMs);
  const controller = new AbortController();
  const calls: Call[] = [];
  const run = (candidates: readonly ServedModel[], outcomes: readonly Outcome[], streamed = false) =>
    runAttempts({
      candidates,
      pool,
      budget,
      signal: controller.signal,
      log: () => createLogger('silent'),
      output: 'text',
      streamed,
      call: async ({ candidate: { modelIdentifier }, key, attempt }) => {
        calls.push({ model: modelIdentifier, keyId: key.id });
        const outcome = outcomes[attempt - 1] ?? 'unexpected call';
        if (typeof outcome === 'string') return outcome;
        if (outcome instanceof Error) throw outcome;
        throw new UpstreamFailure(outcome.failure, 'the words of the provider', { status: 500, ...outcome.details });
      },
    });
  return { pool, budget, calls, controller, run, state };
}

async function refusal(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => assert.fail('it must not succeed'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError, String(error));
  return error;
}

const NONE: ReadonlySet<number> = new Set();

test('the first answer is given with its model, key and number of attempts', async () => {
  const at = bench({ 1: 2 });
  const { value, candidate: served, key, attempts } = await at.run([candidate(1, 1)], ['answer']);
  assert.deepEqual([value, served.modelId, key.id, attempts], ['answer', 1, 11, 1]);
});

for (const failure of ['account', 'rate', 'transient', 'timeout'] as const) {
  test(`after ${failure}: the next key, then the next model`, async () => {
    const at = bench({ 1: 5, 2: 5 });
    const { attempts } = await at.run([candidate(1, 1), candidate(2, 2)], [{ failure }, { failure }, 'answer']);
    assert.equal(attempts, 3);
    assert.deepEqual(at.calls, [
      { model: 'model-1', keyId: 11 },
      { model: 'model-1', keyId: 12 },
      { model: 'model-2', keyId: 21 },
    ]);
  });
}

test('without another model all three attempts go to keys of the one', async () => {
  const at = bench({ 1: 5 });
  await at.run([candidate(1, 1)], [{ failure: 'rate' }, { failure: 'rate' }, 'answer']);
  assert.deepEqual(
    at.calls.map(({ keyId }) => keyId),
    [11, 12, 13],
  );
});

test('when the next model has no usable key, the last attempt goes to the first model after all', async () => {
  const at = bench({ 1: 5, 2: 0 });
  await at.run([candidate(1, 1), candidate(2, 2)], [{ failure: 'rate' }, { failure: 'rate' }, 'answer']);
  assert.deepEqual(
    at.calls.map(({ keyId }) => keyId),
    [11, 12, 13],
  );
});

test('a model the provider does not know goes to the next model at once, with the same key if need be', async () => {
  const at = bench({ 1: 1 });
  await at.run([candidate(1, 1), candidate(2, 1)], [{ failure: 'model' }, 'answer']);
  assert.deepEqual(at.calls, [
    { model: 'model-1', keyId: 11 },
    { model: 'model-2', keyId: 11 },
  ]);
});

for (const failure of ['content', 'bad-request'] as const) {
  test(`${failure} is never tried again`, async () => {
    const at = bench({ 1: 5, 2: 5 });
    const outcome = { failure, details: { param: 'messages' } };
    const error = await refusal(at.run([candidate(1, 1), candidate(2, 2)], [outcome]));
    assert.equal(error.kind, 'invalidParameter');
    assert.equal(error.details.param, 'messages', 'the field that the provider named');
    assert.equal(error.message, 'the words of the provider');
    assert.equal(at.calls.length, 1);
  });
}

test('refused content carries the code that OpenAI clients look for', async () => {
  const at = bench({ 1: 1 });
  const error = await refusal(at.run([candidate(1, 1)], [{ failure: 'content', details: { code: 'vendor' } }]));
  assert.equal(error.details.providerCode, 'content_policy_violation');
});

const TOLD: Readonly<Partial<Record<FailureClass, ErrorKind>>> = {
  account: 'modelOffline',
  rate: 'tooManyRequests',
  transient: 'modelCallFailed',
  timeout: 'upstreamTimeout',
  model: 'modelIncapable',
};
for (const failure of ['account', 'rate', 'transient', 'timeout', 'model'] as const) {
  test(`when ${failure} is the last failure, the caller is told ${TOLD[failure]}`, async () => {
    const at = bench({ 1: 5 });
    const last = await refusal(at.run([candidate(1, 1)], [{ failure: 'transient' }, { failure: 'rate' }, { failure }]));
    assert.equal(last.kind, TOLD[failure]);
    assert.equal(at.calls.length, 3);
  });
}

test("a rate limit's Retry-After is the provider's, between 1 and 60 s", async () => {
  for (const [retryAfterMs, seconds] of [
    [2_500, 3],
    [900_000, 60],
    [0, 1],
    [undefined, 60],
  ] as const) {
    const at = bench({ 1: 1 });
    const details = retryAfterMs === undefined ? {} : { retryAfterMs };
    const error = await refusal(at.run([candidate(1, 1)], [{ failure: 'rate', details }]));
    assert.equal(error.details.retryAfterSeconds, seconds);
  }
});

test('no usable key: 503 with Retry-After and no call', async () => {
  const at = bench({ 1: 1 });
  await refusal(at.run([candidate(1, 1)], [{ failure: 'rate', details: { retryAfterMs: 20_000 } }]));
  const error = await refusal(at.run([candidate(1, 1)], ['answer']));
  assert.deepEqual([error.kind, error.details.retryAfterSeconds], ['modelOffline', 20]);
  assert.equal(at.calls.length, 1);
});

test('a spent budget ends the request with its last failure', async () => {
  const at = bench({ 1: 5 });
  for (let retry = 0; retry < 3; retry += 1) at.budget.retryBegan();
  const error = await refusal(at.run([candidate(1, 1)], [{ failure: 'timeout' }]));
  assert.equal(error.kind, 'upstreamTimeout');
  assert.equal(at.calls.length, 1);
});

test('a caller who has left is not called for, and costs no key anything', async () => {
  const at = bench({ 1: 1 });
  await assert.rejects(at.run([candidate(1, 1)], [{ failure: 'cancelled' }]), { failure: 'cancelled' });
  at.controller.abort();
  await assert.rejects(at.run([candidate(1, 1)], ['answer']), { failure: 'cancelled' });
  assert.equal(at.calls.length, 1);
  assert.ok(at.pool.pick(candidate(1, 1), NONE));
});

test('no further attempt once the deadline has passed: the last failure is reported', async () => {
  const at = bench({ 1: 5 });
  const error = await refusal(
    runAttempts({
      candidates: [candidate(1, 1)],
      pool: at.pool,
      budget: at.budget,
      signal: at.controller.signal,
      log: () => createLogger('silent'),
      output: 'text',
      call: () => {
        at.controller.abort();
        throw new UpstreamFailure('timeout', 'no answer within 120 s', { status: 0 });
      },
    }),
  );
  assert.equal(error.kind, 'upstreamTimeout');
});

test('what is no failure of the provider passes unchanged and gives the probe back', async () => {
  const at = bench({ 1: 1 });
  await refusal(at.run([candidate(1, 1)], [{ failure: 'rate' }]));
  at.state.nowMs += 60_000;
  const mistake = new TypeError('a bug');
  await assert.rejects(at.run([candidate(1, 1)], [mistake]), mistake);
  assert.equal((await at.run([candidate(1, 1)], ['answer'])).value, 'answer');
});

test("a stream's probe stays taken until its end is reported", async () => {
  const at = bench({ 1: 1 });
  await refusal(at.run([candidate(1, 1)], [{ failure: 'rate' }]));
  at.state.nowMs += 60_000;
  const { key } = await at.run([candidate(1, 1)], ['stream'], true);
  assert.equal(at.pool.pick(candidate(1, 1), NONE), undefined);
  at.pool.report(key, { kind: 'success' });
  assert.ok(at.pool.pick(candidate(1, 1), NONE));
});

test('a call planned before its provider moved gets no key of the new address', async () => {
  const at = bench({ 1: 2, 2: 1 });
  const run = runAttempts({
    candidates: [candidate(1, 1), candidate(2, 2)],
    ...{ pool: at.pool, budget: at.budget, signal: at.controller.signal, log: () => createLogger('silent') },
    output: 'text',
    call: async ({ key }) => {
      at.calls.push({ model: '', keyId: key.id });
      at.state.urlBase = 'http://127.0.0.1:2/v1';
      throw new UpstreamFailure('account', 'the old server refuses', { status: 401 });
    },
  });
  await refusal(run);
  assert.equal(at.calls.length, 1);
  const moved = { ...candidate(1, 1), urlBase: 'http://127.0.0.1:2/v1' };
  const picks = [at.pool.pick(moved, NONE)?.id, at.pool.pick(moved, NONE)?.id];
  assert.deepEqual(picks.sort(), [11, 12], 'what the old server said counts against no key');
});

function budgetAt(start: { nowMs: number }): RetryBudget {
  return new RetryBudget(() => start.nowMs);
}

/** Retries until the budget refuses. */
function retries(budget: RetryBudget): number {
  let count = 0;
  while (budget.mayRetry()) {
    budget.retryBegan();
    count += 1;
  }
  return count;
}

test('few requests have three retries in ten seconds', () => {
  const clock = { nowMs: 5_400 };
  const budget = budgetAt(clock);
  budget.requestBegan();
  assert.equal(retries(budget), 3);
  clock.nowMs += 9_000;
  assert.equal(retries(budget), 0);
  clock.nowMs += 1_000;
  assert.equal(retries(budget), 3);
});

test('many requests have a fifth of their number', () => {
  const budget = budgetAt({ nowMs: 0 });
  for (let index = 0; index < 99; index += 1) budget.requestBegan();
  assert.equal(retries(budget), 19);
  budget.requestBegan();
  assert.equal(retries(budget), 1);
});

test('50 requests a second that all fail are at most 1.2 attempts each over a minute', () => {
  const clock = { nowMs: 0 };
  const budget = budgetAt(clock);
  let attempts = 0;
  for (let index = 0; index < 3_000; index += 1) {
    clock.nowMs = index * 20;
    budget.requestBegan();
    attempts += 1 + Math.min(retries(budget), 2);
  }
  assert.ok(attempts <= 3_600, `${attempts} attempts`);
  assert.ok(attempts >= 3_500, `${attempts} attempts: the budget is used`);
});

test('what is older than ten seconds is forgotten, also after a long silence', () => {
  const clock = { nowMs: 0 };
  const budget = budgetAt(clock);
  for (let index = 0; index < 1_000; index += 1) budget.requestBegan();
  clock.nowMs = 3_600_000;
  assert.equal(retries(budget), 3);
});
