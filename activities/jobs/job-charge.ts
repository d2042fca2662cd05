/**
 * The charge of a job as seen by one of its runs: entry → counted calls → capture | release. Limits and hold were taken
 * at submission (submissions.ts). The entry gives this run the lease; each call is counted in the row before it is
 * made; the charge, or the release, is written together with the job's end in one transaction, which only the run with
 * the lease may do. So a worker may die between any two lines, and another run continues from the row.
 */

import type { KeyLimits } from '../../core/accounts/key-limits.ts';
import type { PickedKey } from '../../core/key-pool/key-pool.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { inCaptureSpan } from '../../core/ledger/ledger.ts';
import type { Release } from '../../core/ledger/operations/close-hold.ts';
import type { NativeAdapter, NativeRequest } from '../../core/providers/native.ts';
import type { ChatBody } from '../../core/providers/provider.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { inSpan, presentSpan } from '../../infra/telemetry/spans.ts';
import type { InferenceDeps } from '../inference/charge.ts';
import { settleLimits } from '../inference/hold.ts';
import { type CallOptions, PaidCalls } from '../inference/paid-calls.ts';
import type { Candidate } from '../inference/plan.ts';
import { type CallIdentity, failureOf } from '../inference/settlement.ts';
import type { JobEvents } from './job-events.ts';
import {
  type CancellableRun,
  type JobAnswer,
  type JobCalls,
  RunInterrupted,
  type UpstreamTask,
} from './job-handler.ts';
import type { RunLimits } from './job-limits.ts';
import {
  type Begin,
  beginJob,
  type CallPermit,
  completeJob,
  countProviderCall,
  endJob,
  type JobEnd,
  type NotBegun,
  noteUpstreamTask,
  type ProviderCall,
} from './job-operations.ts';
import type { JobRow } from './job-tables.ts';
import type { JobWork } from './store.ts';

export interface JobChargeDeps {
  readonly ledger: Pick<Ledger, 'run'>;
  readonly events: Pick<JobEvents, 'publish'>;
  readonly runLimits: RunLimits;
  readonly models: Pick<InferenceDeps['models'], 'pricedAt'>;
  readonly keys: InferenceDeps['keys'];
  readonly retries: InferenceDeps['retries'];
  readonly noteFits: InferenceDeps['noteFits'];
  readonly notePriceRule: InferenceDeps['notePriceRule'];
  readonly limits: Pick<KeyLimits, 'settle'>;
}

/** The job may not run. The error passes through the job handler to its caller. */
export class RunRefused extends Error {
  override readonly name = 'RunRefused';
  readonly reason: NotBegun;

  constructor(reason: NotBegun) {
    super(`the job was not begun: ${reason.kind}`);
    this.reason = reason;
  }
}

export class JobCharge implements JobCalls {
  readonly #deps: JobChargeDeps;
  readonly #work: JobWork;
  readonly #run: Pick<CancellableRun, 'context' | 'cancel'>;
  readonly #lease = newId();
  readonly #calls: PaidCalls;
  #row: JobRow | undefined;

  constructor(deps: JobChargeDeps, work: JobWork, run: Pick<CancellableRun, 'context' | 'cancel'>) {
    this.#deps = deps;
    this.#work = work;
    this.#run = run;
    this.#calls = new PaidCalls(deps, identityOf(work));
  }

  async begin(): Promise<UpstreamTask> {
    const row = this.#row ?? (await this.#enter()).job;
    if (row.cancelRequestedAtMs !== null) this.#run.cancel();
    const { upstreamState: state, upstreamTaskId: taskId, modelId, providerKeyId } = row;
    return { state, taskId, modelId, providerKeyId };
  }

  async candidates(): Promise<Candidate[]> {
    const { candidates: planned } = this.#work.plan;
    const models = await this.#deps.models.pricedAt(planned.map((candidate) => candidate.priceId));
    const candidates = planned.flatMap(({ priceId, maxTokens }) => {
      const model = models.find((priced) => priced.price.id === priceId);
      return model ? [{ ...model, maxTokens }] : [];
    });
    if (candidates.length > 0) return candidates;
    throw new AppError('modelOffline', 'none of the models this job was held for is online');
  }

  attempts<Answer>(
    candidates: readonly Candidate[],
    options: Pick<CallOptions, 'output' | 'affinity'>,
    call: (candidate: Candidate, apiKey: string) => Promise<Answer>,
  ): Promise<Answer> {
    const beforeCall = (candidate: Candidate, keyId: number) => this.#count(candidate, keyId);
    return this.#calls.attempts(candidates, { ...options, beforeCall }, this.#run.context, call);
  }

  fitted(candidate: Candidate, body: ChatBody): ChatBody {
    return this.#calls.fitted(candidate, body, 'streamed');
  }

  fittedNative(candidate: Candidate, chat: ChatBody, native: NativeRequest, adapter: NativeAdapter): NativeRequest {
    return this.#calls.fittedNative(candidate, chat, native, adapter);
  }

  get lastCall() {
    return this.#calls.last;
  }

  answeredBy(candidate: Candidate, key: PickedKey): void {
    this.#calls.answeredBy(candidate, key);
  }

