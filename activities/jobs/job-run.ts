/**
 * One run of a job: entry, provider call, store and capture. Safe to run again at any point: the entry finds what an
 * earlier run did, calls are counted in the row before they are made, and only the run with the lease may write.
 */
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { inSpan, presentSpan } from '../../infra/telemetry/spans.ts';
import type { JobInput, JobOutcome } from '../../workflows/contracts.ts';
import type { KeyLimits } from '../accounts/key-limits.ts';
import { inCaptureSpan } from '../billing/capture-span.ts';
import type { Ledger } from '../billing/ledger.ts';
import { formatMoney } from '../billing/money.ts';
import { settleLimits } from '../inference/admission.ts';
import { type CallIdentity, captureOf, releaseOf, type ServedBy } from '../inference/settlement.ts';
import type { JobStatus } from './job.ts';
import type { JobEvents } from './job-events.ts';
import { beginJob, completeJob, countProviderCall, endJob, type JobEnd, noteUpstreamTask } from './job-operations.ts';
import type { JobRow } from './job-tables.ts';
import type { KeepTurn } from './job-turns.ts';
import {
  type Perform,
  type Performed,
  type Performers,
  type RunContext,
  RunInterrupted,
  type RunLedger,
  RunMustWait,
} from './performer.ts';
import { type CancellableRun, cancellable } from './run-cancel.ts';
import type { Admission, RunLimits } from './run-limits.ts';
import type { JobStore, JobWork } from './store.ts';

interface Attempted {
  served: ServedBy | undefined;
  providerKeyId: number | null;
  attempts: number;
}

export interface JobRunnerParts {
  readonly ledger: Ledger;
  readonly store: JobStore;
  readonly events: JobEvents;
  readonly runLimits: RunLimits;
  readonly keyLimits: KeyLimits;
  readonly keepTurn: KeepTurn;
}

export class JobRunner {
  readonly #ledger: Ledger;
  readonly #store: JobStore;
  readonly #events: JobEvents;
  readonly #runLimits: RunLimits;
  readonly #keyLimits: KeyLimits;
  readonly #keepTurn: KeepTurn;

  constructor({ ledger, store, events, runLimits, keyLimits, keepTurn }: JobRunnerParts) {
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
  async run(input: JobInput, performers: Performers, context: RunContext): Promise<JobOutcome> {
    const lease = newId();
    const begin = await this.#ledger.run(beginJob(input.jobId, lease, await this.#admission(input.jobId)));
    if (begin.kind === 'ended') return this.#ended(begin.job);
    if (begin.kind === 'wait') throw new RunMustWait();
    if (begin.kind === 'cancel-requested') return this.close(input, 'CANCELLED');
    if (begin.kind === 'late') return this.close(input, 'FAILED');
    const work = await this.#store.work(input.jobId);
    const perform = performers[work.type];
    if (!perform) throw new RunInterrupted(`this worker does not know jobs of type ${work.type}`);
    this.#events.publish({ jobId: work.id, status: 'PROCESSING', progress: begin.job.progress });
    return this.#carryOut(work, lease, perform, context);
  }

  /**
   * Ends a job that no run has brought to an end: without a charge, its hold given back. Idempotent.
   * @param reason why it failed, as its owner is told.
   */
  async close(input: JobInput, status: 'FAILED' | 'CANCELLED', reason = PAST_DEADLINE): Promise<JobOutcome> {
    const work = await this.#store.work(input.jobId);
    const identity = this.#identity(work);
    const now = Date.now();
    const timing = { startedAtMs: now, endedAtMs: now, ttftMs: null };
    const failed = status === 'FAILED';
    const error = new AppError('inferenceFailed', reason);
    await this.#end({
      jobId: work.id,
      status,
      errorCode: failed ? error.code : null,
      errorMessage: failed ? error.message : null,
      release: releaseOf(identity, undefined, timing, { attempts: 0, providerKeyId: null }, error.code),
    });
    settleLimits(this.#keyLimits, work.plan.admission);
    return this.#outcome(input.jobId);
  }

  /** An earlier run has ended it, or somebody who cancelled it; who did may not have lived to do the rest. */
  async #ended(job: JobRow): Promise<JobOutcome> {
    const outcome = outcomeOf(job);
    const work = await this.#store.work(job.id);
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

  /** Read before the run begins, and only where there are limits. */
  async #admission(jobId: string): Promise<Admission | undefined> {
    const limits = this.#runLimits;
    if (limits.perUser === 0 && limits.perProvider === 0) return undefined;
    return { limits, owner: await this.#store.owner(jobId) };
  }

