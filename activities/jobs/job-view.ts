/** A job as its owner sees it: its columns, with long payloads left where they are. */
import { literals } from '../../infra/mysql/literal.ts';
import { column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { JOB_STATUSES, JOB_TYPES } from './job.ts';

/** Longest payload, in bytes, that a list shows: a page of 100 jobs stays below 4 MB. */
const LISTED_PAYLOAD_BYTES = 16_384;

export const view = rowOf({
  id: column.text,
  workflowId: column.text,
  type: column.oneOf(JOB_TYPES),
  userId: column.integer,
  accountId: column.integer,
  accessKeyId: orNull(column.integer),
  modelName: column.text,
  status: column.oneOf(JOB_STATUSES),
  /** JSON text, as are the results: they are handed on as they are. */
  request: orNull(column.text),
  result: orNull(column.text),
  /** What both have, about. */
  payloadBytes: column.integer,
  errorCode: orNull(column.integer),
  errorMessage: orNull(column.text),
  /** In nano-units. */
  cost: orNull(column.bigint),
  progress: column.integer,
  budgeted: column.flag,
  createdAt: column.time,
  startedAt: orNull(column.time),
  finishedAt: orNull(column.time),
  updatedAt: column.time,
  cancelRequestedAt: orNull(column.time),
  /** Since then `request` and `result` are null. */
  payloadsRemovedAt: orNull(column.time),
});
/** Jobs of a later version, while it is started or after it was taken back, are not shown by this one. */
export const KNOWN_TYPE = `type IN (${literals(JOB_TYPES)})`;

/** A job as its owner sees it. */
export type JobView = ReadRow<typeof view>;

const BUDGETED = "COALESCE(JSON_UNQUOTE(JSON_EXTRACT(plan,'$.budgeted'))='true',0)";

/** Payloads of one job that are longer, in bytes, are read by themselves (`payloads`). */
export const LARGE_PAYLOAD_BYTES = 1_048_576;
const unlessLarge = (payload: string) => `IF(payload_bytes>${LARGE_PAYLOAD_BYTES},NULL,${payload})`;

const MADE = { budgeted: BUDGETED, workflow_id: 'COALESCE(workflow_id,id)' };
/** The columns of a view. */
export const VIEWED = columns({ ...MADE, request: unlessLarge('request'), result: unlessLarge('result') });
/** The same with long payloads left in the database: a page of jobs with images would be hundreds of megabytes. */
export const LISTED = columns({ ...MADE, request: unlessLong('request'), result: unlessLong('result') });

/** @param made SQL of those that are not columns of the table as they are. */
function columns(made: Readonly<Record<string, string>>): string {
  return view.names.map((name) => (made[name] === undefined ? name : `${made[name]} AS ${name}`)).join(',');
}

function unlessLong(payload: 'request' | 'result'): string {
  const omitted = `JSON_OBJECT('omittedBytes',OCTET_LENGTH(${payload}),'message','long payloads are left out of lists; GET /v1/async/jobs/{jobId} has it')`;
  return `IF(OCTET_LENGTH(${payload})>${LISTED_PAYLOAD_BYTES},${omitted},${payload})`;
}

export const payloads = rowOf({ request: orNull(column.text), result: orNull(column.text) });
