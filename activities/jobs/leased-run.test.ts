import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import { NO_RATES } from '../../core/ledger/price.ts';
import { RunInterrupted } from './job-handler.ts';
import type { JobRow } from './job-tables.ts';
import { LeasedRun, RunRefused } from './leased-run.ts';
import type { JobWork } from './store.ts';

const WORK: JobWork = {
  id: 'job-1',
  type: 'chat',
  userId: 1,
  accountId: 1,
  accessKeyId: 1,
  providerId: 1,
  status: 'PENDING',
  revoked: false,
  request: async () => ({}),
  plan: { candidates: [], budgeted: false, traceId: 'trace', providerName: 'provider-1' },
};
const ROW: Pick<JobRow, 'upstreamState' | 'upstreamTaskId' | 'modelId' | 'providerKeyId' | 'progress'> = {
  upstreamState: null,
  upstreamTaskId: null,
  modelId: 1,
  providerKeyId: null,
  progress: 0,
};
const MODEL = {
  modelId: 1,
  modelIdentifier: 'm-1',
  providerName: 'provider-1',
  price: { ...NO_RATES, id: 7, input: 1n, output: 2n },
};

/** A run over a ledger that answers its operations one after the other. */
function runWith(answers: unknown[], signal = new AbortController().signal) {
  const published: string[] = [];
  let operations = 0;
  const run = new LeasedRun(WORK, {
    ledger: {
      async run<Result>(_operation: Operation<Result>): Promise<Result> {
        operations += 1;
        // What an operation decides is tested with the operation.
        return answers.shift() as Result;
      },
    },
    events: { publish: ({ status }) => void published.push(status) },
    runLimits: { perUser: 0, perProvider: 0 },
    cancelled: () => undefined,
    signal,
    heartbeat: () => undefined,
  });
  return { run, published, operations: () => operations };
}

test('the first call enters the job and is counted in one operation, the second one is only counted', async () => {
  const { run, published, operations } = runWith([
    { kind: 'begun', job: ROW, permit: { kind: 'granted', call: 1 } },
    { kind: 'granted', call: 2 },
  ]);
  await run.count(MODEL, 11);
  assert.deepEqual([operations(), run.attempted.attempts, published], [1, 1, ['PROCESSING']]);
  await run.count(MODEL, 12);
  assert.deepEqual([operations(), run.attempted.attempts, run.attempted.providerKeyId], [2, 2, 12]);
});

test('a run that has entered before its call does not enter again', async () => {
  const { run, published, operations } = runWith([
    { kind: 'begun', job: ROW, permit: undefined },
    { kind: 'granted', call: 1 },
  ]);
  await run.begin();
  await run.begin();
  await run.count(MODEL, 11);
  assert.deepEqual([operations(), published], [2, ['PROCESSING']]);
});

test('a run that may not have the job tells why and publishes nothing', async () => {
  const { run, published } = runWith([{ kind: 'wait' }]);
  await assert.rejects(run.count(MODEL, 11), (error) => error instanceof RunRefused && error.reason.kind === 'wait');
  assert.deepEqual(published, []);
});

test('a run that was stopped takes no job up for a call, and still may end it', async () => {
  const { run, operations } = runWith([{ kind: 'begun', job: ROW, permit: undefined }], AbortSignal.abort());
  await assert.rejects(run.count(MODEL, 11), RunInterrupted);
  assert.equal(operations(), 0);
  await run.begin();
  assert.equal(operations(), 1);
});