  async #carryOut(work: JobWork, lease: string, perform: Perform, told: RunContext): Promise<JobOutcome> {
    const running = cancellable(work.id, told, this.#events);
    try {
      return await this.#perform(work, lease, perform, running);
    } finally {
      running.stop();
    }
  }

  async #perform(
    work: JobWork,
    lease: string,
    perform: Perform,
    { context, cancel }: CancellableRun,
  ): Promise<JobOutcome> {
    const startedAtMs = Date.now();
    const attempted: Attempted = { served: undefined, providerKeyId: null, attempts: 0 };
    const run: RunLedger = {
      count: async (model, providerKeyId) => {
        const call = { providerKeyId, modelId: model.modelId, modelName: model.modelIdentifier };
        const permit = await this.#ledger.run(countProviderCall(work.id, lease, call));
        if (permit.kind === 'lease-lost') throw new RunInterrupted('another run has this job');
        if (permit.kind === 'exhausted') throw exhausted();
        if (permit.kind === 'cancel-requested') {
          cancel();
          throw new RunInterrupted('the job was cancelled');
        }
        Object.assign(attempted, { served: model, providerKeyId, attempts: permit.call });
        context.heartbeat(`calling ${model.modelIdentifier} with key #${providerKeyId}, call ${permit.call}`);
      },
      noteTask: async (state, taskId) => {
        const noted = await this.#ledger.run(noteUpstreamTask(work.id, lease, state, taskId));
        if (!noted) throw new RunInterrupted('another run has this job');
        if (taskId !== null) context.heartbeat(`waits for the provider's task ${taskId}`);
      },
    };
    let performed: Performed | undefined;
    try {
      performed = await perform(work, run, context);
    } catch (error) {
      if (context.isCancelled()) performed = undefined;
      else if (error instanceof AppError && !context.signal.aborted) {
        return this.#fail(work, lease, error, startedAtMs, attempted);
      } else throw new RunInterrupted('the run was interrupted', { cause: error });
    }
    if (!performed) return this.#cancelled(work, lease, startedAtMs, attempted);
    context.heartbeat(`storing the answer of ${performed.served.modelIdentifier}`);
    return this.#complete(work, lease, performed, startedAtMs);
  }

  async #complete(work: JobWork, lease: string, performed: Performed, startedAtMs: number): Promise<JobOutcome> {
    const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: performed.ttftMs };
    const capture = captureOf(this.#identity(work), performed.served, performed.usage, timing, performed);
    const end = performed.cut ? 'CANCELLED' : 'COMPLETED';
    const completion = await inCaptureSpan(capture, () =>
      this.#ledger.run(completeJob(work.id, lease, { capture, result: performed.result, end, ...presentSpan() })),
    );
    if (completion.kind === 'not-ours') return this.#outcome(work.id);
    settleLimits(this.#keyLimits, work.plan.admission, performed.usage);
    this.#events.publish({ jobId: work.id, status: end, progress: 100 });
    await this.#remember(work);
    return { status: end, cost: formatMoney(completion.cost), providerKeyId: performed.providerKeyId };
  }

  async #fail(
    work: JobWork,
    lease: string,
    error: AppError,
    startedAtMs: number,
    attempted: Attempted,
  ): Promise<JobOutcome> {
    const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: null };
    await this.#end({
      jobId: work.id,
      status: 'FAILED',
      errorCode: error.code,
      errorMessage: error.message.slice(0, MAX_MESSAGE),
      release: releaseOf(this.#identity(work), attempted.served, timing, attempted, error.code),
      lease,
    });
    settleLimits(this.#keyLimits, work.plan.admission);
    return this.#outcome(work.id);
  }

  async #cancelled(work: JobWork, lease: string, startedAtMs: number, attempted: Attempted): Promise<JobOutcome> {
    const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: null };
    const release = releaseOf(this.#identity(work), attempted.served, timing, attempted, CANCELLED_CODE);
    await this.#end({ jobId: work.id, status: 'CANCELLED', errorCode: null, errorMessage: null, release, lease });
    settleLimits(this.#keyLimits, work.plan.admission);
    return this.#outcome(work.id);
  }

  async #end(end: JobEnd): Promise<void> {
    const status: JobStatus = await inSpan('release', undefined, () =>
      this.#ledger.run(endJob({ ...end, ...presentSpan() })),
    );
    this.#events.publish({ jobId: end.jobId, status, progress: 100 });
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

function exhausted(): AppError {
  return new AppError(
    'modelCallFailed',
    'the provider was called as often as a job may; none of the calls was answered',
  );
}

const PAST_DEADLINE = 'the job could not be finished before its deadline; nothing is charged';
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
