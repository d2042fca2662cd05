/**
 * The tables of jobs as the commit queue sees them: the columns of a job that decide, its texts, which are only
 * written, the bytes of a user's jobs, and how many jobs are live or running.
 */

import type { LedgerSink, LedgerTable } from '../../core/ledger/commit-queue/table.ts';
import { insertRows, literals, updateRows, utcDateTime } from '../../infra/mysql/literal.ts';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { type JobIdentity, jobWorkflowId } from '../../workflows/contracts.ts';
import { JOB_STATUSES, type JobPlan, type JobStatus } from './job.ts';

export interface JobRow {
  readonly id: string;
  readonly userId: number;
  readonly accountId: number;
  readonly accessKeyId: number | null;
  readonly status: JobStatus;
  readonly modelId: number | null;
  readonly modelName: string;
  readonly errorCode: number | null;
  readonly errorMessage: string | null;
  readonly cost: bigint | null;
  readonly progress: number;
  readonly attempt: number;
  readonly providerAttempts: number;
  /** Token of the run that has the lease. */
  readonly lease: string | null;
  readonly upstreamState: string | null;
  readonly upstreamTaskId: string | null;
  readonly providerKeyId: number | null;
  readonly cancelRequestedAtMs: number | null;
  readonly deadlineAtMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly updatedAtMs: number;
  /** The webhook's address, or null. */
  readonly webhookUrl: string | null;
  /** What it adds to its user's `job_storage`, in bytes. */
  readonly payloadBytes: number;
  readonly payloadsRemovedAtMs: number | null;
}

const storedJob = rowOf({
  id: column.text,
  userId: column.integer,
  accountId: column.integer,
  accessKeyId: orNull(column.integer),
  webhookUrl: orNull(column.text),
  status: column.oneOf(JOB_STATUSES),
  modelId: orNull(column.integer),
  modelName: column.text,
  errorCode: orNull(column.integer),
  errorMessage: orNull(column.text),
  cost: orNull(column.bigint),
  progress: column.integer,
  attempt: column.integer,
  providerAttempts: column.integer,
  lease: orNull(column.text),
  upstreamState: orNull(column.text),
  upstreamTaskId: orNull(column.text),
  providerKeyId: orNull(column.integer),
  cancelRequestedAtMs: orNull(column.ms),
  deadlineAtMs: column.ms,
  startedAtMs: orNull(column.ms),
  finishedAtMs: orNull(column.ms),
  updatedAtMs: column.ms,
  payloadBytes: column.integer,
  payloadsRemovedAtMs: orNull(column.ms),
});
/** A job's owner, deadline and webhook never change. */
const FIXED = ['id', 'user_id', 'account_id', 'access_key_id', 'webhook_url', 'deadline_at'];
const CHANGING = storedJob.names.filter((name) => !FIXED.includes(name));

function dateTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : utcDateTime(ms);
}

export const jobs: LedgerTable<JobRow> = {
  name: 'jobs',
  lock: (ids) => `SELECT ${storedJob.columns} FROM jobs WHERE id IN (${literals(ids)}) ORDER BY id FOR UPDATE`,
  parse: (record) => {
    const job = storedJob.read(record);
    return [job.id, job];
  },
  update: (rows) =>
    updateRows(
      'jobs',
      'id',
      CHANGING,
      rows.map((row) => [
        row.id,
        row.status,
        row.modelId,
        row.modelName,
        row.errorCode,
        row.errorMessage,
        row.cost,
        row.progress,
        row.attempt,
        row.providerAttempts,
        row.lease,
        row.upstreamState,
        row.upstreamTaskId,
        row.providerKeyId,
        dateTimeOrNull(row.cancelRequestedAtMs),
        dateTimeOrNull(row.startedAtMs),
        dateTimeOrNull(row.finishedAtMs),
        utcDateTime(row.updatedAtMs),
        row.payloadBytes,
        dateTimeOrNull(row.payloadsRemovedAtMs),
      ]),
    ),
};

export interface NewJob extends JobIdentity {
  readonly accountId: number;
  readonly accessKeyId: number | null;
  readonly modelId: number | null;
  readonly providerId: number | null;
  readonly modelName: string;
  /** The request's body as JSON text. */
  readonly request: string;
  readonly plan: JobPlan;
  readonly priority: number;
  /** JSON text. */
  readonly metadata: string | null;
  readonly webhookUrl: string | null;
  readonly deadlineMs: number;
  readonly payloadBytes: number;
  readonly atMs: number;
}

