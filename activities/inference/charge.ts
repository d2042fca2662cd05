/**
 * A call that is paid for, from its first step to its last: limits → hold → attempts → capture | release. Errors are
 * never charged; a call is captured or released once, and its caller is answered after the COMMIT of either.
 * Jobs take the same steps by `openHold` and `PaidCalls`; `Charge` puts them together for a synchronous call.
 */

import type { Logger } from 'pino';
import type { Admission, AdmissionRequest, KeyLimits } from '../../core/accounts/key-limits.ts';
import type { ModelSource } from '../../core/catalog/model.ts';
import type { KeyPool } from '../../core/key-pool/key-pool.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { nanoAmount, type Usage } from '../../core/ledger/money.ts';
import type { ClaimRequest, StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { HoldOutcome, HoldRequest, HoldShare } from '../../core/ledger/operations/hold.ts';
import type { Fit } from '../../core/providers/fit.ts';
import { onlyStreams, patienceOf } from '../../core/providers/needs.ts';
import type {
  AudioAdapter,
  CallContext,
  ChatAdapter,
  EmbeddingAdapter,
  ImageAdapter,
  ModerationAdapter,
  ProviderKind,
  RerankAdapter,
  UpstreamTarget,
} from '../../core/providers/provider.ts';
import type { Tags } from '../../core/usage/usage-record.ts';
import { AppError } from '../../infra/errors.ts';
import type { HeldBytes } from '../../infra/held-bytes.ts';
import { inSpan } from '../../infra/telemetry/spans.ts';
import type { RetryBudget } from './attempts.ts';
import type { NoteFits } from './fit.ts';
import { admitted, holdOf, type LimitedRequest, reserve, settleLimits } from './hold.ts';
import type { FindKeptTexts, ReadKeptFile } from './kept-files.ts';
import type { NativeAdapters } from './native.ts';
import { PaidCalls } from './paid-calls.ts';
import type { Asked, Candidate, Plan } from './plan.ts';
import type { RequestImages } from './request-images.ts';
import { type CallIdentity, failureOf, type Measured, NOTHING_MEASURED } from './settlement.ts';
import type { NotePriceRule, NoteUsageDoubt } from './usage.ts';

/** What every way of calling a model is made of. */
export interface InferenceDeps {
  readonly ledger: Ledger;
  readonly limits: KeyLimits;
  readonly models: ModelSource;
  readonly keys: KeyPool;
  readonly retries: RetryBudget;
  readonly chatAdapters: Readonly<Record<ProviderKind, ChatAdapter>>;
  readonly imageAdapters: Readonly<Record<ProviderKind, ImageAdapter>>;
  readonly embeddingAdapters: Readonly<Record<ProviderKind, EmbeddingAdapter>>;
  readonly nativeAdapters: NativeAdapters;
  readonly audioAdapters: Readonly<Record<ProviderKind, AudioAdapter>>;
  readonly moderationAdapters: Readonly<Record<ProviderKind, ModerationAdapter>>;
  readonly rerankAdapters: Readonly<Record<ProviderKind, RerankAdapter>>;
  readonly requestImages: RequestImages;
  readonly readKeptFile: ReadKeptFile;
  readonly findKeptTexts: FindKeptTexts;
  /** What running requests hold in memory. */
  readonly held: HeldBytes;
  readonly noteUsageDoubt: NoteUsageDoubt;
  readonly notePriceRule: NotePriceRule;
  readonly noteFits: NoteFits;
  readonly log: Logger;
  /** The longest that a call may take in all, in milliseconds; the patience of its models is added. */
  readonly totalTimeoutMs: number;
}

/** What a synchronous call is run with; its charge decides how long it may take. */
export type RequestContext = Omit<CallContext, 'signal'>;

/** Where a candidate is called with a key. */
export function targetOf(candidate: Candidate, apiKey: string): UpstreamTarget {
  const { kind, urlBase, upstreamModel: model, needs } = candidate;
  return {
    ...{ kind, urlBase, apiKey, model },
    patienceMs: patienceOf(needs, model),
    onlyStreams: onlyStreams(needs),
    messagesPath: needs.messagesPath ?? undefined,
    chatInterface: needs.chatInterface,
  };
}

export interface ChargeRequest extends LimitedRequest {
  readonly traceId: string;
  /** Of a request with an idempotency key. */
  readonly claim?: ClaimRequest;
  /** What the client says of who asks, for the usage log. */
  readonly tags?: Tags;
  /** Of a call of a batch: its part of the batch's hold, the batch, and the tier that it is charged as. */
  readonly from?: HoldShare;
  readonly batchId?: string | null;
  readonly serviceTier?: string;
}

/** What the caller of every answered call learns; `cost` in nano-units. */
export interface CallOutcome {
  readonly requestId: string;
  readonly modelIdentifier: string;
  readonly providerName: string;
  readonly cost: bigint;
  /** The rule of the price that was applied; null: the price without one. */
  readonly priceRule: string | null;
  /** What was charged for. */
  readonly usage: Usage;
  readonly attempts: number;
  /** The output limit of the call, where it is not the one that the caller set. */
  readonly clampedTo: number | undefined;
  /** What was changed in the request for the model that served it. */
  readonly fits: readonly Fit[];
}

/** As much of it as is known before the answer has ended. */
export type CallBegin = Omit<CallOutcome, 'cost' | 'priceRule' | 'usage'>;

export interface AnsweredBefore {
  readonly kind: 'answered-before';
  readonly answer: StoredAnswer;
}

export type Reply<Outcome> = { readonly kind: 'answered-now'; readonly outcome: Outcome } | AnsweredBefore;

/** How the answer of a keyed request is kept, and about how long it is. */
export interface Keep<Outcome> {
  readonly answer: (outcome: Outcome) => StoredAnswer;
  readonly bytes: number;
}

interface CaptureOptions<Outcome> {
  readonly measured?: Measured;
  readonly keep?: Keep<Outcome> | undefined;
  /** All but the end of the answer is out already: some milliseconds do not matter. */
  readonly mayWait?: boolean;
}

/** Limits and hold have been taken. */
interface Held {
  readonly kind: 'held';
  /** What was held for: less than was planned where the balance is short. */
  readonly plan: Plan;
  readonly startedAtMs: number;
  readonly admission: Admission | undefined;
}

/**
 * Limits, then the hold.
 * @param asked what the plan may be clamped by; undefined = all or nothing.
 * @param entry `id` is that of the hold. @param take writes the hold, alone or together with a job's rows.
 * @throws {AppError} too many requests, no balance, a key in use, no database.
 */
export async function openHold(
  { ledger, limits }: Pick<InferenceDeps, 'ledger' | 'limits'>,
  request: LimitedRequest,
  plan: Plan,
  asked: Asked | undefined,
  entry: Pick<AdmissionRequest, 'id' | 'leaseMs'>,
  take: (
    hold: Omit<HoldRequest, 'owner' | 'lifeMs'>,
    payable: Plan,
    admission: Admission | undefined,
  ) => Promise<HoldOutcome>,
): Promise<Held | AnsweredBefore> {
  const admission = await admitted(limits, request, { ...entry, tokens: plan.tokenBound });
  let held = false;
  try {
    const startedAtMs = Date.now();
    const day = ledger.day(startedAtMs);
    const reservation = await inSpan('hold', undefined, () =>
      reserve(ledger, request.caller, plan, asked, (payable) =>
        take({ ...holdOf(request.caller, payable, day), id: entry.id }, payable, admission),
      ),
    );
    if (reservation.kind === 'answered') return { kind: 'answered-before', answer: reservation.answer };
    held = true;
    request.onHeld?.();
    return { kind: 'held', plan: reservation.plan, startedAtMs, admission };
  } finally {
    // What was not held for uses nothing of the key's limits.
    if (!held) settleLimits(limits, admission);
  }
}

/** A hold of a call in a living process is swept this long after the call's own deadline. */
const HOLD_LIFE_MARGIN_MS = 60_000;

type ChargeDeps = Pick<
  InferenceDeps,
  'ledger' | 'limits' | 'keys' | 'retries' | 'noteFits' | 'notePriceRule' | 'totalTimeoutMs'
>;

/** Opens the charge of a synchronous call: limits and hold. @throws as `openHold`. */
export async function openCharge(
  deps: ChargeDeps,
  request: ChargeRequest,
  plan: Plan,
  asked: Asked | undefined,
  requestId: string,
): Promise<Charge | AnsweredBefore> {
  const { claim, from } = request;
  const longestMs = deps.totalTimeoutMs + mostPatienceMs(plan.candidates);
  const lifeMs = longestMs + HOLD_LIFE_MARGIN_MS;
  const held = await openHold(deps, request, plan, asked, { id: requestId }, (hold) =>
    deps.ledger.hold({ ...hold, owner: 'call', lifeMs, ...(claim ? { claim } : {}), ...(from ? { from } : {}) }),
  );
  return held.kind === 'held' ? new Charge(deps, request, requestId, held, longestMs) : held;
}

function mostPatienceMs(candidates: readonly Candidate[]): number {
  return Math.max(0, ...candidates.map(({ needs, upstreamModel }) => patienceOf(needs, upstreamModel) ?? 0));
}

export class Charge {
  readonly kind = 'open';
  readonly plan: Plan;
  readonly requestId: string;
  readonly #deadline = new AbortController();
  readonly #timer: NodeJS.Timeout;
  /** The provider calls that this charge pays for. */
  readonly calls: PaidCalls;
  readonly #deps: ChargeDeps;
  readonly #request: ChargeRequest;
  readonly #admission: Admission | undefined;

  constructor(deps: ChargeDeps, request: ChargeRequest, requestId: string, held: Held, longestMs: number) {
    const { plan, admission, startedAtMs } = held;
    // AbortSignal.timeout takes five times as long, and its timer stays until it is over.
    this.#timer = setTimeout(() => this.#deadline.abort(timeOver()), longestMs).unref();
    this.#deps = deps;
    this.#request = request;
    this.plan = plan;
    this.requestId = requestId;
    this.#admission = admission;
    this.calls = new PaidCalls(deps, identityOf(request, requestId), startedAtMs);
  }

  /** Aborts when the time of the call is over, or it is cut. */
  get deadline(): AbortSignal {
    return this.#deadline.signal;
  }

  /** Ends the provider's call: nobody waits for it any more. */
  cut(): void {
    this.#deadline.abort();
  }

  /** What the caller learns before the cost is known. @throws before a provider has answered. */
  get begun(): CallBegin {
    const { served, sent } = this.calls;
    const { candidate, count } = served;
    return {
      requestId: this.requestId,
      modelIdentifier: candidate.modelIdentifier,
      providerName: candidate.providerName,
      attempts: count,
      clampedTo: sent?.ownLimit,
      fits: sent?.fits ?? [],
    };
  }

  /**
   * Charges what was used. `outcomeOf` makes the caller's answer, which a keyed request keeps in the same transaction.
   * @throws {AppError} when the hold is gone: the process was taken for dead, or another one answers the key by now.
   */
  async capture<Outcome>(
    used: Usage,
    outcomeOf: (call: CallOutcome) => Outcome,
    options: CaptureOptions<Outcome> = {},
  ): Promise<Outcome> {
    const { begun } = this;
    const { claim, serviceTier } = this.#request;
    const usage = serviceTier === undefined ? used : { ...used, serviceTier };
    const { keep, measured = NOTHING_MEASURED, mayWait = false } = options;
    clearTimeout(this.#timer);
    settleLimits(this.#deps.limits, this.#admission, usage);
    const capture = this.calls.captureRequest(usage, measured);
    const { priceRule } = capture.call;
    const outcomeAt = (cost: bigint) => outcomeOf({ ...begun, cost: nanoAmount(cost), priceRule, usage });
    const captured = await this.#deps.ledger.capture({
      ...capture,
      mayWait,
      ...(claim ? { claim } : {}),
      ...(claim && keep
        ? { answer: (charged: bigint) => keep.answer(outcomeAt(charged)), answerBytes: keep.bytes }
        : {}),
    });
    if (captured.kind === 'hold-released' || captured.kind === 'claim-lost') {
      throw new AppError('unavailable', 'the call took longer than its hold; it was not charged', {
        retryAfterSeconds: 1,
      });
    }
    return outcomeAt(captured.charged);
  }

  /** Returns the hold of a call that failed. Idempotent; a capture that was made before stays. */
  async release(error: unknown): Promise<void> {
    clearTimeout(this.#timer);
    settleLimits(this.#deps.limits, this.#admission);
    const { claim } = this.#request;
    const [uncalled] = this.plan.candidates;
    await this.#deps.ledger.release({
      ...this.calls.releaseRequest(failureOf(error), uncalled),
      ...(claim ? { claim } : {}),
    });
  }
}

/** As AbortSignal.timeout says it. */
function timeOver(): DOMException {
  return new DOMException('the call took too long', 'TimeoutError');
}

function identityOf({ caller, traceId, tags = {}, batchId = null }: ChargeRequest, requestId: string): CallIdentity {
  return {
    requestId,
    userId: caller.userId,
    accountId: caller.accountId,
    accessKeyId: caller.accessKeyId,
    budgeted: caller.budget !== null,
    traceId,
    tags,
    isAsync: false,
    batchId,
  };
}
