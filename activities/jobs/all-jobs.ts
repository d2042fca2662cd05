/** Jobs of all users, as ROOT looks after them: where each stands, what it cost, and an end to one. Without payloads. */
import type { Sequelize } from 'sequelize';
import type { By } from '../../core/accounts/audit-log.ts';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';
import type { JobType } from '../../workflows/contracts.ts';
import { JOB_STATUSES, JOB_TYPES, type JobStatus } from './job.ts';
import { KNOWN_TYPE } from './job-view.ts';
import type { Jobs } from './jobs.ts';
import { WORKFLOW_ID } from './store.ts';

const overview = rowOf({
  id: column.text,
  workflowId: column.text,
  type: column.oneOf(JOB_TYPES),
  userId: column.integer,
  username: column.text,
  accessKeyId: orNull(column.integer),
  modelName: column.text,
  providerKeyId: orNull(column.integer),
  status: column.oneOf(JOB_STATUSES),
  progress: column.integer,
  /** Runs of the job, and calls of providers in them. */
  attempt: column.integer,
  providerAttempts: column.integer,
  errorCode: orNull(column.integer),
  errorMessage: orNull(column.text),
  /** In nano-units. */
  cost: orNull(column.bigint),
  traceId: orNull(column.text),
  createdAt: column.time,
  startedAt: orNull(column.time),
  finishedAt: orNull(column.time),
  updatedAt: column.time,
  deadlineAt: column.time,
  cancelRequestedAt: orNull(column.time),
});
export type JobOverview = ReadRow<typeof overview>;

const SELECT = `SELECT j.id,${WORKFLOW_ID} AS workflow_id,j.type,j.user_id,COALESCE(u.username,'') AS username,j.access_key_id,j.model_name,
    j.provider_key_id,j.status,j.progress,j.attempt,j.provider_attempts,j.error_code,j.error_message,j.cost,
    j.trace_id,j.created_at,j.started_at,j.finished_at,j.updated_at,
    j.deadline_at,j.cancel_requested_at
  FROM jobs j LEFT JOIN users u ON u.id=j.user_id`;

export interface AllJobsFilter {
  readonly status?: JobStatus | undefined;
  readonly modelName?: string | undefined;
  readonly userId?: number | undefined;
  readonly type?: JobType | undefined;
  readonly traceId?: string | undefined;
  /** Only jobs with a smaller id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

export class AllJobs {
  readonly #sequelize: Sequelize;
  readonly #jobs: Pick<Jobs, 'cancelAs'>;

  constructor(sequelize: Sequelize, jobs: Pick<Jobs, 'cancelAs'>) {
    this.#sequelize = sequelize;
    this.#jobs = jobs;
  }

  /** Newest first, by the index of the user, the status, the model or the trace, or the primary key. */
  async list(filter: AllJobsFilter): Promise<JobOverview[]> {
    const { status, modelName, userId, type, traceId, before } = filter;
    const conditions = [
      ...(userId === undefined ? [] : ['j.user_id=:userId']),
      ...(status === undefined ? [] : ['j.status=:status']),
      ...(modelName === undefined ? [] : ['j.model_name=:modelName']),
      type === undefined ? `j.${KNOWN_TYPE}` : 'j.type=:type',
      ...(traceId === undefined ? [] : ['j.trace_id=:traceId']),
      ...(before === undefined ? [] : ['j.id < :before']),
    ];
    const sql = `${SELECT} WHERE ${conditions.join(' AND ')} ORDER BY j.id DESC LIMIT :limit`;
    return await select(this.#sequelize, overview.read, sql, { ...filter });
  }

  /** @throws {AppError} notFound. */
  async get(id: string): Promise<JobOverview> {
    const [found] = await select(this.#sequelize, overview.read, `${SELECT} WHERE j.id=? AND j.${KNOWN_TYPE}`, [id]);
    if (found === undefined) throw new AppError('notFound', 'there is no such job');
    return found;
  }

  /** Those that there are. */
  async some(ids: readonly string[]): Promise<JobOverview[]> {
    if (ids.length === 0) return [];
    return await select(this.#sequelize, overview.read, `${SELECT} WHERE j.id IN (:ids) AND j.${KNOWN_TYPE}`, { ids });
  }

  /** As its owner would cancel it; in the audit log. @throws {AppError} notFound. */
  async cancel(id: string, by: By, log: Logger): Promise<JobOverview> {
    const { userId } = await this.get(id);
    await this.#jobs.cancelAs(id, userId, log, by);
    return this.get(id);
  }
}