  async noteTask(state: 'submitting' | 'submitted' | null, taskId: string | null): Promise<void> {
    const noted = await this.#deps.ledger.run(noteUpstreamTask(this.#work.id, this.#lease, state, taskId));
    if (noted === 'cancel-requested') throw this.#cancelled();
    if (noted === 'lease-lost') throw leaseLost();
    if (taskId !== null) this.#run.context.heartbeat(`waits for the provider's task ${taskId}`);
  }

  /**
   * Stores the result and charges what was used.
   * @returns the cost, in nano-units; undefined when this run no longer has the job.
   */
  async capture({ usage, measured, cut, result: resultAt }: JobAnswer): Promise<bigint | undefined> {
    const { ledger, events, limits } = this.#deps;
    const { id: jobId, userId, plan } = this.#work;
    const capture = this.#calls.captureRequest(usage, measured);
    const result = (cost: bigint) => resultAt(cost, capture.call.priceRule);
    const end = endOf(cut);
    const completion = await inCaptureSpan(capture, () =>
      ledger.run(completeJob(jobId, this.#lease, { userId, capture, result, end, ...presentSpan() })),
    );
    if (completion.kind === 'not-ours') return undefined;
    settleLimits(limits, plan.admission, usage);
    events.publish({ jobId, status: end, progress: 100 });
    return completion.cost;
  }

  /**
   * Ends the job without a charge, if this run still has it. @param error why it failed; undefined = it was cancelled.
   */
  async release(error: AppError | undefined): Promise<void> {
    const release = this.#calls.releaseRequest(error ? failureOf(error) : CANCELLED_BY_OWNER);
    await endFree(this.#deps, this.#work, error ? failed(error) : CANCELLED, release, this.#lease);
  }

  async #count({ modelId, modelIdentifier }: Candidate, providerKeyId: number): Promise<void> {
    const permit = await this.#permit({ providerKeyId, modelId, modelName: modelIdentifier });
    if (permit?.kind === 'exhausted') throw exhausted();
    if (permit?.kind === 'cancel-requested') throw this.#cancelled();
    if (permit?.kind !== 'granted') throw leaseLost();
    this.#run.context.heartbeat(`calling ${modelIdentifier} with key #${providerKeyId}, call ${permit.call}`);
  }

  /** The first call makes the entry, too, in one transaction, unless the entry was needed earlier. */
  async #permit(call: ProviderCall): Promise<CallPermit | undefined> {
    if (this.#row) return this.#deps.ledger.run(countProviderCall(this.#work.id, this.#lease, call));
    if (this.#run.context.signal.aborted) throw new RunInterrupted('the run was stopped before it began');
    return (await this.#enter(call)).permit;
  }

  async #enter(call?: ProviderCall): Promise<Extract<Begin, { kind: 'begun' }>> {
    const { ledger, events, runLimits: limits } = this.#deps;
    const { id: jobId } = this.#work;
    const begin = await ledger.run(beginJob(jobId, this.#lease, { check: { limits, owner: this.#work }, call }));
    if (begin.kind !== 'begun') throw new RunRefused(begin);
    this.#row = begin.job;
    events.publish({ jobId, status: 'PROCESSING', progress: begin.job.progress });
    return begin;
  }

  #cancelled(): RunInterrupted {
    this.#run.cancel();
    return new RunInterrupted('the job was cancelled');
  }
}

/** Ends a job that no run has: no charge, hold released. Idempotent. */
export async function closeFree(
  deps: JobChargeDeps,
  work: JobWork,
  status: 'FAILED' | 'CANCELLED',
  error: AppError,
): Promise<void> {
  const release = new PaidCalls(deps, identityOf(work)).releaseRequest(failureOf(error));
  await endFree(deps, work, status === 'FAILED' ? failed(error) : CANCELLED, release);
}

/** @param lease only while this run has it; undefined = whichever run has the job. */
async function endFree(
  { ledger, events, limits }: JobChargeDeps,
  { id: jobId, userId, plan }: JobWork,
  end: Pick<JobEnd, 'status' | 'errorCode' | 'errorMessage'>,
  release: Release,
  lease?: string,
): Promise<void> {
  const leased = lease === undefined ? {} : { lease };
  const status = await inSpan('release', undefined, () =>
    ledger.run(endJob({ ...end, jobId, userId, release, ...leased, ...presentSpan() })),
  );
  events.publish({ jobId, status, progress: status === 'COMPLETED' ? 100 : 0 });
  settleLimits(limits, plan.admission);
}

/** A cancelled job in the usage log; nginx uses the code for a client that closed the request. */
const CANCELLED_BY_OWNER = { errorCode: 499, errorText: 'the job was cancelled' };
const MAX_MESSAGE = 2_000;

const CANCELLED = { status: 'CANCELLED', errorCode: null, errorMessage: null } as const;

function failed({ code, message }: AppError) {
  return { status: 'FAILED', errorCode: code, errorMessage: message.slice(0, MAX_MESSAGE) } as const;
}

/** The status of an answered job. A job that was cut by a cancel is charged for what it had produced. */
export function endOf(cut: boolean): 'COMPLETED' | 'CANCELLED' {
  return cut ? 'CANCELLED' : 'COMPLETED';
}

function identityOf({ id, userId, accountId, accessKeyId, plan }: JobWork): CallIdentity {
  const { budgeted, traceId, tags } = plan;
  return { requestId: id, userId, accountId, accessKeyId, budgeted, traceId, tags, isAsync: true, batchId: null };
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
