import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyPool } from '../../core/key-pool/local-key-pool.ts';
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import { NO_USAGE } from '../../core/ledger/money.ts';
import { UpstreamFailure } from '../../core/providers/failure.ts';
import { AppError } from '../../infra/errors.ts';
import { createLogger } from '../../infra/logger.ts';
import { RetryBudget } from '../inference/attempts.ts';
import type { Candidate } from '../inference/plan.ts';
import { NOTHING_MEASURED } from '../inference/settlement.ts';
import { TEST_MODEL } from '../inference/test-model.ts';
import { JobCharge, RunRefused } from './job-charge.ts';
import { RunInterrupted } from './job-handler.ts';
import type { JobRow } from './job-tables.ts';
import { TEST_WORK } from './job-work.fixture.ts';

const ROW: Pick<JobRow, 'upstreamState' | 'upstreamTaskId' | 'modelId' | 'providerKeyId' | 'progress'> = {
  upstreamState: null,
  upstreamTaskId: null,
  modelId: 1,
  providerKeyId: null,
  progress: 0,
};
const CANDIDATE: Candidate = { ...TEST_MODEL, price: { ...TEST_MODEL.price, id: 7 }, maxTokens: 10 };
const KEYS = [11, 12].map((id) => ({ id, urlBase: CANDIDATE.urlBase, apiKey: `key-${id}`, weight: 1 }));

/**
 * A charge over a ledger that answers its operations one after the other. `did` is what happened, in order: operations of
 * the ledger, and calls of the provider, of which the first `failing` ones fail.
 */
function chargeWith(answers: unknown[], { signal = new AbortController().signal, failing = 0 } = {}) {
  const did: string[] = [];
  const published: string[] = [];
  const log = createLogger('silent');
  const stopped = new AbortController().signal;
  const context = { signal, stopped, isCancelled: () => false, again: false, heartbeat: () => undefined };
  const charge = new JobCharge(
    {
      ledger: {
        async run<Result>(_operation: Operation<Result>): Promise<Result> {
          did.push('ledger');
          // What an operation decides is tested with the operation.
          return answers.shift() as Result;
        },
      },
      events: { publish: ({ status }) => void published.push(status) },
      runLimits: { perUser: 0, perProvider: 0 },
      models: { pricedAt: async () => [CANDIDATE] },
      keys: createKeyPool({ keysOf: () => KEYS, log }),
      retries: new RetryBudget(),
      noteFits: () => undefined,
      notePriceRule: () => undefined,
      limits: { settle: () => undefined },
    },
    TEST_WORK,
    { context: { ...context, requestId: TEST_WORK.id, log: () => log }, cancel: () => undefined },
  );
  let calls = 0;
  const call = () =>
    charge.attempts([CANDIDATE], { output: 'text' }, async () => {
      did.push('call');
      calls += 1;
      if (calls <= failing) throw new UpstreamFailure('transient', 'it is down', { status: 500 });
    });
  return { charge, call, did, published };
}

test('the first call enters the job and is counted in one operation, the second one is only counted', async () => {
  const { charge, call, did, published } = chargeWith(
    [
      { kind: 'begun', job: ROW, permit: { kind: 'granted', call: 1 } },
      { kind: 'granted', call: 2 },
    ],
    { failing: 1 },
  );
  await call();
  assert.deepEqual(did, ['ledger', 'call', 'ledger', 'call'], 'each call is counted before it is made');
  assert.deepEqual([charge.lastCall?.count, published], [2, ['PROCESSING']]);
});

test('a call that is not granted is not made', async () => {
  for (const permit of [{ kind: 'exhausted' }, { kind: 'cancel-requested' }, { kind: 'lease-lost' }]) {
    const { charge, call, did } = chargeWith([{ kind: 'begun', job: ROW, permit }]);
    await assert.rejects(call(), permit.kind === 'exhausted' ? AppError : RunInterrupted);
    assert.deepEqual([did, charge.lastCall], [['ledger'], undefined], permit.kind);
  }
});

test('a run that has entered before its call does not enter again', async () => {
  const { charge, call, did, published } = chargeWith([
    { kind: 'begun', job: ROW, permit: undefined },
    { kind: 'granted', call: 1 },
  ]);
  await charge.begin();
  await charge.begin();
  await call();
  assert.deepEqual([did, published], [['ledger', 'ledger', 'call'], ['PROCESSING']]);
});

test('a run that may not have the job says why and publishes nothing', async () => {
  const { call, published } = chargeWith([{ kind: 'wait' }]);
  await assert.rejects(call(), (error) => error instanceof RunRefused && error.reason.kind === 'wait');
  assert.deepEqual(published, []);
});

test('a run that was stopped makes no call, and still may end the job', async () => {
  const stop = new AbortController();
  const { charge, did } = chargeWith([{ kind: 'begun', job: ROW, permit: undefined }], { signal: stop.signal });
  stop.abort();
  await assert.rejects(charge.attempts([CANDIDATE], { output: 'text' }, () => assert.fail('it was called')));
  assert.deepEqual(did, []);
  await charge.begin();
  assert.deepEqual(did, ['ledger']);
});

test('a run that has lost the job charges nothing, settles nothing and publishes nothing', async () => {
  const { charge, call, published } = chargeWith([
    { kind: 'begun', job: ROW, permit: { kind: 'granted', call: 1 } },
    { kind: 'not-ours' },
  ]);
  await call();
  const answer = { usage: NO_USAGE, measured: NOTHING_MEASURED, cut: false, result: () => '{}' };
  assert.equal(await charge.capture(answer), undefined);
  assert.deepEqual(published, ['PROCESSING']);
});
