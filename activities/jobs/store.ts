/** Reads of jobs; every change goes through the lane (job-operations.ts). */
import { QueryTypes, type Sequelize } from 'sequelize';
import { z } from 'zod';
import type { EndedJob } from '../webhooks/message.ts';
import { JOB_STATUSES, JOB_TYPES, type JobPlan, type JobStatus, type JobType, jobPlanSchema } from './job.ts';
import type { JobToStart } from './job-start.ts';
import { flagColumn, type JobView, jsonColumn, LISTED, VIEWED, viewOf, viewSchema } from './job-view.ts';

/** A live job that has not changed for a while and whose start is not in the outbox. */
export interface AgedJob extends JobToStart {
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

  /** The job, if it is this user's. */
  async find(id: string, userId: number): Promise<JobView | undefined> {
    const [row] = await this.#sequelize.query(`SELECT ${VIEWED} FROM jobs WHERE id=? AND user_id=?`, {
      replacements: [id, userId],
      type: QueryTypes.SELECT,
    });
    return row && viewOf(row);
  }

  /** Where the job stands, if it is this user's: without its texts, which can be megabytes. */
  async state(id: string, userId: number): Promise<JobState | undefined> {
    const [row] = await this.#sequelize.query(`SELECT ${STATE} FROM jobs WHERE id=? AND user_id=?`, {
      replacements: [id, userId],
      type: QueryTypes.SELECT,
    });
    return row && stateSchema.parse(row);
  }

  /** A user's jobs by their creation, and how many there are. Payloads that are long are not read. */
  async list(filter: JobFilter): Promise<{ jobs: JobView[]; total: number }> {
    const where = ['user_id=:userId'];
    if (filter.status !== undefined) where.push('status=:status');
    if (filter.type !== undefined) where.push('type=:type');
    const condition = where.join(' AND ');
    const order = filter.oldestFirst ? 'ASC' : 'DESC';
    const replacements = { ...filter };
    const [rows, [count]] = await Promise.all([
      this.#sequelize.query(
        `SELECT ${LISTED} FROM jobs WHERE ${condition} ORDER BY id ${order} LIMIT :limit OFFSET :offset`,
        {
          replacements,
          type: QueryTypes.SELECT,
        },
      ),
      this.#sequelize.query<{ total: number | string }>(`SELECT COUNT(*) AS total FROM jobs WHERE ${condition}`, {
        replacements,
        type: QueryTypes.SELECT,
      }),
    ]);
    return { jobs: rows.map(viewOf), total: Number(count?.total ?? 0) };
  }

  /**
   * @param readsRequest false: its request is read when it is asked for, which may be never.
   * @throws when there is no such job.
   */
  async work(id: string, readsRequest: boolean): Promise<JobWork> {
    const request = readsRequest ? ',j.request' : '';
    const [row] = await this.#sequelize.query(
      `SELECT j.id,j.type,j.user_id,j.account_id,j.access_key_id,j.provider_id,j.status,j.plan${request},
              u.status AS user_status,k.is_active AS key_active,k.deleted_at AS key_deleted_at
         FROM jobs j LEFT JOIN users u ON u.id=j.user_id LEFT JOIN access_keys k ON k.id=j.access_key_id
        WHERE j.id=?`,
      { replacements: [id], type: QueryTypes.SELECT },
    );
    const work = workSchema.parse(row);
    return {
      id: work.id,
      type: work.type,
      userId: work.user_id,
      accountId: work.account_id,
      accessKeyId: work.access_key_id,
      providerId: work.provider_id,
      status: work.status,
      revoked: work.user_status === 0 || work.key_active === 0 || work.key_deleted_at !== null,
      request: async () => (readsRequest ? work.request : this.#request(id)),
      plan: work.plan,
    };
  }

  async #request(id: string): Promise<unknown> {
    const [row] = await this.#sequelize.query('SELECT request FROM jobs WHERE id=?', {
      replacements: [id],
      type: QueryTypes.SELECT,
    });
    return requestSchema.parse(row).request;
  }

  /** Where these jobs stand; those that are not there are left out. */
  async states(ids: readonly string[]): Promise<JobState[]> {
    const rows = await this.#sequelize.query(`SELECT ${STATE} FROM jobs WHERE id IN (?)`, {
      replacements: [ids],
      type: QueryTypes.SELECT,
    });
    return rows.map((row) => stateSchema.parse(row));
  }

  /**
   * Live jobs that have not changed for `seconds`, after an id, by id; `next` is after them, or '' when there are no
   * more. What cannot be read is left out: the sweeper tells of it.
   */
  async aged(seconds: number, after: string, limit: number): Promise<{ jobs: AgedJob[]; next: string }> {
    const rows = await this.#sequelize.query<{ id: string }>(
      `SELECT j.id,j.type,j.user_id,j.account_id,j.model_name,j.plan,j.priority,j.updated_at,h.amount FROM jobs j
         JOIN holds h ON h.id=j.id LEFT JOIN workflow_outbox o ON o.workflow_id=j.id
        WHERE j.status IN ('PENDING','PROCESSING') AND j.updated_at < NOW(3) - INTERVAL :seconds SECOND
          AND o.workflow_id IS NULL AND j.id > :after ORDER BY j.id LIMIT :limit`,
      { replacements: { seconds, after, limit }, type: QueryTypes.SELECT },
    );
    const jobs = rows.flatMap((row) => {
      const { data: job } = agedSchema.safeParse(row);
      return job === undefined ? [] : [agedOf(job)];
    });
    return { jobs, next: rows.length === limit ? (rows.at(-1)?.id ?? '') : '' };
  }

  /** A job as a webhook tells of it; undefined when it is kept no longer. */
  async announced(id: string): Promise<EndedJob | undefined> {
    const [row] = await this.#sequelize.query(
      `SELECT id,type,status,model_name,cost,error_message,metadata,result,created_at,started_at,finished_at
         FROM jobs WHERE id=?`,
      { replacements: [id], type: QueryTypes.SELECT },
    );
    if (!row) return undefined;
    const job = announcedSchema.parse(row);
    return {
      id: job.id,
      type: job.type,
      status: job.status,
      modelName: job.model_name,
      cost: job.cost === null ? null : BigInt(job.cost),
      errorMessage: job.error_message,
      metadata: job.metadata,
      result: job.result,
      createdAt: job.created_at,
      startedAt: job.started_at,
      finishedAt: job.finished_at,
    };
  }

  /** Ended jobs that still have payloads, those of the longest ago first. */
  async withPayloads(kept: KeptFor, limit: number): Promise<{ readonly id: string; readonly userId: number }[]> {
    const free = kept.free ? ' AND cost=0' : '';
    const rows = await this.#sequelize.query(
      `SELECT id,user_id AS userId FROM jobs
        WHERE payloads_removed_at IS NULL AND status=:status AND finished_at < NOW(3) - INTERVAL :seconds SECOND${free}
        ORDER BY finished_at LIMIT :limit`,
      { replacements: { status: kept.status, seconds: kept.ms / 1_000, limit }, type: QueryTypes.SELECT },
    );
    return z.array(ownedSchema).parse(rows);
  }

  /** How a job ended, or where it stands; without its texts. @throws when there is no such job. */
  async end(id: string): Promise<JobEndView> {
    const [row] = await this.#sequelize.query(
      'SELECT status,cost,provider_key_id,error_code,upstream_task_id FROM jobs WHERE id=?',
      {
        replacements: [id],
        type: QueryTypes.SELECT,
      },
    );
    const end = endSchema.parse(row);
    return {
      status: end.status,
      cost: end.cost === null ? null : BigInt(end.cost),
      providerKeyId: end.provider_key_id,
      errorCode: end.error_code,
      upstreamTaskId: end.upstream_task_id,
    };
  }
}

