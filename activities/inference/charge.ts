/**
 * A call that is paid for, from its first step to its last: limits → hold → attempts → capture | release. Errors are
 * never charged; a call is captured or released once, and its caller is answered after the COMMIT of either.
 */
import type { Logger } from 'pino';
import type { Admission, KeyLimits } from '../../core/accounts/key-limits.ts';
import type { ModelSource } from '../../core/catalog/model.ts';
import type { KeyPool, PickedKey } from '../../core/key-pool/key-pool.ts';
import type { Ledger } from '../../core/ledger/ledger.ts';
import { nanoAmount, type Usage } from '../../core/ledger/money.ts';
import type { ClaimRequest, StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { Fit } from '../../core/providers/fit.ts';
import type {
  CallContext,
  ChatAdapter,
  ChatBody,
  ImageAdapter,
  ProviderKind,
  UpstreamTarget,
} from '../../core/providers/provider.ts';
import { AppError } from '../../infra/errors.ts';
import { type CallOutput, type RetryBudget, runAttempts } from './attempts.ts';
import { type CandidateRequest, type NoteFits, requestFor } from './fit.ts';
import { holdOf, type LimitedRequest, reserve, settleLimits, underLimits } from './hold.ts';
import type { Asked, Candidate, Plan } from './plan.ts';
import type { RequestImages } from './request-images.ts';
import { type CallIdentity, captureOf, type Measured, NOTHING_MEASURED, releaseOf } from './settlement.ts';
import type { NoteUsageDoubt } from './usage.ts';

/** What every way of calling a model is made of. */
export interface InferenceDeps {
  readonly ledger: Ledger;
  readonly limits: KeyLimits;
  readonly models: ModelSource;
  readonly keys: KeyPool;
  readonly retries: RetryBudget;
  readonly chatAdapters: Readonly<Record<ProviderKind, ChatAdapter>>;
  readonly imageAdapters: Readonly<Record<ProviderKind, ImageAdapter>>;
  readonly requestImages: RequestImages;
  readonly noteUsageDoubt: NoteUsageDoubt;
  readonly noteFits: NoteFits;
  readonly log: Logger;
  /** The longest that a call may take in all, in milliseconds. */
  readonly totalTimeoutMs: number;
}

/** Where a candidate is called with a key. */
export function targetOf(candidate: Candidate, apiKey: string): UpstreamTarget {
  return { kind: candidate.kind, urlBase: candidate.urlBase, apiKey, model: candidate.upstreamModel };
}

export interface ChargeRequest extends LimitedRequest {
  readonly traceId: string;
  /** Of a request with an idempotency key. */
  readonly claim?: ClaimRequest;
}

/** What every answered call tells its caller; `cost` in nano-units. */
export interface CallOutcome {
  readonly requestId: string;
  readonly modelIdentifier: string;
  readonly providerName: string;
  readonly cost: bigint;
  readonly attempts: number;
  /** The output limit of the call, where it is not the one that the caller set. */
  readonly clampedTo: number | undefined;
  /** What was changed in the request for the model that served it. */
  readonly fits: readonly Fit[];
}

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

/** Who serves the call, once a provider has answered. */
interface Served {
  readonly candidate: Candidate;
  readonly key: PickedKey;
  readonly attempts: number;
}

/** A hold of a call in a living process is swept this long after the call's own deadline. */
const HOLD_LIFE_MARGIN_MS = 60_000;

type ChargeDeps = Pick<InferenceDeps, 'ledger' | 'limits' | 'keys' | 'retries' | 'noteFits' | 'totalTimeoutMs'>;

/**
 * Limits and hold. `requestId` is the id of the hold.
 * @param asked what the plan may be clamped by; undefined = all or nothing.
 * @throws {AppError} too many requests, no balance, a key in use, no database.
 */
export function openCharge(
  deps: ChargeDeps,
  request: ChargeRequest,
  plan: Plan,
  asked: Asked | undefined,
  requestId: string,
): Promise<Charge | AnsweredBefore> {
  const { ledger, limits, totalTimeoutMs } = deps;
  const { caller, claim } = request;
  const take = async (admission: Admission | undefined) => {
    const startedAtMs = Date.now();
    const day = ledger.day(startedAtMs);
    const reservation = await reserve(ledger, caller, plan, asked, (payable) =>
      ledger.hold({
        ...holdOf(caller, payable, day),
        id: requestId,
        owner: 'call',
        lifeMs: totalTimeoutMs + HOLD_LIFE_MARGIN_MS,
        ...(claim ? { claim } : {}),
      }),
    );
    if (reservation.kind === 'answered') return { kind: 'answered-before' as const, answer: reservation.answer };
    return new Charge(deps, request, reservation.plan, { requestId, startedAtMs, admission });
  };
  const entry = { id: requestId, tokens: plan.tokenBound };
  return underLimits(limits, request, entry, take, ({ kind }) => kind === 'open');
}

export class Charge {
  readonly kind = 'open';
  readonly plan: Plan;
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly #deps: ChargeDeps;
  readonly #request: ChargeRequest;
  readonly #admission: Admission | undefined;
  /** The last one that was called, and how many calls were made. */
  #called: { readonly candidate: Candidate; readonly keyId: number; readonly count: number } | undefined;
  #served: Served | undefined;
  /** The request of the last call, for chats. */
  #sent: CandidateRequest | undefined;

  constructor(
    deps: ChargeDeps,
    request: ChargeRequest,
    plan: Plan,
    opened: { requestId: string; startedAtMs: number; admission: Admission | undefined },
  ) {
    this.#deps = deps;
    this.#request = request;
    this.plan = plan;
    this.requestId = opened.requestId;
    this.startedAtMs = opened.startedAtMs;
    this.#admission = opened.admission;
  }

  /** Who serves the call. @throws before a provider has answered. */
  get served(): Served {
    if (this.#served === undefined) throw new Error('no provider has answered yet');
    return this.#served;
  }

  /** What the caller learns before the cost is known. */
  get told(): Omit<CallOutcome, 'cost'> {
    const { candidate, attempts } = this.served;
    return {
      requestId: this.requestId,
      modelIdentifier: candidate.modelIdentifier,
      providerName: candidate.providerName,
      attempts,
      clampedTo: this.#sent?.ownLimit,
      fits: this.#sent?.fits ?? [],
    };
  }

  /** A chat as this candidate is asked it; the answer tells what was changed. @throws {AppError} as `requestFor`. */
  fitted(candidate: Candidate, body: ChatBody, answer: 'whole' | 'streamed' = 'whole'): ChatBody {
    this.#sent = requestFor(candidate, body, answer === 'streamed');
    this.#deps.noteFits(candidate, this.#sent.fits);
    return this.#sent.body;
  }

  /**
   * Calls the candidates' providers until one answers.
   * @param options.streamed the answer is a stream that may still break: the caller reports its key when it has ended.
   * @throws {AppError} as the caller gets it; {UpstreamFailure} `cancelled` when it has left.
   */
  async attempts<Answer>(
    options: { readonly output: CallOutput; readonly streamed?: boolean },
    { signal, log }: Pick<CallContext, 'signal' | 'log'>,
    call: (candidate: Candidate, apiKey: string) => Promise<Answer>,
  ): Promise<Answer> {
    const { value, candidate, key, attempts } = await runAttempts({
      ...options,
      candidates: this.plan.candidates,
      pool: this.#deps.keys,
      budget: this.#deps.retries,
      signal,
      log,
      call: (target) => {
        const count = (this.#called?.count ?? 0) + 1;
        this.#called = { candidate: target.candidate, keyId: target.key.id, count };
        return call(target.candidate, target.key.apiKey);
      },
    });
    this.#served = { candidate, key, attempts };
    return value;
  }

  /**
   * Charges what was used. `outcomeOf` makes the caller's answer, which a keyed request keeps in the same transaction.
   * @throws {AppError} when the hold is gone: the process was taken for dead, or another one answers the key by now.
   */
  async capture<Outcome>(
    usage: Usage,
    outcomeOf: (told: CallOutcome) => Outcome,
    options: { readonly measured?: Measured; readonly keep?: Keep<Outcome> | undefined } = {},
  ): Promise<Outcome> {
    const { candidate, key, attempts } = this.served;
    const { claim } = this.#request;
    const { keep, measured = NOTHING_MEASURED } = options;
    settleLimits(this.#deps.limits, this.#admission, usage);
    const timing = { startedAtMs: this.startedAtMs, endedAtMs: Date.now(), ...measured };
    const outcomeAt = (cost: bigint) => outcomeOf({ ...this.told, cost: nanoAmount(cost) });
    const captured = await this.#deps.ledger.capture({
      ...captureOf(this.#identity(), candidate, usage, timing, { attempts, providerKeyId: key.id }),
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

  /** Gives the hold back. Idempotent, also after a capture, which stays. */
  async release(error: unknown): Promise<void> {
    settleLimits(this.#deps.limits, this.#admission);
    const { claim } = this.#request;
    const timing = { startedAtMs: this.startedAtMs, endedAtMs: Date.now(), ...NOTHING_MEASURED };
    const attempted = { attempts: this.#called?.count ?? 0, providerKeyId: this.#called?.keyId ?? null };
    const served = this.#called?.candidate ?? this.plan.candidates[0];
    const code = error instanceof AppError ? error.code : 500;
    await this.#deps.ledger.release({
      ...releaseOf(this.#identity(), served, timing, attempted, code),
      ...(claim ? { claim } : {}),
    });
  }

  /** Runs what follows the hold; where it fails the hold is given back, and what it threw is passed on. */
  async orRelease<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      await this.release(error);
      throw error;
    }
  }

  #identity(): CallIdentity {
    const { caller, traceId } = this.#request;
    return {
      requestId: this.requestId,
      userId: caller.userId,
      accountId: caller.accountId,
      accessKeyId: caller.accessKeyId,
      budgeted: caller.budget !== null,
      traceId,
      isAsync: false,
    };
  }
}
