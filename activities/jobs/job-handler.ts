/** What carries out one type of job, and how it and the run that calls it speak with each other. */
import type { PricedModel } from '../../core/catalog/model.ts';
import type { Usage } from '../../core/ledger/money.ts';
import type { CallContext } from '../../core/providers/provider.ts';
import type { JobWork } from './store.ts';

/** What a provider delivered for a job. */
export interface JobAnswer {
  readonly served: PricedModel;
  readonly usage: Usage;
  readonly providerKeyId: number;
  readonly attempts: number;
  readonly ttftMs: number | null;
  /** True when a cancel ended it before the provider did. */
  readonly cut: boolean;
  /** `resultPayload` as JSON text; the cost is known only when the ledger has decided. */
  readonly result: (cost: bigint) => string;
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

/** What a job handler tells the job's row while it works. Each throws when the run has lost the job, or may not have it. */
export interface RunLedger {
  /**
   * Takes the job up, unless that is done. Called by who does something long, or needs to know what was done, before
   * the first call; `count` does it otherwise.
   */
  begin(): Promise<UpstreamTask>;
  /** Counts a call before it is made; throws when the job may not call any more. */
  count(model: PricedModel, providerKeyId: number): Promise<void>;
  /** Remembers how far an asynchronous provider task is; null = nothing was submitted after all. */
  noteTask(state: 'submitting' | 'submitted' | null, taskId: string | null): Promise<void>;
}

/**
 * Calls the provider. A cancel before the first call returns undefined; after it, the provider is paid for what it was
 * asked, so its answer (of a chat: its first words) is waited for and returned.
 * @throws {AppError} the job's end as its owner is told.
 */
export type JobHandler = (work: JobWork, run: RunLedger, context: RunContext) => Promise<JobAnswer | undefined>;

/** How each type of job is carried out; a worker of an older version may not know a type yet. */
export type JobHandlers = Readonly<Partial<Record<JobWork['type'], JobHandler>>>;

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

/** As many jobs of its user or its provider run as may; nothing was begun. Temporal runs it again a little later. */
export class RunMustWait extends Error {
  override readonly name = 'RunMustWait';
}
