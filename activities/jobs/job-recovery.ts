/**
 * Repairs jobs that no run will end: jobs past their deadline are ended; jobs whose row and workflow disagree are
 * started again or ended.
 */

import type { Ledger } from '../../core/ledger/ledger.ts';
import type { Logger } from '../../infra/logger.ts';
import type { WorkflowState } from '../../infra/temporal/client.ts';
import { jobStart } from './job.ts';
import { restartJob } from './job-operations.ts';
import type { JobRunner } from './job-run.ts';
import type { AgedJob, JobStore } from './store.ts';

const BATCH = 100;
/** Leaves time for a run that ends its job right at the deadline. */
const GRACE_SECONDS = 60;

/** Ends jobs that are past their deadline: their worker or workflow is lost. */
export class JobSweeper {
  readonly #store: Pick<JobStore, 'overdue'>;
  readonly #runner: Pick<JobRunner, 'close'>;
  readonly #log: Logger;

  constructor(store: Pick<JobStore, 'overdue'>, runner: Pick<JobRunner, 'close'>, log: Logger) {
    this.#store = store;
    this.#runner = runner;
    this.#log = log;
  }

  /**
   * One round; a job's row and its hold end in one transaction. Idempotent.
   * @returns how many jobs were overdue.
   * @throws AggregateError when some could not be ended, after all others were.
   */
  async sweep(): Promise<number> {
    const overdue = await this.#store.overdue(GRACE_SECONDS, BATCH);
    const failures: unknown[] = [];
    for (const jobId of overdue) {
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

export interface ReconcilerDeps {
  readonly ledger: Ledger;
  readonly store: JobStore;
  readonly runner: JobRunner;
  /** @throws while Temporal is away. */
  readonly workflowState: (workflowId: string) => Promise<WorkflowState>;
  readonly log: Logger;
}

/** Within this time a committed start is made and an end is written. */
const AGE_SECONDS = 60;
const AT_ONCE = 10;

/**
 * A live row without a workflow (Temporal's data was lost) is started again; a row whose workflow has ended
 * (terminated) is ended. Young jobs, and jobs whose start is still in the outbox, are skipped.
 */
export class JobReconciler {
  readonly #deps: ReconcilerDeps;
  /** Each round continues after the last one, so that a hundred long jobs do not hide the next. */
  #after = '';

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  /**
   * One round; safe in several processes at once. @returns how many jobs were repaired. @throws while Temporal is away.
   */
  async reconcile(): Promise<number> {
    const { jobs: aged, next } = await this.#deps.store.aged(AGE_SECONDS, this.#after, BATCH);
    let righted = 0;
    for (let from = 0; from < aged.length; from += AT_ONCE) {
      const results = await Promise.all(aged.slice(from, from + AT_ONCE).map((job) => this.#check(job)));
      righted += results.filter(Boolean).length;
    }
    this.#after = next;
    return righted;
  }

  async #check(job: AgedJob): Promise<boolean> {
    const { ledger, runner, workflowState, log } = this.#deps;
    const state = await workflowState(job.workflowId);
    if (state === 'running') return false;
    log.warn(
      { traceId: job.traceId, jobId: job.id, workflow: state },
      'a live job has no running workflow; putting it right',
    );
    if (state === 'none') return ledger.run(restartJob(job.id, job.updatedAtMs, jobStart(job, job.workflowId)));
    await runner.close(job.id, 'FAILED', 'the job was stopped from outside before it had ended; nothing is charged');
    return true;
  }
}
