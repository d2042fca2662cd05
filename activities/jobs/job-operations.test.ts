import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import { UnitOfWork } from '../../core/ledger/commit-queue/unit-of-work.ts';
import type { ClaimRequest } from '../../core/ledger/operations/claim.ts';
import { claim } from '../../core/ledger/operations/claim.ts';
import { accounts } from '../../core/ledger/tables/accounts.ts';
import { claimKey, claims } from '../../core/ledger/tables/claims.ts';
import { holds } from '../../core/ledger/tables/holds.ts';
import { finishedCall } from '../../core/usage/finished-call.fixture.ts';
import {
  beginJob,
  cancelJob,
  completeJob,
  countProviderCall,
  endJob,
  noteUpstreamTask,
  removePayloads,
} from './job-operations.ts';
import { type JobRow, jobStorage, jobs, liveOfUser, runningOfUser } from './job-tables.ts';
import { type Submission, submitJob } from './submissions.ts';

const NOW = Date.parse('2026-11-24T10:00:00Z');
const keyed: ClaimRequest = {
  scope: 'k7',
  keyHash: Buffer.alloc(32, 1),
  bodyHash: Buffer.alloc(32, 2),
  requestId: 'job-1',
};

const given: Submission = {
  hold: {
    id: 'job-1',
    accountId: 1,
    accessKeyId: 7,
    owner: 'job',
    amount: 100n,
    priceIds: [3],
    lifeMs: 60_000,
    claim: keyed,
  },
  job: {
    id: 'job-1',
    type: 'chat',
    userId: 2,
    accountId: 1,
    accessKeyId: 7,
    modelId: 5,
    modelName: 'm',
    providerId: 4,
    request: '{}',
    plan: { candidates: [{ priceId: 3, maxTokens: 10 }], budgeted: false, traceId: 't', tags: {}, providerName: 'p' },
    priority: 3,
    metadata: null,
    webhookUrl: null,
    deadlineMs: 3_600_000,
  },
  quota: { live: 2, bytes: 1_000 },
  start: {
    workflow: 'chatJob',
    workflowId: 'job-1',
    taskQueue: 'jobs',
    input: { jobId: 'job-1', accountId: 1, deadlineMs: 3_600_000 },
    title: 't',
    searchAttributes: {},
  },
  answer: { status: 202, body: Buffer.from('job-1') },
};
const submission = submitJob(given);

function row(change: Partial<JobRow> = {}): JobRow {
  const unitOfWork = rows();
  unitOfWork.attempt((inner) => submission.decide(inner));
  const parsed = jobs.parse({
    id: 'job-1',
    type: 'chat',
    user_id: 2,
    account_id: 1,
    access_key_id: 7,
    status: 'PENDING',
    model_id: 5,
    model_name: 'm',
    error_code: null,
    error_message: null,
    cost: null,
    progress: 0,
    attempt: 0,
    provider_attempts: 0,
    lease: null,
    upstream_state: null,
    upstream_task_id: null,
    provider_key_id: null,
    webhook_url: null,
    cancel_requested_at: null,
    deadline_at: '2026-11-24 11:00:00.000',
    started_at: null,
    finished_at: null,
    updated_at: '2026-11-24 10:00:00.000',
    payload_bytes: 2,
    payloads_removed_at: null,
  });
  return { ...parsed[1], ...change };
}

/** @param live how many jobs of the user live. @param stored the bytes that the user's jobs have. */
function rows(live = 0, stored = 0n): UnitOfWork {
  const unitOfWork = new UnitOfWork(NOW, '2026-11-24', { slot: 1, epoch: 1, seq: 1n });
  unitOfWork.load(accounts, ['1'], [['1', { id: 1, available: 500n, debt: 0n, pendingGrant: null }]]);
  unitOfWork.load(holds, ['job-1', 'job-2'], []);
  unitOfWork.load(claims, [claimKey(keyed)], []);
  unitOfWork.load<JobRow>(jobs, ['job-1'], []);
  unitOfWork.load(liveOfUser, ['2'], live === 0 ? [] : [['2', live]]);
  unitOfWork.load(jobStorage, ['2'], stored === 0n ? [] : [['2', { userId: 2, bytes: stored }]]);
  return unitOfWork;
}

