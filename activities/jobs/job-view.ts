/** A job as its owner sees it, whole or in a list. */
import { column, orNull, type RowReader, rowOf } from '../../infra/mysql/rows.ts';
import { JOB_STATUSES, JOB_TYPES, type JobStatus, type JobType } from './job.ts';

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

/** What a view reads of a row. */
export const view: RowReader<JobView> = rowOf({
  id: column.text,
  type: column.oneOf(JOB_TYPES),
  userId: column.integer,
  accountId: column.integer,
  accessKeyId: orNull(column.integer),
  modelName: column.text,
  status: column.oneOf(JOB_STATUSES),
  request: column.json,
  result: column.json,
  errorCode: orNull(column.integer),
  errorMessage: orNull(column.text),
  cost: orNull(column.bigint),
  progress: column.integer,
  budgeted: column.flag,
  createdAt: column.time,
  startedAt: orNull(column.time),
  finishedAt: orNull(column.time),
  updatedAt: column.time,
  cancelRequestedAt: orNull(column.time),
  payloadsRemovedAt: orNull(column.time),
});

const BUDGETED = "COALESCE(JSON_UNQUOTE(JSON_EXTRACT(plan,'$.budgeted'))='true',0)";

/** The columns of a view. */
export const VIEWED = columns({ budgeted: BUDGETED });
/** The same with long payloads left in the database: a page of jobs with pictures would be hundreds of megabytes. */
export const LISTED = columns({ budgeted: BUDGETED, request: unlessLong('request'), result: unlessLong('result') });

/** @param made SQL of those that are not columns of the table as they are. */
function columns(made: Readonly<Record<string, string>>): string {
  return view.names.map((name) => (made[name] === undefined ? name : `${made[name]} AS ${name}`)).join(',');
}

function unlessLong(payload: 'request' | 'result'): string {
  const omitted = `JSON_OBJECT('omittedBytes',OCTET_LENGTH(${payload}),'message','long payloads are left out of lists; GET /v1/async/jobs/{jobId} has it')`;
  return `IF(OCTET_LENGTH(${payload})>${LISTED_PAYLOAD_BYTES},${omitted},${payload})`;
}
