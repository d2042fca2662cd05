/**
 * One run of a job: entry, provider call, store and capture. Safe to run again at any point: the entry finds what an
 * earlier run did, calls are counted in the row before they are made, and only the run with the lease may write.
 */
import type { KeyLimits } from '../../core/accounts/key-limits.ts';
import { inCaptureSpan } from '../../core/ledger/capture-span.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import { AppError } from '../../infra/errors.ts';
import { inSpan, presentSpan } from '../../infra/telemetry/spans.ts';
import type { JobInput, JobOutcome } from '../../workflows/contracts.ts';
import { settleLimits } from '../inference/hold.ts';
import { type CallIdentity, captureOf, releaseOf } from '../inference/settlement.ts';
import { isLive, type JobStatus } from './job.ts';
import type { JobEvents } from './job-events.ts';
import {
  type JobAnswer,
  type JobHandler,
  type JobHandlers,
  type RunContext,
  RunInterrupted,
  RunMustWait,
  TaskUnderWay,
} from './job-handler.ts';
import { completeJob, endJob, type JobEnd } from './job-operations.ts';
import type { JobRow } from './job-tables.ts';
import type { KeepTurn } from './job-turns.ts';
import { LeasedRun, RunRefused } from './leased-run.ts';
import { type CancellableRun, cancellable } from './run-cancel.ts';
import type { RunLimits } from './run-limits.ts';
import type { JobStore, JobWork } from './store.ts';

export interface JobRunnerDeps {
  readonly ledger: Pick<Ledger, 'run'>;
  readonly store: Pick<JobStore, 'work' | 'end'>;
  readonly events: Pick<JobEvents, 'publish' | 'listen'>;
  readonly runLimits: RunLimits;
  readonly keyLimits: Pick<KeyLimits, 'settle'>;
  readonly keepTurn: KeepTurn;
}

export class JobRunner {
  readonly #ledger: JobRunnerDeps['ledger'];
  readonly #store: JobRunnerDeps['store'];
  readonly #events: JobRunnerDeps['events'];
  readonly #runLimits: RunLimits;
  readonly #keyLimits: JobRunnerDeps['keyLimits'];
  readonly #keepTurn: KeepTurn;

  constructor({ ledger, store, events, runLimits, keyLimits, keepTurn }: JobRunnerDeps) {
    this.#ledger = ledger;
    this.#store = store;
    this.#events = events;
    this.#runLimits = runLimits;
    this.#keyLimits = keyLimits;
    this.#keepTurn = keepTurn;
  }

  /**
   * Carries the job to its end, or finds that it has one.
   * @throws {RunInterrupted} when the job must be run again; {RunMustWait} when not yet.
   */
  async run(input: JobInput, handlers: JobHandlers, context: RunContext): Promise<JobOutcome> {
    const readsAtOnce = !context.again && !this.#mayHaveToWait();
    const work = await this.#store.work(input.jobId, readsAtOnce);
    if (work.status === 'PENDING' && work.revoked) return await this.close(work.id, 'FAILED', REVOKED);
    // What an ended job was asked may be gone.
    const entersFirst = !readsAtOnce || !isLive(work.status);
    const running = cancellable(work.id, context, this.#events);
    try {
      return await this.#perform(work, handlers[work.type], running, entersFirst);
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

  /**
   * Ends a job whose run was cancelled or lost. A task that its provider has is waited for first, and charged.
   * @throws {RunInterrupted} when it must be tried again.
   */
  async conclude(
    input: JobInput,
    status: 'FAILED' | 'CANCELLED',
    handlers: JobHandlers,
    context: RunContext,
  ): Promise<JobOutcome> {
    const { upstreamTaskId } = await this.#store.end(input.jobId);
    if (upstreamTaskId === null) return this.close(input.jobId, status);
    return this.run(input, handlers, { ...context, again: true });
  }

  /**
   * Ends a job that no run has brought to an end: without a charge, its hold given back. Idempotent.
   * @param reason why it failed, as its owner is told.
   */
  async close(jobId: string, status: 'FAILED' | 'CANCELLED', reason = PAST_DEADLINE): Promise<JobOutcome> {
    const work = await this.#store.work(jobId, false);
    const identity = this.#identity(work);
    const now = Date.now();
    const timing = { startedAtMs: now, endedAtMs: now, ttftMs: null };
    const failed = status === 'FAILED';
    const error = new AppError('inferenceFailed', reason);
    await this.#end({
      jobId: work.id,
      userId: work.userId,
      status,
      errorCode: failed ? error.code : null,
      errorMessage: failed ? error.message : null,
      release: releaseOf(identity, undefined, timing, { attempts: 0, providerKeyId: null }, error.code),
    });
    settleLimits(this.#keyLimits, work.plan.admission);
    return this.#outcome(jobId);
  }

  /** An earlier run has ended it, or somebody who cancelled it; who did may not have lived to do the rest. */
  async #ended(work: JobWork, job: JobRow): Promise<JobOutcome> {
    const outcome = outcomeOf(job);
    const { admission } = work.plan;
    if (admission) this.#keyLimits.settle(admission, admission.tokens);
    await this.#remember(work);
    return outcome;
  }

  /** The job has ended and stays so; what is left for its conversation is done by this run or a later one. */
  async #remember(work: JobWork): Promise<void> {
    try {
      await this.#keepTurn(work);
    } catch (error) {
      if (!(error instanceof AppError && error.kind === 'databaseUnavailable')) throw error;
      throw new RunInterrupted('its turn is not in its conversation yet', { cause: error });
    }
  }