/** The rows after a submission, with the job as the next batch would read it. */
function submitted(change: Partial<JobRow> = {}): UnitOfWork {
  const unitOfWork = rows();
  assert.deepEqual(
    unitOfWork.attempt((inner) => submission.decide(inner)),
    { kind: 'held' },
  );
  unitOfWork.put(jobs, 'job-1', row(change));
  return unitOfWork;
}

function run<Result>(unitOfWork: UnitOfWork, operation: Operation<Result>): Result {
  return unitOfWork.attempt((inner) => operation.decide(inner));
}

test('a submission that was answered "unavailable" is taken back, and its key is free for the next try', () => {
  const unitOfWork = submitted();
  const undo = submission.compensate?.({ kind: 'held' });
  assert.ok(undo);
  assert.equal(run(unitOfWork, undo), 'CANCELLED');
  assert.equal(unitOfWork.get(accounts, '1')?.available, 500n);
  assert.equal(unitOfWork.get(holds, 'job-1')?.state, 'released');
  assert.deepEqual(run(unitOfWork, claim({ ...keyed, requestId: 'job-2' })), {
    kind: 'claimed',
    operationId: 'job-2',
  });
});

test('a run takes the lease, a later one takes it over, and only the holder may call', () => {
  const unitOfWork = submitted();
  assert.equal(run(unitOfWork, beginJob('job-1', 'first')).kind, 'begun');
  assert.equal(run(unitOfWork, beginJob('job-1', 'second')).kind, 'begun');
  const call = { providerKeyId: 9, modelId: 5, modelName: 'm' };
  assert.deepEqual(run(unitOfWork, countProviderCall('job-1', 'first', call)), { kind: 'lease-lost' });
  for (const number of [1, 2, 3]) {
    assert.deepEqual(run(unitOfWork, countProviderCall('job-1', 'second', call)), { kind: 'granted', call: number });
  }
  assert.deepEqual(run(unitOfWork, countProviderCall('job-1', 'second', call)), { kind: 'exhausted' });
});

test('a run that begins with its call has it counted in the same transaction, and no call above the last', () => {
  const unitOfWork = submitted();
  const call = { providerKeyId: 9, modelId: 5, modelName: 'm' };
  for (const [lease, permit] of [
    ['first', { kind: 'granted', call: 1 }],
    ['second', { kind: 'granted', call: 2 }],
    ['third', { kind: 'granted', call: 3 }],
    ['fourth', { kind: 'exhausted' }],
  ] as const) {
    const begin = run(unitOfWork, beginJob('job-1', lease, { call }));
    assert.ok(begin.kind === 'begun');
    assert.deepEqual(begin.permit, permit);
  }
  const row = unitOfWork.get(jobs, 'job-1');
  assert.deepEqual([row?.lease, row?.attempt, row?.providerAttempts, row?.providerKeyId], ['fourth', 4, 3, 9]);
});

test('what is logged of a job are the calls of all its runs, and whom the last one went to', () => {
  const error = { errorCode: 700003, errorMessage: 'no answer came' };
  const closing = { holdId: 'job-1', accountId: 1, budgetKeyId: null };
  const logged = (unitOfWork: UnitOfWork) =>
    unitOfWork.statements([]).filter((statement) => /^INSERT INTO (usage_outbox|stats)/.test(statement));
  const uncalled = { providerKeyId: null, modelId: null, modelIdentifier: '', attempts: 0, isSuccess: false };
  const call = { providerKeyId: 9, modelId: 5, modelName: 'm' };
  const failed = submitted();
  for (const lease of ['first', 'second', 'third', 'fourth']) run(failed, beginJob('job-1', lease, { call }));
  const release = { ...closing, call: finishedCall('job-1', uncalled) };
  run(failed, endJob({ jobId: 'job-1', userId: 2, status: 'FAILED', ...error, release, lease: 'fourth' }));
  const [log, stats] = logged(failed);
  assert.match(log ?? '', /modelId\W+5\W+modelIdentifier\W+m\W.*providerKeyId\W+9\W+attempts\W+3\D/);
  assert.ok(stats !== undefined, 'it is counted to its model');
  const never = submitted();
  run(never, beginJob('job-1', 'first'));
  run(never, endJob({ jobId: 'job-1', userId: 2, status: 'FAILED', ...error, release, lease: 'first' }));
  assert.match(logged(never).join(), /modelId\W+null.*attempts\W+0\D/);
  assert.equal(logged(never).length, 1);
  const answered = submitted();
  run(answered, beginJob('job-1', 'first', { call }));
  run(answered, beginJob('job-1', 'second', { call }));
  const capture = { ...closing, priceId: 3, cost: 10n, call: finishedCall('job-1', { attempts: 1 }) };
  run(answered, completeJob('job-1', 'second', { userId: 2, capture, result: () => '{}' }));
  assert.match(logged(answered)[0] ?? '', /attempts\W+2\D/);
});