const ownedSchema = z.object({ id: z.string(), userId: z.number() });

const planColumn = z.preprocess((value) => (typeof value === 'string' ? JSON.parse(value) : value), jobPlanSchema);

const agedSchema = z.object({
  id: z.string(),
  type: z.enum(JOB_TYPES),
  user_id: z.number(),
  account_id: z.number(),
  model_name: z.string(),
  plan: planColumn,
  priority: z.number(),
  updated_at: z.date(),
  amount: z.string(),
});

function agedOf(job: z.output<typeof agedSchema>): AgedJob {
  return {
    id: job.id,
    type: job.type,
    userId: job.user_id,
    accountId: job.account_id,
    modelName: job.model_name,
    providerName: job.plan.providerName,
    holdAmount: BigInt(job.amount),
    priority: job.priority,
    traceId: job.plan.traceId,
    updatedAtMs: job.updated_at.getTime(),
  };
}

/** What `stateSchema` reads. */
const STATE = 'id AS jobId,status,progress,cancel_requested_at IS NOT NULL AS cancelRequested';
const stateSchema = z.object({
  jobId: z.string(),
  status: z.enum(JOB_STATUSES),
  progress: z.number(),
  cancelRequested: flagColumn,
});
type JobState = z.infer<typeof stateSchema>;

const announcedSchema = viewSchema
  .pick({ id: true, type: true, status: true, model_name: true, cost: true, error_message: true })
  .extend({
    metadata: jsonColumn,
    result: z.string().nullable(),
    created_at: z.date(),
    started_at: z.date().nullable(),
    finished_at: z.date().nullable(),
  });

const endSchema = z.object({
  status: z.enum(JOB_STATUSES),
  cost: z.string().nullable(),
  provider_key_id: z.number().nullable(),
  error_code: z.number().nullable(),
  upstream_task_id: z.string().nullable(),
});

const workSchema = z.object({
  id: z.string(),
  type: z.enum(JOB_TYPES),
  user_id: z.number(),
  account_id: z.number(),
  access_key_id: z.number().nullable(),
  provider_id: z.number().nullable(),
  status: z.enum(JOB_STATUSES),
  user_status: z.number().nullable(),
  key_active: z.number().nullable(),
  key_deleted_at: z.date().nullable(),
  plan: planColumn,
  request: jsonColumn,
});

const requestSchema = workSchema.pick({ request: true });
