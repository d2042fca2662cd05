/**
 * Every change of a job, together with its hold, in one transaction. The row is the truth: a run may write only while
 * it holds the lease, and a result or an end is final, so that no reset, retry or lost answer of Temporal can call or
 * charge twice. Pure.
 */

import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import { read } from '../../core/ledger/commit-queue/operation.ts';
import type { Rows } from '../../core/ledger/commit-queue/unit-of-work.ts';
import {
  type Capture,
  type CaptureOutcome,
  captureReads,
  decideCapture,
} from '../../core/ledger/operations/capture.ts';
import { decideRelease, type Release, releaseReads } from '../../core/ledger/operations/close-hold.ts';
import { holds } from '../../core/ledger/tables/holds.ts';
import { workflowOutbox } from '../../core/outbox/outbox.ts';
import type { WorkflowStart } from '../../workflows/contracts.ts';
import { announceEnd } from '../webhooks/delivery-table.ts';
import { isLive, type JobStatus, MAX_PROVIDER_CALLS } from './job.ts';
import { changeStored, type RunCheck, runLimitReads, storageRead, takePlace } from './job-limits.ts';
import { droppedPayloads, droppedRequests, type JobRow, jobResults, jobs } from './job-tables.ts';

function jobOf(rows: Rows, jobId: string): JobRow {
  const job = rows.get(jobs, jobId);
  if (!job) throw new Error(`job ${jobId} does not exist`);
  return job;
}

function put(rows: Rows, job: JobRow, change: Partial<JobRow>): JobRow {
  const after = { ...job, ...change, updatedAtMs: rows.nowMs };
  rows.put(jobs, job.id, after);
  return after;
}

/**
 * Ends a live job, with the webhook to its owner in the same transaction. The request of a cancelled job is removed at
 * once; what its webhook shows stays until the other payloads go.
 */
function finish<Status extends 'COMPLETED' | 'FAILED' | 'CANCELLED'>(
  rows: Rows,
  job: JobRow,
  end: { readonly status: Status; readonly cost: bigint } & Partial<JobRow>,
  { result, ...span }: { readonly result?: string; readonly traceparent?: string } = {},
): Status {
  const ended = put(rows, job, { ...end, finishedAtMs: rows.nowMs });
  if (result !== undefined) {
    rows.append(jobResults, { id: job.id, result });
    const bytes = Buffer.byteLength(result);
    changeStored(rows, job.userId, bytes);
    put(rows, ended, { payloadBytes: ended.payloadBytes + bytes });
  }
  if (end.status === 'CANCELLED') {
    if (result === undefined && job.webhookUrl === null) dropPayloads(rows, ended);
    else rows.append(droppedRequests, job.id);
  }
  if (job.webhookUrl !== null) announceEnd(rows, { jobId: job.id, userId: job.userId, url: job.webhookUrl }, span);
  return end.status;
}

function dropPayloads(rows: Rows, job: JobRow): void {
  changeStored(rows, job.userId, -job.payloadBytes);
  // `updatedAtMs` stays the time of its end.
  rows.put(jobs, job.id, { ...job, payloadBytes: 0, payloadsRemovedAtMs: rows.nowMs });
  rows.append(droppedPayloads, job.id);
}

/**
 * Removes requests and results of ended jobs; their cost stays. Live jobs and jobs without payloads are skipped.
 * Idempotent.
 */
export function removePayloads(ended: readonly { readonly id: string; readonly userId: number }[]): Operation<void> {
  return {
    reads: ended.flatMap(({ id, userId }) => [read(jobs, id), storageRead(userId)]),
    decide: (rows) => {
      for (const { id } of ended) {
        const job = rows.get(jobs, id);
        if (job && !isLive(job.status) && job.payloadsRemovedAtMs === null) dropPayloads(rows, job);
      }
    },
  };
}

export interface ProviderCall {
  readonly providerKeyId: number;
  readonly modelId: number;
  readonly modelName: string;
}

export type CallPermit =
  | { readonly kind: 'granted'; readonly call: number }
  | { readonly kind: 'exhausted' }
  | { readonly kind: 'cancel-requested' }
  | { readonly kind: 'lease-lost' };

