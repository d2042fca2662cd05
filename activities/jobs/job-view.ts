/** A job as its owner sees it, whole or in a list. */
import { z } from 'zod';
import { JOB_STATUSES, JOB_TYPES, type JobStatus, type JobType } from './job.ts';

export const jsonColumn = z.preprocess((value) => (typeof value === 'string' ? JSON.parse(value) : value), z.unknown());
/** MariaDB gives 0 or 1, MySQL their text. */
export const flagColumn = z.coerce.number().transform((value) => value !== 0);
const timeColumn = z.preprocess((value) => (value instanceof Date ? value : undefined), z.date());

export const viewSchema = z.object({
  id: z.string(),
  type: z.enum(JOB_TYPES),
  user_id: z.number(),
  account_id: z.number(),
  access_key_id: z.number().nullable(),
  model_name: z.string(),
  status: z.enum(JOB_STATUSES),
  request: jsonColumn,
  result: jsonColumn,
  error_code: z.number().nullable(),
  error_message: z.string().nullable(),
  cost: z.string().nullable(),
  progress: z.number(),
  budgeted: flagColumn,
  created_at: timeColumn,
  started_at: timeColumn.nullable(),
  finished_at: timeColumn.nullable(),
  updated_at: timeColumn,
  cancel_requested_at: timeColumn.nullable(),
  payloads_removed_at: timeColumn.nullable(),
});

/** A job as its owner sees it; `cost` in nano-units. */
export interface JobView {
  readonly id: string;
  readonly type: JobType;
  readonly userId: number;
  readonly accountId: number;
  readonly accessKeyId: number | null;
  readonly modelName: string;
  readonly status: JobStatus;
  readonly request: unknown;
  readonly result: unknown;
  readonly errorCode: number | null;
  readonly errorMessage: string | null;
  readonly cost: bigint | null;
  readonly progress: number;
  readonly budgeted: boolean;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly updatedAt: Date;
  readonly cancelRequestedAt: Date | null;
  /** Since then `request` and `result` are null. */
  readonly payloadsRemovedAt: Date | null;
}

/** Longest payload, in bytes, that a list shows: a page of 100 jobs stays below 4 MB. */
const LISTED_PAYLOAD_BYTES = 16_384;

/** What `viewSchema` reads. */
export const VIEWED = columns('request', 'result');
/** The same with long payloads left in the database: a page of jobs with pictures would be hundreds of megabytes. */
export const LISTED = columns(unlessLong('request'), unlessLong('result'));

function columns(request: string, result: string): string {
  return `id,type,user_id,account_id,access_key_id,model_name,status,${request},${result},error_code,error_message,cost,
  progress,JSON_UNQUOTE(JSON_EXTRACT(plan,'$.budgeted'))='true' AS budgeted,created_at,started_at,finished_at,updated_at,
  cancel_requested_at,payloads_removed_at`;
}

function unlessLong(column: 'request' | 'result'): string {
  const omitted = `JSON_OBJECT('omittedBytes',OCTET_LENGTH(${column}),'message','long payloads are left out of lists; GET /v1/async/jobs/{jobId} has it')`;
  return `IF(OCTET_LENGTH(${column})>${LISTED_PAYLOAD_BYTES},${omitted},${column}) AS ${column}`;
}

export function viewOf(row: object): JobView {
  const view = viewSchema.parse(row);
  return {
    id: view.id,
    type: view.type,
    userId: view.user_id,
    accountId: view.account_id,
    accessKeyId: view.access_key_id,
    modelName: view.model_name,
    status: view.status,
    request: view.request,
    result: view.result,
    errorCode: view.error_code,
    errorMessage: view.error_message,
    cost: view.cost === null ? null : BigInt(view.cost),
    progress: view.progress,
    budgeted: view.budgeted,
    createdAt: view.created_at,
    startedAt: view.started_at,
    finishedAt: view.finished_at,
    updatedAt: view.updated_at,
    cancelRequestedAt: view.cancel_requested_at,
    payloadsRemovedAt: view.payloads_removed_at,
  };
}
