/** Reads of jobs; every change goes through the commit queue (job-operations.ts). */
import type { Sequelize } from 'sequelize';
import { column, orNull, type ReadRow, readableOr, rowOf } from '../../infra/mysql/rows.ts';
import { count, select } from '../../infra/mysql/statements.ts';
import type { JobType } from '../../workflows/contracts.ts';
import type { EndedJob } from '../webhooks/message.ts';
import { JOB_STATUSES, JOB_TYPES, type JobPlan, type JobStatus, type JobToStart, jobPlanSchema } from './job.ts';
import { type JobView, KNOWN_TYPE, LISTED, payloads, VIEWED, view } from './job-view.ts';

/** A live job that has not changed for a while and whose start is not in the outbox. */
export interface AgedJob extends JobToStart {
  readonly workflowId: string;
  readonly updatedAtMs: number;
}

/** How a job ended, without its texts. */
export interface JobEndView {
  readonly status: JobStatus;
  readonly cost: bigint | null;
  readonly providerKeyId: number | null;
  readonly errorCode: number | null;
  /** Of a task that was submitted to the provider. */
  readonly upstreamTaskId: string | null;
}

/** How long payloads of ended jobs are kept. */
export interface KeptFor {
  readonly status: JobStatus;
  /** Only those that cost nothing. */
  readonly free: boolean;
  readonly ms: number;
}

/** What a run needs to know, and never changes. */
export interface JobWork {
  readonly id: string;
  readonly type: JobType;
  readonly userId: number;
  readonly accountId: number;
  readonly accessKeyId: number | null;
  /** Of the plan's first candidate; null for jobs of before this was noted. */
  readonly providerId: number | null;
  readonly status: JobStatus;
  /** Its access key was deleted or switched off, or its user was, since it was submitted. */
  readonly revoked: boolean;
  /** Can be megabytes. */
  readonly request: () => Promise<unknown>;
  readonly plan: JobPlan;
}

export interface JobFilter {
  readonly userId: number;
  readonly status?: JobStatus | undefined;
  readonly type?: JobType | undefined;
  readonly oldestFirst: boolean;
  readonly limit: number;
  readonly offset: number;
}

