/**
 * One run of a job, from its row to its end: entry, provider call, store and charge. Safe to run again at any point:
 * the entry finds what an earlier run did, calls are counted in the row before they are made, and only the run with the
 * lease may write.
 */

import { formatMoney } from '../../core/ledger/money.ts';
import { AppError } from '../../infra/errors.ts';
import type { JobInput, JobOutcome } from '../../workflows/contracts.ts';
import { isLive } from './job.ts';
import { closeFree, endOf, JobCharge, type JobChargeDeps, RunRefused } from './job-charge.ts';
import type { JobEvents } from './job-events.ts';
import {
  type CancellableRun,
  cancellable,
  type JobAnswer,
  type JobHandlers,
  type RunContext,
  RunInterrupted,
  RunMustWait,
  TaskUnderWay,
} from './job-handler.ts';
import type { JobRow } from './job-tables.ts';
import type { JobStore, JobWork } from './store.ts';

/**
 * What is left to do once the row says that the job has ended, by whichever run sees that: its turn of a conversation, its
 * files. Safe to repeat; while a store is away, the run is repeated later.
 * @throws {AppError} databaseUnavailable.
 */
export type AfterEnd = (work: JobWork) => Promise<void>;

export interface JobRunnerDeps extends JobChargeDeps {
  readonly store: Pick<JobStore, 'work' | 'end'>;
  readonly events: Pick<JobEvents, 'publish' | 'listen'>;
  readonly handlers: JobHandlers;
  readonly afterEnd: AfterEnd;
}

export class JobRunner {
  readonly #deps: JobRunnerDeps;

  constructor(deps: JobRunnerDeps) {
    this.#deps = deps;
  }

  /**
   * Runs the job to its end, or finds that it has ended.
   * @throws {RunInterrupted} when the job must be run again; {RunMustWait} when not yet.
   */
  async run(input: JobInput, context: RunContext): Promise<JobOutcome> {
    const { store, events } = this.#deps;
    const readsAtOnce = !context.again && !this.#mayHaveToWait();
    const work = await store.work(input.jobId, readsAtOnce);
    if (work.status === 'PENDING' && work.revoked) return await this.close(work.id, 'FAILED', REVOKED);
    // The request of an ended job may have been removed.
    const entersFirst = !readsAtOnce || !isLive(work.status);
    const running = cancellable(work.id, context, events);
    try {
      return await this.#carryOut(work, running, entersFirst);
    } catch (error) {
      if (!(error instanceof RunRefused)) throw error;
      const { reason } = error;
      if (reason.kind === 'ended') return await this.#ended(work, reason.job);
      if (reason.kind === 'wait') throw new RunMustWait();
      return await this.close(input.jobId, reason.kind === 'cancel-requested' ? 'CANCELLED' : 'FAILED');
    } finally {
      running.stop();
    }
  }

  async #carryOut(work: JobWork, running: CancellableRun, entersFirst: boolean): Promise<JobOutcome> {
    const { context } = running;
    const charge = new JobCharge(this.#deps, work, running);
    let answer: JobAnswer | undefined;
    try {
      if (entersFirst) await charge.begin();
      answer = await this.#deps.handlers[work.type](work, charge, context);
    } catch (error) {
      if (error instanceof RunRefused || error instanceof TaskUnderWay || error instanceof RunMustWait) throw error;
      const refusal = isEnd(error) && !context.signal.aborted ? error : undefined;
      if (!refusal && !context.isCancelled()) throw new RunInterrupted('the run was interrupted', { cause: error });
      // Only the run with the lease may end the job.
      await charge.begin();
      await charge.release(context.isCancelled() ? undefined : refusal);
      return this.#outcome(work);
    }
    if (!answer) {
      await charge.release(undefined);
      return this.#outcome(work);
    }
    context.heartbeat(`storing the answer of ${charge.lastCall?.candidate.modelIdentifier}`);
    const cost = await charge.capture(answer);
    if (cost === undefined) return this.#outcome(work);
    await this.#remember(work);
    return { status: endOf(answer.cut), cost: formatMoney(cost), providerKeyId: charge.lastCall?.key.id ?? null };
  }

  /** With limits a run enters first: otherwise it would read its request and take a key at each try. */
  #mayHaveToWait(): boolean {
    const { perUser, perProvider } = this.#deps.runLimits;
    return perUser > 0 || perProvider > 0;
  }

  /**
   * Ends a job whose run was cancelled or lost. If the provider has a task of it, the task is awaited and charged
   * first.
   * @throws {RunInterrupted} when it must be tried again.
   */
  async conclude(input: JobInput, status: 'FAILED' | 'CANCELLED', context: RunContext): Promise<JobOutcome> {
    const { upstreamTaskId } = await this.#deps.store.end(input.jobId);
    if (upstreamTaskId === null) return this.close(input.jobId, status);
    return this.run(input, { ...context, again: true });
  }

  /**
   * Ends a job that no run has ended: no charge, hold released. Idempotent.
   * @param reason why it failed, for its owner.
   */
  async close(jobId: string, status: 'FAILED' | 'CANCELLED', reason = PAST_DEADLINE): Promise<JobOutcome> {
    const work = await this.#deps.store.work(jobId, false);
    await closeFree(this.#deps, work, status, new AppError('inferenceFailed', reason));
    return this.#outcome(work);
  }

  /** An earlier run or a cancel has ended the job, and may have died before the rest was done. */
  async #ended(work: JobWork, job: JobRow): Promise<JobOutcome> {
    const outcome = outcomeOf(job);
    const { admission } = work.plan;
    if (admission) this.#deps.limits.settle(admission, admission.tokens);
    await this.#remember(work);
    return outcome;
  }

  /** The job has ended; this run or a later one does what is left. */
  async #remember(work: JobWork): Promise<void> {
    try {
      await this.#deps.afterEnd(work);
    } catch (error) {
      if (!(error instanceof AppError && error.kind === 'databaseUnavailable')) throw error;
      throw new RunInterrupted('what follows the end of the job is not done yet', { cause: error });
    }
  }

  /** The end as stored in the row, with what is left to do. @throws {RunInterrupted} while another run has the job. */
  async #outcome(work: JobWork): Promise<JobOutcome> {
    const { status, cost, providerKeyId, errorCode } = await this.#deps.store.end(work.id);
    if (status === 'PENDING' || status === 'PROCESSING') throw new RunInterrupted('another run has this job');
    await this.#remember(work);
    return { status, cost: formatMoney(cost ?? 0n), providerKeyId, errorCode };
  }
}

/** An error that ends the job and that its owner can read. An unreachable ledger does not end it. */
function isEnd(error: unknown): error is AppError {
  return error instanceof AppError && error.kind !== 'databaseUnavailable';
}

const PAST_DEADLINE = 'the job could not be finished before its deadline; nothing is charged';
const REVOKED = 'its access key or its user was switched off before it was begun; nothing is charged';

function outcomeOf({ status, cost, providerKeyId, errorCode }: JobRow): JobOutcome {
  if (status === 'PENDING' || status === 'PROCESSING') {
    // The hold is closed but the job is not: the sweeper will end it soon.
    throw new RunInterrupted('the hold of this job is closed');
  }
  return { status, cost: formatMoney(cost ?? 0n), providerKeyId, errorCode };
}