test('a job that must wait has counted nothing', () => {
  const unitOfWork = submitted();
  const check = { limits: { perUser: 1, perProvider: 0 }, owner: { userId: 2, accountId: 1, providerId: null } };
  unitOfWork.load(runningOfUser, ['2'], [['2', 1]]);
  const call = { providerKeyId: 9, modelId: 5, modelName: 'm' };
  assert.deepEqual(run(unitOfWork, beginJob('job-1', 'first', { check, call })), { kind: 'wait' });
  const row = unitOfWork.get(jobs, 'job-1');
  assert.deepEqual([row?.status, row?.attempt, row?.providerAttempts, row?.lease], ['PENDING', 0, 0, null]);
});

test('a job whose hold was closed is not begun', () => {
  const unitOfWork = submitted();
  run(unitOfWork, cancelJob('job-1', 2, { holdId: 'job-1', accountId: 1, budgetKeyId: null }));
  assert.equal(run(unitOfWork, beginJob('job-1', 'late')).kind, 'ended');
  assert.equal(unitOfWork.get(accounts, '1')?.available, 500n);
});

test('a running job is only asked to stop', () => {
  const unitOfWork = submitted();
  run(unitOfWork, beginJob('job-1', 'first'));
  const release = { holdId: 'job-1', accountId: 1, budgetKeyId: null };
  assert.equal(run(unitOfWork, cancelJob('job-1', 2, release)), 'PROCESSING');
  assert.equal(unitOfWork.get(holds, 'job-1')?.state, 'open');
  const call = { providerKeyId: 9, modelId: 5, modelName: 'm' };
  assert.deepEqual(run(unitOfWork, countProviderCall('job-1', 'first', call)), { kind: 'cancel-requested' });
  assert.equal(run(unitOfWork, beginJob('job-1', 'second')).kind, 'cancel-requested');
});

test('a cancelled job submits no task, and one whose provider has a task is run to that end', () => {
  const release = { holdId: 'job-1', accountId: 1, budgetKeyId: null };
  const asked = submitted();
  run(asked, beginJob('job-1', 'first'));
  run(asked, cancelJob('job-1', 2, release));
  assert.equal(run(asked, noteUpstreamTask('job-1', 'first', 'submitting', null)), 'cancel-requested');
  const tasked = submitted();
  run(tasked, beginJob('job-1', 'first'));
  assert.equal(run(tasked, noteUpstreamTask('job-1', 'first', 'submitting', null)), 'noted');
  run(tasked, cancelJob('job-1', 2, release));
  assert.equal(run(tasked, noteUpstreamTask('job-1', 'first', 'submitted', 'task-1')), 'noted', 'its id is not lost');
  assert.equal(run(tasked, beginJob('job-1', 'second')).kind, 'begun');
  assert.equal(run(tasked, noteUpstreamTask('job-1', 'first', null, null)), 'lease-lost');
});

test('a job past its deadline is not begun', () => {
  const unitOfWork = submitted({ deadlineAtMs: NOW - 1 });
  assert.equal(run(unitOfWork, beginJob('job-1', 'first')).kind, 'late');
});