  async #perform(
    work: JobWork,
    perform: JobHandler | undefined,
    { context, cancel }: CancellableRun,
    entersFirst: boolean,
  ): Promise<JobOutcome> {
    const startedAtMs = Date.now();
    const run = new LeasedRun(work, {
      ledger: this.#ledger,
      events: this.#events,
      runLimits: this.#runLimits,
      cancelled: cancel,
      signal: context.signal,
      heartbeat: context.heartbeat,
    });
    let performed: JobAnswer | undefined;
    try {
      if (entersFirst) await run.begin();
      if (!perform) throw new RunInterrupted(`this worker does not know jobs of type ${work.type}`);
      performed = await perform(work, run, context);
    } catch (error) {
      if (error instanceof RunRefused || error instanceof TaskUnderWay) throw error;
      const refusal = isEnd(error) && !context.signal.aborted ? error : undefined;
      if (!refusal && !context.isCancelled()) throw new RunInterrupted('the run was interrupted', { cause: error });
      // Only who has the job may end it.
      await run.begin();
      if (refusal && !context.isCancelled()) return this.#fail(work, run, refusal, startedAtMs);
    }
    if (!performed) return this.#cancelled(work, run, startedAtMs);
    context.heartbeat(`storing the answer of ${performed.served.modelIdentifier}`);
    return this.#complete(work, run.lease, performed, startedAtMs);
  }

  /** Then a run enters before it reads its request, takes a key or a place among the calls, as it would at each try. */
  #mayHaveToWait(): boolean {
    return this.#runLimits.perUser > 0 || this.#runLimits.perProvider > 0;
  }

  async #complete(work: JobWork, lease: string, performed: JobAnswer, startedAtMs: number): Promise<JobOutcome> {
    const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: performed.ttftMs };
    const capture = captureOf(this.#identity(work), performed.served, performed.usage, timing, performed);
    const end = performed.cut ? 'CANCELLED' : 'COMPLETED';
    const completion = await inCaptureSpan(capture, () =>
      this.#ledger.run(
        completeJob(work.id, lease, { userId: work.userId, capture, result: performed.result, end, ...presentSpan() }),
      ),
    );
    if (completion.kind === 'not-ours') return this.#outcome(work.id);
    settleLimits(this.#keyLimits, work.plan.admission, performed.usage);
    this.#events.publish({ jobId: work.id, status: end, progress: 100 });
    await this.#remember(work);
    return { status: end, cost: formatMoney(completion.cost), providerKeyId: performed.providerKeyId };
  }

  async #fail(
    work: JobWork,
    { lease, attempted }: LeasedRun,
    error: AppError,
    startedAtMs: number,
  ): Promise<JobOutcome> {
    const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: null };
    await this.#end({
      jobId: work.id,
      userId: work.userId,
      status: 'FAILED',
      errorCode: error.code,
      errorMessage: error.message.slice(0, MAX_MESSAGE),
      release: releaseOf(this.#identity(work), attempted.served, timing, attempted, error.code),
      lease,
    });
    settleLimits(this.#keyLimits, work.plan.admission);
    return this.#outcome(work.id);
  }

  async #cancelled(work: JobWork, { lease, attempted }: LeasedRun, startedAtMs: number): Promise<JobOutcome> {
    const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: null };
    const release = releaseOf(this.#identity(work), attempted.served, timing, attempted, CANCELLED_CODE);
    const { id: jobId, userId } = work;
    await this.#end({ jobId, userId, status: 'CANCELLED', errorCode: null, errorMessage: null, release, lease });
    settleLimits(this.#keyLimits, work.plan.admission);
    return this.#outcome(work.id);
  }

  async #end(end: JobEnd): Promise<void> {
    const status: JobStatus = await inSpan('release', undefined, () =>
      this.#ledger.run(endJob({ ...end, ...presentSpan() })),
    );
    this.#events.publish({ jobId: end.jobId, status, progress: status === 'COMPLETED' ? 100 : 0 });
  }

  async #outcome(jobId: string): Promise<JobOutcome> {
    const ended = await this.#store.end(jobId);
    if (ended.status === 'PENDING' || ended.status === 'PROCESSING')
      throw new RunInterrupted('another run has this job');
    const { status, providerKeyId, errorCode } = ended;
    return { status, cost: formatMoney(ended.cost ?? 0n), providerKeyId, errorCode };
  }

  #identity(work: JobWork): CallIdentity {
    return {
      requestId: work.id,
      userId: work.userId,
      accountId: work.accountId,
      accessKeyId: work.accessKeyId,
      budgeted: work.plan.budgeted,
      traceId: work.plan.traceId,
      isAsync: true,
    };
  }
}

/** An end of the job as its owner is told; a ledger that cannot be reached is none. */
function isEnd(error: unknown): error is AppError {
  return error instanceof AppError && error.kind !== 'databaseUnavailable';
}

const PAST_DEADLINE = 'the job could not be finished before its deadline; nothing is charged';
const REVOKED = 'its access key or its user was switched off before it was begun; nothing is charged';
const MAX_MESSAGE = 2_000;
/** In the usage log, as nginx has it: the client closed the request. */
const CANCELLED_CODE = 499;

function outcomeOf(job: JobRow): JobOutcome {
  if (job.status === 'PENDING' || job.status === 'PROCESSING') {
    // The hold is closed and the job is not: the sweeper is about to end it.
    throw new RunInterrupted('the hold of this job is closed');
  }
  const { status, providerKeyId, errorCode } = job;
  return { status, cost: formatMoney(job.cost ?? 0n), providerKeyId, errorCode };
}
