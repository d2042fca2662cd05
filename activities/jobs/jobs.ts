/** Jobs as their owner uses them: read, wait, follow, cancel. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { audited, type By } from '../../core/accounts/audit-log.ts';
import type { StoredImages } from '../../core/images/stored-images.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { isLive } from './job.ts';
import { isAhead, type JobEvent, type JobEvents } from './job-events.ts';
import type { JobFiles } from './job-files.ts';
import { cancelJob, removePayloads } from './job-operations.ts';
import { type JobView, LARGE_PAYLOAD_BYTES } from './job-view.ts';
import type { JobFilter, JobStore } from './store.ts';

export interface JobDeps {
  readonly ledger: Ledger;
  readonly store: JobStore;
  readonly events: JobEvents;
  /** Asks Temporal to cancel a workflow: a hint, because the row has already decided. */
  readonly cancelWorkflow: (workflowId: string) => Promise<void>;
  readonly storedImages: Pick<StoredImages, 'removeOf'>;
  readonly jobFiles: Pick<JobFiles, 'removeOf' | 'settle'>;
}

/** A caller waits this long for the database. */
const CHANGE_WAIT_MS = 5_000;

export class Jobs {
  readonly #deps: JobDeps;

  constructor(deps: JobDeps) {
    this.#deps = deps;
  }

  /**
   * @param admitLarge called before large payloads are read; it may refuse them.
   * @throws {AppError} notFound, also for another user's job; what `admitLarge` throws.
   */
  async get(jobId: string, userId: number, admitLarge: () => void): Promise<JobView> {
    const { store } = this.#deps;
    const job = found(await store.find(jobId, userId));
    if (job.payloadBytes <= LARGE_PAYLOAD_BYTES) return job;
    admitLarge();
    return { ...job, ...found(await store.payloads(jobId, userId)) };
  }

  /**
   * The job when it has ended, the time is over or the caller has left. The number of reads does not depend on the
   * time.
   */
  async wait(
    jobId: string,
    userId: number,
    waitMs: number,
    signal: AbortSignal,
    admitLarge: () => void,
  ): Promise<JobView> {
    const ending = this.#ending(jobId, waitMs, signal);
    try {
      const { status } = found(await this.#deps.store.state(jobId, userId));
      if (isLive(status)) await ending.reached;
      return await this.get(jobId, userId, admitLarge);
    } finally {
      ending.stop();
    }
  }

  /**
   * The state of the job, at once and then at every change, until it has ended or the caller has left.
   * @throws {AppError} notFound before the first state.
   */
  async *follow(jobId: string, userId: number, signal: AbortSignal): AsyncGenerator<JobEvent, void> {
    let latest: JobEvent | undefined;
    let wake = (): void => undefined;
    const unlisten = this.#deps.events.listen(jobId, (event) => {
      if (latest === undefined || isAhead(event, latest)) latest = event;
      wake();
    });
    const leave = () => wake();
    signal.addEventListener('abort', leave, { once: true });
    try {
      const { status, progress } = found(await this.#deps.store.state(jobId, userId));
      let last: JobEvent = { jobId, status, progress };
      yield last;
      while (isLive(last.status) && !signal.aborted) {
        if (latest !== undefined && isAhead(latest, last)) {
          last = latest;
          yield last;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      unlisten();
      signal.removeEventListener('abort', leave);
    }
  }

  list(filter: JobFilter): Promise<{ jobs: JobView[]; total: number }> {
    return this.#deps.store.list(filter);
  }

  /**
   * Cancels a job that has not ended; what the provider already did is charged. Idempotent. @param log the request's.
   */
  async cancel(jobId: string, userId: number, log: Logger, admitLarge: () => void): Promise<JobView> {
    const { payloadBytes } = found(await this.#deps.store.find(jobId, userId));
    if (payloadBytes > LARGE_PAYLOAD_BYTES) admitLarge();
    await this.cancelAs(jobId, userId, log);
    return this.get(jobId, userId, admitLarge);
  }

  /** The same without an answer. @param by an administrator; a change is then in the audit log. @throws {AppError} notFound. */
  async cancelAs(jobId: string, userId: number, log: Logger, by?: By): Promise<void> {
    const { ledger, store, events, cancelWorkflow, jobFiles } = this.#deps;
    const job = found(await store.find(jobId, userId));
    const release = {
      holdId: jobId,
      accountId: job.accountId,
      budgetKeyId: job.budgeted ? job.accessKeyId : null,
    };
    const operation = audited(cancelJob(jobId, userId, release), (status) => {
      if (by === undefined || !isLive(job.status) || job.cancelRequestedAt !== null) return undefined;
      const states = { before: { userId, status: job.status }, after: { status, cancelRequested: true } };
      return { ...by, action: 'jobs.cancel', targetKind: 'job', targetId: jobId, ...states };
    });
    const status = await ledger.run(operation, CHANGE_WAIT_MS);
    // Reaches the run also without Temporal; without Redis the run reads its row.
    events.publish({ jobId, status, progress: job.progress, cancelRequested: true });
    if (status === 'CANCELLED') {
      // No worker may be there for a while; its workflow does the same.
      await jobFiles.settle({ id: jobId, type: job.type, userId }).catch((err: unknown) => {
        log.warn({ err, jobId }, 'the files of a cancelled job are not removed yet');
      });
    }
    if (isLive(status) || status === 'CANCELLED') {
      cancelWorkflow(job.workflowId).catch((err: unknown) => {
        if (!(err instanceof WorkflowNotFoundError)) log.warn({ err, jobId }, 'cancel not sent to Temporal');
      });
    }
  }

  /**
   * Removes request, result and images of an ended job; its cost stays. Idempotent.
   * @throws {AppError} notFound; illegalState while it lives.
   */
  async removePayloads(jobId: string, userId: number): Promise<JobView> {
    const { ledger, store, storedImages, jobFiles } = this.#deps;
    const { status } = found(await store.state(jobId, userId));
    if (isLive(status)) throw new AppError('illegalState', 'the job has not ended; cancel it first');
    await storedImages.removeOf([jobId]);
    await jobFiles.removeOf(jobId, userId);
    await ledger.run(removePayloads([{ id: jobId, userId }]), CHANGE_WAIT_MS);
    return found(await store.find(jobId, userId));
  }

  /** Resolves when the job has ended, the time is over or the caller has left; `stop` ends the waiting. */
  #ending(jobId: string, waitMs: number, signal: AbortSignal): { reached: Promise<void>; stop: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    const unlisten = this.#deps.events.listen(jobId, ({ status }) => {
      if (!isLive(status)) resolve();
    });
    const leave = () => resolve();
    signal.addEventListener('abort', leave, { once: true });
    return {
      reached: promise,
      stop: () => {
        clearTimeout(timer);
        unlisten();
        signal.removeEventListener('abort', leave);
      },
    };
  }
}

function found<Job>(job: Job | undefined): Job {
  if (job === undefined) throw new AppError('notFound', 'there is no such job');
  return job;
}
