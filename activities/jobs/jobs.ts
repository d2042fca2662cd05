/** Jobs as their owner uses them: look, wait, cancel. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { jobWorkflowId } from '../../workflows/contracts.ts';
import type { Ledger } from '../billing/ledger.ts';
import { isLive } from './job.ts';
import type { JobEvents } from './job-events.ts';
import { cancelJob } from './job-operations.ts';
import type { JobFilter, JobStore, JobView } from './store.ts';

export interface JobParts {
  readonly ledger: Ledger;
  readonly store: JobStore;
  readonly events: JobEvents;
  /** Asks Temporal to cancel a workflow; a hint, the row has decided. */
  readonly cancelWorkflow: (workflowId: string) => Promise<void>;
  readonly log: Logger;
}

/** How long a caller waits while the database is away. */
const CANCEL_WAIT_MS = 5_000;
/** While Redis is away nobody is woken: the row is read this often. */
const WAIT_POLL_MS = 2_000;

export class Jobs {
  readonly #parts: JobParts;

  constructor(parts: JobParts) {
    this.#parts = parts;
  }

  /** @throws {AppError} notFound, also for another user's job. */
  async get(jobId: string, userId: number): Promise<JobView> {
    const job = await this.#parts.store.find(jobId, userId);
    if (!job) throw new AppError('notFound', 'there is no such job');
    return job;
  }

  /** The job when it has ended, or as it is when the time is over or the caller has left. */
  async wait(jobId: string, userId: number, waitMs: number, signal: AbortSignal): Promise<JobView> {
    const until = performance.now() + waitMs;
    for (;;) {
      const woken = this.#nextEvent(jobId, this.#sleepMs(until), signal);
      const job = await this.get(jobId, userId);
      if (!isLive(job.status) || performance.now() >= until || signal.aborted) {
        woken.stop();
        return job;
      }
      await woken.promise;
    }
  }

  list(filter: JobFilter): Promise<{ jobs: JobView[]; total: number }> {
    return this.#parts.store.list(filter);
  }

  /** Cancels a job that has not ended; what a provider already did is charged. Idempotent. */
  async cancel(jobId: string, userId: number): Promise<JobView> {
    const job = await this.get(jobId, userId);
    const { ledger, events, cancelWorkflow, log } = this.#parts;
    const status = await ledger.run(
      cancelJob(jobId, {
        holdId: jobId,
        accountId: job.accountId,
        budgetKeyId: job.budgeted ? job.accessKeyId : null,
      }),
      CANCEL_WAIT_MS,
    );
    events.publish({ jobId, status, progress: job.progress });
    if (isLive(status) || status === 'CANCELLED') {
      cancelWorkflow(jobWorkflowId(jobId)).catch((err: unknown) => {
        if (!(err instanceof WorkflowNotFoundError)) log.warn({ err, jobId }, 'cancel not sent to Temporal');
      });
    }
    return this.get(jobId, userId);
  }

  /** While messages come, nobody asks the database before the end of its wait. */
  #sleepMs(until: number): number {
    const rest = until - performance.now();
    return this.#parts.events.isListening ? rest : Math.min(WAIT_POLL_MS, rest);
  }

  #nextEvent(jobId: string, waitMs: number, signal: AbortSignal): { promise: Promise<void>; stop: () => void } {
    let stop: () => void = () => undefined;
    const promise = new Promise<void>((resolve) => {
      const timer = setTimeout(() => stop(), Math.max(0, waitMs));
      const unlisten = this.#parts.events.listen(jobId, () => stop());
      const onAbort = () => stop();
      signal.addEventListener('abort', onAbort, { once: true });
      stop = () => {
        clearTimeout(timer);
        unlisten();
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
    });
    return { promise, stop: () => stop() };
  }
}