/** Why a run may not begin a job. */
export type NotBegun =
  /** The job has ended; there is nothing to do. */
  | { readonly kind: 'ended'; readonly job: JobRow }
  | { readonly kind: 'cancel-requested' }
  /** The limit of running jobs of its user or provider is reached. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'late' };

/** `permit`: for the call that the run began with. */
export type Begin =
  | { readonly kind: 'begun'; readonly job: JobRow; readonly permit: CallPermit | undefined }
  | NotBegun;

export interface Entry {
  /** The limits that a job must meet before its first run; undefined = none. */
  readonly check?: RunCheck | undefined;
  /** A call that the run makes first; counted in the same transaction. */
  readonly call?: ProviderCall | undefined;
}

/** The entry of every run: an ended job stays as it is; otherwise this run takes the lease. */
export function beginJob(jobId: string, lease: string, { check, call }: Entry = {}): Operation<Begin> {
  return {
    reads: [...(check ? runLimitReads(check) : []), read(holds, jobId), read(jobs, jobId)],
    decide: (rows) => {
      const job = jobOf(rows, jobId);
      if (!isLive(job.status) || rows.get(holds, jobId)?.state !== 'open') return { kind: 'ended', job };
      // The provider charges for a task that it has, so the run waits for it, cancelled or not.
      if (job.cancelRequestedAtMs !== null && job.upstreamTaskId === null) return { kind: 'cancel-requested' };
      if (job.deadlineAtMs <= rows.nowMs) return { kind: 'late' };
      if (check && job.status === 'PENDING' && !takePlace(rows, check)) return { kind: 'wait' };
      const begun = put(rows, job, {
        status: 'PROCESSING',
        attempt: job.attempt + 1,
        lease,
        startedAtMs: job.startedAtMs ?? rows.nowMs,
      });
      return { kind: 'begun', job: begun, permit: call && permitCall(rows, begun, lease, call) };
    },
  };
}

/** Counts a provider call before it is made. */
export function countProviderCall(jobId: string, lease: string, call: ProviderCall): Operation<CallPermit> {
  return {
    reads: [read(jobs, jobId)],
    decide: (rows) => permitCall(rows, jobOf(rows, jobId), lease, call),
  };
}

function permitCall(rows: Rows, job: JobRow, lease: string, call: ProviderCall): CallPermit {
  if (job.lease !== lease || !isLive(job.status)) return { kind: 'lease-lost' };
  if (job.cancelRequestedAtMs !== null) return { kind: 'cancel-requested' };
  if (job.providerAttempts >= MAX_PROVIDER_CALLS) return { kind: 'exhausted' };
  put(rows, job, { ...call, providerAttempts: job.providerAttempts + 1 });
  return { kind: 'granted', call: job.providerAttempts + 1 };
}

export interface JobCompletion {
  readonly userId: number;
  readonly capture: Capture;
  /** `resultPayload` as JSON text. */
  readonly result: (cost: bigint) => string;
  readonly end?: Extract<JobStatus, 'COMPLETED' | 'CANCELLED'>;
  /** The span of the webhook to its owner. */
  readonly traceparent?: string;
}

export type Completion = { readonly kind: 'completed'; readonly cost: bigint } | { readonly kind: 'not-ours' };

/** Stores the result and captures the cost in one transaction, if the run still has the lease. Idempotent. */
export function completeJob(
  jobId: string,
  lease: string,
  { userId, capture, result, end = 'COMPLETED', ...span }: JobCompletion,
): Operation<Completion> {
  return {
    reads: [...captureReads(capture), read(jobs, jobId), storageRead(userId)],
    bytes: result(0n).length * 2,
    decide: (rows) => {
      const job = jobOf(rows, jobId);
      if (job.status === end && job.lease === lease) return { kind: 'completed', cost: job.cost ?? 0n };
      if (!isLive(job.status) || job.lease !== lease) return { kind: 'not-ours' };
      const outcome = decideCapture(rows, withAllCalls(job, capture));
      const cost = chargedOf(outcome);
      if (cost === undefined) return { kind: 'not-ours' };
      finish(rows, job, { status: end, cost, progress: 100 }, { ...span, result: result(cost) });
      return { kind: 'completed', cost };
    },
  };
}

