/** What carries out one kind of job: what it is given, what it gives back, and how a run is interrupted. */

import type { PickedKey } from '../../core/key-pool/key-pool.ts';
import type { Usage } from '../../core/ledger/money.ts';
import type { NativeAdapter, NativeRequest } from '../../core/providers/native.ts';
import type { CallContext, ChatBody } from '../../core/providers/provider.ts';
import type { JobType } from '../../workflows/contracts.ts';
import type { CallOptions } from '../inference/paid-calls.ts';
import type { Candidate } from '../inference/plan.ts';
import type { Measured } from '../inference/settlement.ts';
import { isLive } from './job.ts';
import type { JobEvents } from './job-events.ts';
import type { JobWork } from './store.ts';

/**
 * Calls the provider. A cancel before the first call returns undefined; after it, the provider is paid for what it was
 * asked, so its answer (of a chat: its first words) is waited for and returned.
 * @param charge counts and makes the calls; the answer is charged at the price of the model called last.
 * @throws {AppError} why the job failed; its owner reads it.
 */
export type JobHandler = (work: JobWork, charge: JobCalls, context: RunContext) => Promise<JobAnswer | undefined>;

/**
 * What a handler may do with its job's charge; what it delivers is captured by its caller. Each throws when the run has
 * lost the job, or may not have it.
 */
export interface JobCalls {
  /**
   * Takes the job up, unless that is done. Called by who does something long, or needs to know what was done, before
   * the first call; `attempts` does it otherwise.
   */
  begin(): Promise<UpstreamTask>;
  /** The candidates of the plan that are still online, at the prices and limits they were held for. @throws {AppError} */
  candidates(): Promise<Candidate[]>;
  /** Calls the candidates until one answers; each call is counted in the row before it is made. */
  attempts<Answer>(
    candidates: readonly Candidate[],
    options: Pick<CallOptions, 'output' | 'affinity'>,
    call: (candidate: Candidate, apiKey: string) => Promise<Answer>,
  ): Promise<Answer>;
  /** A chat as this candidate is asked it, streamed. @throws {AppError} when the model cannot be asked so. */
  fitted(candidate: Candidate, body: ChatBody): ChatBody;
  /** The same in the client's own form. */
  fittedNative(candidate: Candidate, chat: ChatBody, native: NativeRequest, adapter: NativeAdapter): NativeRequest;
  /** Whom this run has called last; undefined before its first call. */
  readonly lastCall: { readonly candidate: Candidate } | undefined;
  /** The answer is that of a call which an earlier run made, and counted. */
  answeredBy(candidate: Candidate, key: PickedKey): void;
  /** Remembers how far an asynchronous provider task is; null = nothing was submitted after all. */
  noteTask(state: 'submitting' | 'submitted' | null, taskId: string | null): Promise<void>;
}

/** What an earlier run of the job has left at a provider. */
export interface UpstreamTask {
  readonly state: string | null;
  /** Of an asynchronous task, once it is known. */
  readonly taskId: string | null;
  /** Whom the task was submitted to, and with which key. */
  readonly modelId: number | null;
  readonly providerKeyId: number | null;
}

/** One handler for each kind of job. */
export type JobHandlers = Readonly<Record<JobType, JobHandler>>;

/** What a provider delivered for a job. */
export interface JobAnswer {
  readonly usage: Usage;
  readonly measured: Measured;
  /** True when a cancel ended it before the provider did. */
  readonly cut: boolean;
  /** `resultPayload` as JSON text; the cost is known only when the ledger has decided. */
  readonly result: (cost: bigint, priceRule: string | null) => string;
}

/** The run's signal aborts for two reasons: the job was cancelled, or the worker stops and the job goes on elsewhere. */
export interface RunContext extends CallContext {
  readonly isCancelled: () => boolean;
  /** Aborts when this run cannot go on: its worker stops, or the job has ended elsewhere. A cancel leaves it alone. */
  readonly stopped: AbortSignal;
  /** True when Temporal has run the job before. */
  readonly again: boolean;
}

/** This run must not write any more: a newer one has the job, or the worker is stopping. Temporal runs it again. */
export class RunInterrupted extends Error {
  override readonly name: string = 'RunInterrupted';
}

/** The provider's task goes on and will be paid for: the next run waits for it, also when the job was cancelled. */
export class TaskUnderWay extends RunInterrupted {
  override readonly name = 'TaskUnderWay';
}

/** As many jobs of its user or its provider run as may, or what they hold fills the memory; no call was made. Temporal runs it again a little later. */
export class RunMustWait extends Error {
  override readonly name = 'RunMustWait';
}

export interface CancellableRun {
  /** The signal aborts and `isCancelled` is true after a cancel from any source; `stopped` aborts only when the job ends. */
  readonly context: RunContext;
  /** The run has found out itself. */
  cancel(): void;
  /** The run is over. */
  stop(): void;
}

/**
 * A run that learns of a cancel, or of an end that somebody else made, from Temporal's heartbeat, from a message of
 * whoever did it, or from the job's row, which is read every second while it runs. Any one of them may be away.
 */
export function cancellable(jobId: string, context: RunContext, events: Pick<JobEvents, 'listen'>): CancellableRun {
  const asked = new AbortController();
  const ended = new AbortController();
  const stop = events.listen(jobId, ({ cancelRequested, status }) => {
    // Somebody else may have ended the job: nobody can be charged for what the run calls for then.
    if (!isLive(status)) ended.abort();
    else if (cancelRequested) asked.abort();
  });
  return {
    context: {
      ...context,
      signal: AbortSignal.any([context.signal, asked.signal, ended.signal]),
      stopped: AbortSignal.any([context.stopped, ended.signal]),
      isCancelled: () => asked.signal.aborted || ended.signal.aborted || context.isCancelled(),
    },
    cancel: () => asked.abort(),
    stop,
  };
}