/** New jobs. The id of their hold makes them unique, so they are written without a read. */
export const newJobs: LedgerSink<NewJob> = {
  name: 'jobs',
  write: (items) =>
    insertRows(
      'jobs',
      'id,workflow_id,type,user_id,account_id,access_key_id,model_id,provider_id,model_name,status,request,plan,priority,metadata,webhook_url,deadline_at,created_at,updated_at,payload_bytes,trace_id'.split(
        ',',
      ),
      items.map((job) => [
        job.id,
        jobWorkflowId(job),
        job.type,
        job.userId,
        job.accountId,
        job.accessKeyId,
        job.modelId,
        job.providerId,
        job.modelName,
        'PENDING',
        job.request,
        JSON.stringify(job.plan),
        job.priority,
        job.metadata,
        job.webhookUrl,
        utcDateTime(job.atMs + job.deadlineMs),
        utcDateTime(job.atMs),
        utcDateTime(job.atMs),
        job.payloadBytes,
        job.plan.traceId,
      ]),
    ),
};

/** Result texts, written in the transaction that completes their job. */
export const jobResults: LedgerSink<{ readonly id: string; readonly result: string }> = {
  name: 'jobs.result',
  write: (items) =>
    updateRows(
      'jobs',
      'id',
      ['result'],
      items.map(({ id, result }) => [id, result]),
    ),
};

/** Requests that are no longer needed, and the conversations that came with them. */
export const droppedRequests: LedgerSink<string> = {
  name: 'jobs.request',
  write: (ids) => `UPDATE jobs SET request='null',plan=JSON_REMOVE(plan,'$.turn') WHERE id IN (${literals(ids)})`,
};

/** All payloads of jobs: what their users sent and what they got. */
export const droppedPayloads: LedgerSink<string> = {
  name: 'jobs.payloads',
  write: (ids) =>
    `UPDATE jobs SET request='null',plan=JSON_REMOVE(plan,'$.turn'),result=NULL,metadata=NULL,webhook_url=NULL WHERE id IN (${literals(ids)})`,
};

/** Bytes of a user's jobs, changed in the same transaction as the job, so that no crash leaves them apart. */
const storageRow = rowOf({ userId: column.integer, bytes: column.bigint });

export const jobStorage: LedgerTable<{ readonly userId: number; readonly bytes: bigint }> = {
  name: 'job_storage',
  lock: (ids) =>
    `SELECT ${storageRow.columns} FROM job_storage WHERE user_id IN (${literals(ids.map(Number))}) ORDER BY user_id FOR UPDATE`,
  parse: (record) => {
    const stored = storageRow.read(record);
    return [String(stored.userId), stored];
  },
  insert: (rows) =>
    insertRows(
      'job_storage',
      ['user_id', 'bytes'],
      rows.map(({ userId, bytes }) => [userId, bytes]),
    ),
  update: (rows) =>
    updateRows(
      'job_storage',
      'user_id',
      ['bytes'],
      rows.map(({ userId, bytes }) => [userId, bytes]),
    ),
};

/*
 * How many jobs of a user or of a provider are live or running: counted each time and never stored, so that no crash leaves a wrong count. The counts are exact because one row is locked first: the user's account, or the provider.
 */

/** What a transaction adds to a count is visible to its own later operations only. */
const NOTHING = () => 'DO 0';

const countRow = rowOf({ id: column.integer, running: column.integer });
const providerRow = rowOf({ id: column.integer });

function countTable(name: string, owner: string, ...statuses: JobStatus[]): LedgerTable<number> {
  return {
    name,
    // Reads without a lock. The statement begins after the earlier locks were granted, so it sees what their last
    // holder wrote.
    lock: (ids) =>
      `SELECT ${owner} AS id,COUNT(*) AS running FROM jobs WHERE status IN (${literals(statuses)}) AND ${owner} IN (${literals(ids.map(Number))}) GROUP BY ${owner}`,
    parse: (record) => {
      const { id, running } = countRow.read(record);
      return [String(id), running];
    },
    insert: NOTHING,
    update: NOTHING,
  };
}

export const runningOfUser = countTable('running jobs of users', 'user_id', 'PROCESSING');
export const liveOfUser = countTable('live jobs of users', 'user_id', 'PENDING', 'PROCESSING');
export const runningOfProvider = countTable('running jobs of providers', 'provider_id', 'PROCESSING');

/** Lets one transaction at a time count a provider's jobs. */
export const providerGate: LedgerTable<number> = {
  name: 'providers',
  lock: (ids) => `SELECT id FROM providers WHERE id IN (${literals(ids.map(Number))}) ORDER BY id FOR UPDATE`,
  parse: (record) => {
    const { id } = providerRow.read(record);
    return [String(id), id];
  },
};
