/** Ends jobs that are past their deadline and that no run has ended: their worker or workflow is gone for good. */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { JobRunner } from './job-run.ts';

const BATCH = 100;
/** A run that is just ending its job at the deadline comes first. */
const GRACE_SECONDS = 60;

export class JobSweeper {
  readonly #sequelize: Sequelize;
  readonly #runner: JobRunner;

  constructor(sequelize: Sequelize, runner: JobRunner) {
    this.#sequelize = sequelize;
    this.#runner = runner;
  }

  /** One round; a job's row and its hold end in one transaction. Idempotent. @returns how many jobs were overdue. */
  async sweep(): Promise<number> {
    const overdue = await this.#sequelize.query<{ id: string; account_id: number }>(
      `SELECT id, account_id FROM jobs
        WHERE status IN ('PENDING','PROCESSING') AND deadline_at < NOW(3) - INTERVAL ${GRACE_SECONDS} SECOND
        LIMIT ${BATCH}`,
      { type: QueryTypes.SELECT },
    );
    for (const { id, account_id: accountId } of overdue) {
      await this.#runner.close({ jobId: id, accountId, deadlineMs: 0 }, 'FAILED');
    }
    return overdue.length;
  }
}