export class JobStore {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /** The job, if it is this user's; payloads that are large are null. */
  async find(id: string, userId: number): Promise<JobView | undefined> {
    const sql = `SELECT ${VIEWED} FROM jobs WHERE id=? AND user_id=? AND ${KNOWN_TYPE}`;
    const [found] = await select(this.#sequelize, view.read, sql, [id, userId]);
    return found;
  }

  /** What a user's job was asked and has answered, however large. */
  async payloads(id: string, userId: number): Promise<Pick<JobView, 'request' | 'result'> | undefined> {
    const sql = `SELECT ${payloads.columns} FROM jobs WHERE id=? AND user_id=?`;
    const [found] = await select(this.#sequelize, payloads.read, sql, [id, userId]);
    return found;
  }

  /** Where the job stands, if it is this user's: without its texts, which can be megabytes. */
  async state(id: string, userId: number): Promise<JobState | undefined> {
    const sql = `SELECT ${STATE} FROM jobs WHERE id=? AND user_id=?`;
    const [found] = await select(this.#sequelize, state.read, sql, [id, userId]);
    return found;
  }

  /** A user's jobs by their creation, and how many there are. Payloads that are long are not read. */
  async list(filter: JobFilter): Promise<{ jobs: JobView[]; total: number }> {
    const where = ['user_id=:userId', filter.type === undefined ? KNOWN_TYPE : 'type=:type'];
    if (filter.status !== undefined) where.push('status=:status');
    const condition = where.join(' AND ');
    const order = filter.oldestFirst ? 'ASC' : 'DESC';
    const replacements = { ...filter };
    const page = `SELECT ${LISTED} FROM jobs WHERE ${condition} ORDER BY id ${order} LIMIT :limit OFFSET :offset`;
    const [jobs, total] = await Promise.all([
      select(this.#sequelize, view.read, page, replacements),
      count(this.#sequelize, `SELECT COUNT(*) AS total FROM jobs WHERE ${condition}`, replacements),
    ]);
    return { jobs, total };
  }

  /**
   * @param readsRequest false: its request is read when it is asked for, which may be never.
   * @throws when there is no such job.
   */
  async work(id: string, readsRequest: boolean): Promise<JobWork> {
    const request = readsRequest ? ',j.request' : '';
    const [found] = await select(
      this.#sequelize,
      (record) => ({ ...work.read(record), ...(readsRequest && requested.read(record)) }),
      `SELECT j.id,j.type,j.user_id,j.account_id,j.access_key_id,j.provider_id,j.status,j.plan${request},
              COALESCE(u.status=0,0) OR COALESCE(k.is_active=0,0) OR k.deleted_at IS NOT NULL AS revoked
         FROM jobs j LEFT JOIN users u ON u.id=j.user_id LEFT JOIN access_keys k ON k.id=j.access_key_id
        WHERE j.id=?`,
      [id],
    );
    if (!found) throw noSuchJob(id);
    return { ...found, request: async () => (readsRequest ? found.request : this.#request(id)) };
  }

  async #request(id: string): Promise<unknown> {
    const [found] = await select(this.#sequelize, requested.read, 'SELECT request FROM jobs WHERE id=?', [id]);
    if (!found) throw noSuchJob(id);
    return found.request;
  }

  /** Where these jobs stand; those that are not there are left out. */
  async states(ids: readonly string[]): Promise<JobState[]> {
    return await select(this.#sequelize, state.read, `SELECT ${STATE} FROM jobs WHERE id IN (?)`, [ids]);
  }

  /**
   * Live jobs that have not changed for `seconds`, after an id, by id; `next` is after them, or '' when there are no
   * more. What cannot be read is left out: the sweeper reports it.
   */
  async aged(seconds: number, after: string, limit: number): Promise<{ jobs: AgedJob[]; next: string }> {
    const rows = await select(
      this.#sequelize,
      (record) => ({ id: place.read(record).id, job: readableOr(undefined, () => agedOf(aged.read(record))) }),
      `SELECT j.id,j.type,j.user_id,j.account_id,j.model_name,j.plan,j.priority,j.updated_at,h.amount,
              ${WORKFLOW_ID} AS workflow_id
         FROM jobs j JOIN holds h ON h.id=j.id LEFT JOIN workflow_outbox o ON o.workflow_id=${WORKFLOW_ID}
        WHERE j.status IN ('PENDING','PROCESSING') AND j.updated_at < NOW(3) - INTERVAL :seconds SECOND
          AND o.workflow_id IS NULL AND j.id > :after ORDER BY j.id LIMIT :limit`,
      { seconds, after, limit },
    );
    const jobs = rows.flatMap(({ job }) => job ?? []);
    return { jobs, next: rows.length === limit ? (rows.at(-1)?.id ?? '') : '' };
  }

  /** Live jobs whose deadline has been over for so long; the latest first: those that can never be ended come last. */
  async overdue(graceSeconds: number, limit: number): Promise<string[]> {
    const rows = await select(
      this.#sequelize,
      place.read,
      `SELECT id FROM jobs
        WHERE status IN ('PENDING','PROCESSING') AND deadline_at < NOW(3) - INTERVAL :graceSeconds SECOND
        ORDER BY deadline_at DESC LIMIT :limit`,
      { graceSeconds, limit },
    );
    return rows.map(({ id }) => id);
  }

  /** A job as a webhook reports it; undefined when it is kept no longer. */
  async announced(id: string): Promise<EndedJob | undefined> {
    const sql = `SELECT ${announced.columns} FROM jobs WHERE id=?`;
    const [found] = await select(this.#sequelize, announced.read, sql, [id]);
    return found;
  }

  /** Ended jobs that still have payloads, those of the longest ago first. */
  async withPayloads(kept: KeptFor, limit: number): Promise<{ readonly id: string; readonly userId: number }[]> {
    const free = kept.free ? ' AND cost=0' : '';
    return await select(
      this.#sequelize,
      owned.read,
      `SELECT ${owned.columns} FROM jobs
        WHERE payloads_removed_at IS NULL AND status=:status AND finished_at < NOW(3) - INTERVAL :seconds SECOND${free}
        ORDER BY finished_at LIMIT :limit`,
      { status: kept.status, seconds: kept.ms / 1_000, limit },
    );
  }

  /** How a job ended, or where it stands; without its texts. @throws when there is no such job. */
  async end(id: string): Promise<JobEndView> {
    const [found] = await select(this.#sequelize, end.read, `SELECT ${end.columns} FROM jobs WHERE id=?`, [id]);
    if (!found) throw noSuchJob(id);
    return found;
  }
}

/** Of a job of an earlier version: its own. */
export const WORKFLOW_ID = 'COALESCE(j.workflow_id,j.id)';

const owned = rowOf({ id: column.text, userId: column.integer });

const place = rowOf({ id: column.text });

const aged = rowOf({
  id: column.text,
  workflowId: column.text,
  type: column.oneOf(JOB_TYPES),
  userId: column.integer,
  accountId: column.integer,
  modelName: column.text,
  plan: column.jsonOf(jobPlanSchema),
  priority: column.integer,
  updatedAtMs: column.ms,
  amount: column.bigint,
});

function agedOf({ plan, amount, ...job }: ReadRow<typeof aged>): AgedJob {
  return { ...job, providerName: plan.providerName, holdAmount: amount, traceId: plan.traceId };
}

/** What `state` reads. */
const STATE = 'id AS job_id,status,progress,cancel_requested_at IS NOT NULL AS cancel_requested';
const state = rowOf({
  jobId: column.text,
  status: column.oneOf(JOB_STATUSES),
  progress: column.integer,
  cancelRequested: column.flag,
});
type JobState = ReadRow<typeof state>;

const announced = rowOf({
  id: column.text,
  type: column.oneOf(JOB_TYPES),
  status: column.oneOf(JOB_STATUSES),
  modelName: column.text,
  cost: orNull(column.bigint),
  errorMessage: orNull(column.text),
  metadata: column.json,
  result: orNull(column.text),
  createdAt: column.time,
  startedAt: orNull(column.time),
  finishedAt: orNull(column.time),
});

const end = rowOf({
  status: column.oneOf(JOB_STATUSES),
  cost: orNull(column.bigint),
  providerKeyId: orNull(column.integer),
  errorCode: orNull(column.integer),
  upstreamTaskId: orNull(column.text),
});

const work = rowOf({
  id: column.text,
  type: column.oneOf(JOB_TYPES),
  userId: column.integer,
  accountId: column.integer,
  accessKeyId: orNull(column.integer),
  providerId: orNull(column.integer),
  status: column.oneOf(JOB_STATUSES),
  revoked: column.flag,
  plan: column.jsonOf(jobPlanSchema),
});

const requested = rowOf({ request: column.json });

function noSuchJob(id: string): Error {
  return new Error(`there is no job ${id}`);
}
