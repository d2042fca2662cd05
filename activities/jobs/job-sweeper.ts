/** Ends jobs that are past their deadline and that no run has ended: their worker or workflow is gone for good. */
import type { Sequelize } from 'sequelize';
import type { Logger } from '../../infra/logger.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { select } from '../../infra/mysql/statements.ts';
import type { JobRunner } from './job-run.ts';

const BATCH = 100;
/** A run that is just ending its job at the deadline comes first. */
const GRACE_SECONDS = 60;

const job = rowOf({ id: column.text });

export class JobSweeper {
  readonly #sequelize: Sequelize;
  readonly #runner: JobRunner;
  readonly #log: Logger;

  constructor(sequelize: Sequelize, runner: JobRunner, log: Logger) {
    this.#sequelize = sequelize;
    this.#runner = runner;
    this.#log = log;
  }

  /**
   * One round; a job's row and its hold end in one transaction. Idempotent.
   * @returns how many jobs were overdue.
   * @throws AggregateError when some could not be, after all others were.
   */
  async sweep(): Promise<number> {
    const overdue = await select(
      this.#sequelize,
      job.read,
      `SELECT id FROM jobs
        WHERE status IN ('PENDING','PROCESSING') AND deadline_at < NOW(3) - INTERVAL ${GRACE_SECONDS} SECOND
        -- Those that can never be ended are the oldest in the end.
        ORDER BY deadline_at DESC LIMIT ${BATCH}`,
    );
    const failures: unknown[] = [];
    for (const { id: jobId } of overdue) {
      try {
        await this.#runner.close(jobId, 'FAILED');
      } catch (err) {
        this.#log.error({ err, jobId }, 'an overdue job cannot be ended');
        failures.push(err);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} overdue jobs cannot be ended`);
    return overdue.length;
  }
}
