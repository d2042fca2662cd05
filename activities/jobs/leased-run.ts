/**
 * One run of a job as the job's row knows it: its lease, the calls it was allowed and the provider's task. The entry is
 * made with the first call, in one transaction, unless it is needed earlier: in a later run, or by a job handler.
 */

import type { Ledger } from '../../core/ledger/ledger.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import type { ServedBy } from '../inference/settlement.ts';
import type { JobEvents } from './job-events.ts';
import { RunInterrupted, type RunLedger, type UpstreamTask } from './job-handler.ts';
import {
  type Begin,
  beginJob,
  type CallPermit,
  countProviderCall,
  type NotBegun,
  noteUpstreamTask,
  type ProviderCall,
} from './job-operations.ts';
import type { JobRow } from './job-tables.ts';
import type { RunLimits } from './run-limits.ts';
import type { JobWork } from './store.ts';

/** The job is not to be run; passes through the job handler to who called it. */
export class RunRefused extends Error {
  override readonly name = 'RunRefused';
  readonly reason: NotBegun;

  constructor(reason: NotBegun) {
    super(`the job was not begun: ${reason.kind}`);
    this.reason = reason;
  }
}

export interface LeasedRunDeps {
  readonly ledger: Pick<Ledger, 'run'>;
  readonly events: Pick<JobEvents, 'publish'>;
  readonly runLimits: RunLimits;
  /** The row says that the job was cancelled. */
  readonly cancelled: () => void;
  /** Of the run: cancelled, or its worker stops. */
  readonly signal: AbortSignal;
  readonly heartbeat: (detail: string) => void;
}

export class LeasedRun implements RunLedger {
  readonly lease = newId();
  readonly #work: JobWork;
  readonly #deps: LeasedRunDeps;
  #row: JobRow | undefined;
  /** What was called last, and how often the job has called. */
  attempted: {
    readonly served: ServedBy | undefined;
    readonly providerKeyId: number | null;
    readonly attempts: number;
  } = { served: undefined, providerKeyId: null, attempts: 0 };

  constructor(work: JobWork, deps: LeasedRunDeps) {
    this.#work = work;
    this.#deps = deps;
  }

  async begin(): Promise<UpstreamTask> {
    const row = this.#row ?? (await this.#enter()).job;
    if (row.cancelRequestedAtMs !== null) this.#deps.cancelled();
    const { upstreamState: state, upstreamTaskId: taskId, modelId, providerKeyId } = row;
    return { state, taskId, modelId, providerKeyId };
  }

  async count(model: ServedBy, providerKeyId: number): Promise<void> {
    const permit = await this.#permit({ providerKeyId, modelId: model.modelId, modelName: model.modelIdentifier });
    if (permit?.kind === 'exhausted') throw exhausted();
    if (permit?.kind === 'cancel-requested') throw this.#cancelled();
    if (permit?.kind !== 'granted') throw leaseLost();
    this.attempted = { served: model, providerKeyId, attempts: permit.call };
    this.#deps.heartbeat(`calling ${model.modelIdentifier} with key #${providerKeyId}, call ${permit.call}`);
  }

  async noteTask(state: 'submitting' | 'submitted' | null, taskId: string | null): Promise<void> {
    const noted = await this.#deps.ledger.run(noteUpstreamTask(this.#work.id, this.lease, state, taskId));
    if (noted === 'cancel-requested') throw this.#cancelled();
    if (noted === 'lease-lost') throw leaseLost();
    if (taskId !== null) this.#deps.heartbeat(`waits for the provider's task ${taskId}`);
  }

  #cancelled(): RunInterrupted {
    this.#deps.cancelled();
    return new RunInterrupted('the job was cancelled');
  }

  async #permit(call: ProviderCall): Promise<CallPermit | undefined> {
    if (this.#row) return this.#deps.ledger.run(countProviderCall(this.#work.id, this.lease, call));
    if (this.#deps.signal.aborted) throw new RunInterrupted('the run was stopped before it began');
    return (await this.#enter(call)).permit;
  }

  async #enter(call?: ProviderCall): Promise<Extract<Begin, { kind: 'begun' }>> {
    const { ledger, events, runLimits: limits } = this.#deps;
    const { id: jobId } = this.#work;
    const begin = await ledger.run(beginJob(jobId, this.lease, { admission: { limits, owner: this.#work }, call }));
    if (begin.kind !== 'begun') throw new RunRefused(begin);
    this.#row = begin.job;
    events.publish({ jobId, status: 'PROCESSING', progress: begin.job.progress });
    return begin;
  }
}

function leaseLost(): RunInterrupted {
  return new RunInterrupted('another run has this job');
}

function exhausted(): AppError {
  return new AppError(
    'modelCallFailed',
    'the provider was called as often as a job may; no answer came, or none that could be kept',
  );
}