test('a job whose owner has asked for a cancel is cancelled, whatever its run says', () => {
  const end = endJob({
    jobId: 'job-1',
    userId: 2,
    status: 'FAILED',
    errorCode: 600004,
    errorMessage: 'past its deadline',
    release: { holdId: 'job-1', accountId: 1, budgetKeyId: null },
  });
  const asked = submitted({ status: 'PROCESSING', attempt: 1, cancelRequestedAtMs: NOW - 5 });
  assert.equal(run(asked, end), 'CANCELLED');
  const { status, errorCode, errorMessage, cost } = asked.get(jobs, 'job-1') ?? {};
  assert.deepEqual([status, errorCode, errorMessage, cost], ['CANCELLED', null, null, 0n]);
  assert.equal(asked.get(holds, 'job-1')?.state, 'released');
  const unasked = submitted({ status: 'PROCESSING', attempt: 1 });
  assert.equal(run(unasked, end), 'FAILED');
  assert.equal(unasked.get(jobs, 'job-1')?.errorCode, 600004);
});

const stored = (unitOfWork: UnitOfWork) => unitOfWork.get(jobStorage, '2')?.bytes ?? 0n;
const release = { holdId: 'job-1', accountId: 1, budgetKeyId: null };

test('a user at a limit gets no further job and holds nothing, and a repeated keyed request still gets its own', () => {
  for (const [full, kind] of [
    [rows(2), 'too-many-live'],
    [rows(1, 999n), 'storage-full'],
  ] as const) {
    assert.equal(run(full, submission).kind, kind);
    assert.equal(full.get(accounts, '1')?.available, 500n);
    assert.equal(run(full, claim(keyed)).kind, 'claimed', 'its key is free');
  }
  const unitOfWork = rows(1, 998n);
  assert.equal(run(unitOfWork, submission).kind, 'held');
  assert.deepEqual([unitOfWork.get(liveOfUser, '2'), stored(unitOfWork)], [2, 1_000n], 'counted for the next');
  const hold = { ...given.hold, id: 'job-2', claim: { ...keyed, requestId: 'job-2' } };
  assert.equal(run(unitOfWork, submitJob({ ...given, hold })).kind, 'answered');
});

test('the payloads of a job that was cancelled go at once, of a failed one later, of a live one never', () => {
  const cancelled = submitted();
  run(cancelled, cancelJob('job-1', 2, release));
  assert.deepEqual([cancelled.get(jobs, 'job-1')?.payloadsRemovedAtMs, stored(cancelled)], [NOW, 0n]);
  assert.ok(cancelled.statements([]).some((statement) => statement.includes('result=NULL')));
  const announced = submitted({ webhookUrl: 'https://a.example' });
  run(announced, cancelJob('job-1', 2, release));
  assert.deepEqual(
    [announced.get(jobs, 'job-1')?.payloadsRemovedAtMs, stored(announced)],
    [null, 2n],
    'its receiver comes first',
  );
  const failed = submitted();
  run(failed, removePayloads([{ id: 'job-1', userId: 2 }]));
  assert.equal(failed.get(jobs, 'job-1')?.payloadsRemovedAtMs, null, 'it lives');
  const error = { errorCode: 600004, errorMessage: 'no' };
  run(failed, endJob({ jobId: 'job-1', userId: 2, status: 'FAILED', ...error, release }));
  assert.deepEqual([failed.get(jobs, 'job-1')?.payloadsRemovedAtMs, stored(failed)], [null, 2n]);
  for (const _again of [1, 2]) {
    run(failed, removePayloads([{ id: 'job-1', userId: 2 }]));
    assert.deepEqual([failed.get(jobs, 'job-1')?.payloadsRemovedAtMs, stored(failed)], [NOW, 0n]);
  }
});

test('a result is counted to its user, in bytes, and taken off once', () => {
  const unitOfWork = submitted();
  run(unitOfWork, beginJob('job-1', 'first'));
  const capture = {
    ...{ ...release, priceId: 3, cost: 10n },
    call: finishedCall('job-1'),
  };
  const completion = completeJob('job-1', 'first', { userId: 2, capture, result: () => '"模"' });
  for (const _again of [1, 2]) {
    assert.deepEqual(run(unitOfWork, completion), { kind: 'completed', cost: 10n });
    assert.equal(stored(unitOfWork), 7n);
  }
  run(unitOfWork, removePayloads([{ id: 'job-1', userId: 2 }]));
  assert.equal(stored(unitOfWork), 0n);
  assert.equal(unitOfWork.get(jobs, 'job-1')?.cost, 10n);
});