/** The row has the calls of all runs; a run knows only its own, and a cancel or a reconciler knows none. */
function withAllCalls<Closing extends Capture | Release>(job: JobRow, closing: Closing): Closing {
  const { providerAttempts: attempts, providerKeyId, modelId, modelName } = job;
  const { call } = closing;
  if (call === undefined) return closing;
  const lastCalled = { providerKeyId, modelId, modelIdentifier: modelName };
  const isNamed = attempts === 0 || call.modelId !== null;
  return { ...closing, call: { ...call, attempts, ...(isNamed ? {} : lastCalled) } };
}

function chargedOf(outcome: CaptureOutcome): bigint | undefined {
  return outcome.kind === 'captured' || outcome.kind === 'already-captured' ? outcome.charged : undefined;
}

export interface JobEnd {
  readonly jobId: string;
  readonly userId: number;
  readonly status: Extract<JobStatus, 'FAILED' | 'CANCELLED'>;
  readonly errorCode: number | null;
  readonly errorMessage: string | null;
  readonly release: Release;
  /** Only while this run has the lease; undefined = whichever run has it. */
  readonly lease?: string;
  /** The span of the webhook to its owner. */
  readonly traceparent?: string;
}

/**
 * Ends a live job without a charge and releases its hold. A job whose owner asked for a cancel becomes CANCELLED,
 * however its run ended. Idempotent. @returns the status the job then has.
 */
export function endJob(end: JobEnd): Operation<JobStatus> {
  return {
    reads: [...releaseReads(end.release), read(jobs, end.jobId), storageRead(end.userId)],
    decide: (rows) => {
      const job = jobOf(rows, end.jobId);
      if (!isLive(job.status) || (end.lease !== undefined && job.lease !== end.lease)) return job.status;
      decideRelease(rows, withAllCalls(job, end.release));
      const { status, errorCode, errorMessage, traceparent } = end;
      const span = traceparent === undefined ? {} : { traceparent };
      if (job.cancelRequestedAtMs !== null) return finish(rows, job, { status: 'CANCELLED', cost: 0n }, span);
      return finish(rows, job, { status, errorCode, errorMessage, cost: 0n }, span);
    },
  };
}

/**
 * Asks for a cancel: a job that no run has begun ends at once, free of charge; a running one is notified. Idempotent.
 */
export function cancelJob(jobId: string, userId: number, release: Release): Operation<JobStatus> {
  return {
    reads: [...releaseReads(release), read(jobs, jobId), storageRead(userId)],
    decide: (rows) => {
      const job = jobOf(rows, jobId);
      if (!isLive(job.status)) return job.status;
      if (job.attempt > 0) {
        return put(rows, job, { cancelRequestedAtMs: job.cancelRequestedAtMs ?? rows.nowMs }).status;
      }
      decideRelease(rows, release);
      return finish(rows, job, { status: 'CANCELLED', cost: 0n, cancelRequestedAtMs: rows.nowMs });
    },
  };
}

/**
 * Writes the start of a job's workflow again if the row has not changed meanwhile; the write makes a second reconciler
 * fail.
 * @returns false when the job has moved on.
 */
export function restartJob(jobId: string, seenUpdatedAtMs: number, start: WorkflowStart): Operation<boolean> {
  return {
    reads: [read(jobs, jobId)],
    decide: (rows) => {
      const job = jobOf(rows, jobId);
      if (!isLive(job.status) || job.updatedAtMs !== seenUpdatedAtMs) return false;
      put(rows, job, {});
      rows.append(workflowOutbox, { start, atMs: rows.nowMs, forRelay: true });
      return true;
    },
  };
}

export type TaskNote = 'noted' | 'cancel-requested' | 'lease-lost';

/** Stores how far an asynchronous provider task is, while the run has the lease. A cancelled job submits none. */
export function noteUpstreamTask(
  jobId: string,
  lease: string,
  state: 'submitting' | 'submitted' | null,
  taskId: string | null,
): Operation<TaskNote> {
  return {
    reads: [read(jobs, jobId)],
    decide: (rows) => {
      const job = jobOf(rows, jobId);
      if (job.lease !== lease || !isLive(job.status)) return 'lease-lost';
      if (state === 'submitting' && job.cancelRequestedAtMs !== null) return 'cancel-requested';
      put(rows, job, { upstreamState: state, upstreamTaskId: taskId });
      return 'noted';
    },
  };
}
