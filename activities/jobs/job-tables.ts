/** The jobs table as the money lane sees it: the columns that decide, and the texts that are only ever written. */
import { insertRows, literals, updateRows, utcDateTime } from '../../infra/mysql/literal.ts';
import { bigintOrNull, msOf, msOrNull, numberOf, numberOrNull, textOf, textOrNull } from '../billing/lane/record.ts';
import type { LaneSink, LaneTable } from '../billing/lane/table.ts';
import { JOB_STATUSES, type JobPlan, type JobStatus, type JobType } from './job.ts';

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
  /** Token of the run that may write. */
  readonly lease: string | null;
  readonly upstreamState: string | null;
  readonly upstreamTaskId: string | null;
  readonly providerKeyId: number | null;
  readonly cancelRequestedAtMs: number | null;
  readonly deadlineAtMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly updatedAtMs: number;
  /** Who is to be told of its end, or null. */
  readonly webhookUrl: string | null;
}

const COLUMNS =
  'id,user_id,account_id,access_key_id,webhook_url,status,model_id,model_name,error_code,error_message,cost,progress,attempt,provider_attempts,lease,upstream_state,upstream_task_id,provider_key_id,cancel_requested_at,deadline_at,started_at,finished_at,updated_at';
/** A job's owner, deadline and webhook never change. */
const FIXED = ['id', 'user_id', 'account_id', 'access_key_id', 'webhook_url', 'deadline_at'];
const CHANGING = COLUMNS.split(',').filter((name) => !FIXED.includes(name));

function statusOf(text: string): JobStatus {
  const status = JOB_STATUSES.find((known) => known === text);
  if (!status) throw new TypeError(`unknown job status ${text}`);
  return status;
}

function dateTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : utcDateTime(ms);
}

export const jobs: LaneTable<JobRow> = {
  name: 'jobs',
  lock: (ids) => `SELECT ${COLUMNS} FROM jobs WHERE id IN (${literals(ids)}) ORDER BY id FOR UPDATE`,
  parse: (record) => [
    textOf(record, 'id'),
    {
      id: textOf(record, 'id'),
      userId: numberOf(record, 'user_id'),
      accountId: numberOf(record, 'account_id'),
      accessKeyId: numberOrNull(record, 'access_key_id'),
      status: statusOf(textOf(record, 'status')),
      modelId: numberOrNull(record, 'model_id'),
      modelName: textOf(record, 'model_name'),
      errorCode: numberOrNull(record, 'error_code'),
      errorMessage: textOrNull(record, 'error_message'),
      cost: bigintOrNull(record, 'cost'),
      progress: numberOf(record, 'progress'),
      attempt: numberOf(record, 'attempt'),
      providerAttempts: numberOf(record, 'provider_attempts'),
      lease: textOrNull(record, 'lease'),
      upstreamState: textOrNull(record, 'upstream_state'),
      upstreamTaskId: textOrNull(record, 'upstream_task_id'),
      providerKeyId: numberOrNull(record, 'provider_key_id'),
      cancelRequestedAtMs: msOrNull(record, 'cancel_requested_at'),
      deadlineAtMs: msOf(record, 'deadline_at'),
      startedAtMs: msOrNull(record, 'started_at'),
      finishedAtMs: msOrNull(record, 'finished_at'),
      updatedAtMs: msOf(record, 'updated_at'),
      webhookUrl: textOrNull(record, 'webhook_url'),
    },
  ],
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
      ]),
    ),
};

export interface NewJob {
  readonly id: string;
  readonly type: JobType;
  readonly userId: number;
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
  readonly atMs: number;
}

/** New jobs: guarded by the id of their hold, so they are written without a read. */
export const newJobs: LaneSink<NewJob> = {
  name: 'jobs',
  write: (items) =>
    insertRows(
      'jobs',
      'id,type,user_id,account_id,access_key_id,model_id,provider_id,model_name,status,request,plan,priority,metadata,webhook_url,deadline_at,created_at,updated_at'.split(
        ',',
      ),
      items.map((job) => [
        job.id,
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
      ]),
    ),
};

/** Result texts, written in the transaction that completes their job. */
export const jobResults: LaneSink<{ readonly id: string; readonly result: string }> = {
  name: 'jobs.result',
  write: (items) =>
    updateRows(
      'jobs',
      'id',
      ['result'],
      items.map(({ id, result }) => [id, result]),
    ),
};
