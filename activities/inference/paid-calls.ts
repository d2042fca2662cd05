/** The provider calls that one hold pays for: made, counted, and put into what the ledger is to write. */
import type { Affinity, KeyPool, PickedKey } from '../../core/key-pool/key-pool.ts';
import type { Usage } from '../../core/ledger/money.ts';
import type { Capture } from '../../core/ledger/operations/capture.ts';
import type { Release } from '../../core/ledger/operations/close-hold.ts';
import type { NativeAdapter, NativeRequest } from '../../core/providers/native.ts';
import type { CallContext, ChatBody } from '../../core/providers/provider.ts';
import { type CallOutput, type RetryBudget, runAttempts } from './attempts.ts';
import { type CandidateRequest, type NoteFits, nativeRequestFor, requestFor } from './fit.ts';
import type { Candidate } from './plan.ts';
import {
  type Attempted,
  type CallFailure,
  type CallIdentity,
  captureOf,
  type Measured,
  NOTHING_MEASURED,
  releaseOf,
  type ServedBy,
  type Timing,
} from './settlement.ts';
import type { NotePriceRule } from './usage.ts';

/** Who was called last, and how many calls were made. */
export interface LastCall {
  readonly candidate: Candidate;
  readonly key: PickedKey;
  readonly count: number;
}

export interface CallOptions {
  readonly output: CallOutput;
  /** The answer is a stream that may still break: the caller reports its key when it has ended. */
  readonly streamed?: boolean;
  /** Of the conversation (affinityOf). */
  readonly affinity?: Affinity | undefined;
  /** Runs before each call; the call is not made when it throws. */
  readonly beforeCall?: (candidate: Candidate, keyId: number) => Promise<void>;
}

export interface PaidCallDeps {
  readonly keys: KeyPool;
  readonly retries: RetryBudget;
  readonly noteFits: NoteFits;
  readonly notePriceRule: NotePriceRule;
}

/** Writes nothing itself: a job's charge is written together with the job's row. */
export class PaidCalls {
  readonly startedAtMs: number;
  readonly #deps: PaidCallDeps;
  readonly #identity: CallIdentity;
  #last: LastCall | undefined;
  #answered = false;
  #sent: CandidateRequest | undefined;

  constructor(deps: PaidCallDeps, identity: CallIdentity, startedAtMs = Date.now()) {
    this.#deps = deps;
    this.#identity = identity;
    this.startedAtMs = startedAtMs;
  }

  get last(): LastCall | undefined {
    return this.#last;
  }

  /** Who serves the call. @throws before a provider has answered. */
  get served(): LastCall {
    if (this.#last === undefined || !this.#answered) throw new Error('no provider has answered yet');
    return this.#last;
  }

  /** The chat request of the last call; undefined for images. */
  get sent(): CandidateRequest | undefined {
    return this.#sent;
  }

  /** A chat as this candidate is asked it. @throws {AppError} as `requestFor`. */
  fitted(candidate: Candidate, body: ChatBody, answer: 'whole' | 'streamed', translated = false): ChatBody {
    this.#sent = requestFor(candidate, body, { streamed: answer === 'streamed', translated });
    this.#deps.noteFits(candidate, this.#sent.fits);
    return this.#sent.body;
  }

  /** The same in the client's own form. */
  fittedNative(candidate: Candidate, chat: ChatBody, native: NativeRequest, adapter: NativeAdapter): NativeRequest {
    const { request, sent } = nativeRequestFor(candidate, chat, native, adapter);
    this.#sent = sent;
    this.#deps.noteFits(candidate, sent.fits);
    return request;
  }

  /**
   * Calls the candidates' providers until one answers.
   * @throws {AppError} as the caller gets it; {UpstreamFailure} `cancelled` when it has left; what `beforeCall` throws.
   */
  async attempts<Answer>(
    candidates: readonly Candidate[],
    { beforeCall, ...options }: CallOptions,
    { signal, log }: Pick<CallContext, 'signal' | 'log'>,
    call: (candidate: Candidate, apiKey: string) => Promise<Answer>,
  ): Promise<Answer> {
    const { keys: pool, retries: budget } = this.#deps;
    const { value } = await runAttempts({
      ...options,
      candidates,
      pool,
      budget,
      signal,
      log,
      call: async ({ candidate, key }) => {
        if (beforeCall) await beforeCall(candidate, key.id);
        this.#last = { candidate, key, count: (this.#last?.count ?? 0) + 1 };
        return call(candidate, key.apiKey);
      },
    });
    this.#answered = true;
    return value;
  }

  /** The answer is that of a call which an earlier process made, and counted. */
  answeredBy(candidate: Candidate, key: PickedKey): void {
    this.#last = { candidate, key, count: 1 };
  }

  /** What the ledger writes for an answer of who was called last. @throws before the first call. */
  captureRequest(usage: Usage, measured: Measured): Capture {
    if (this.#last === undefined) throw new Error('no provider was called');
    const { candidate } = this.#last;
    const capture = captureOf(this.#identity, candidate, usage, this.#timing(measured), this.#attempted);
    this.#deps.notePriceRule(candidate, capture.call.priceRule);
    return capture;
  }

  /** What the ledger writes for a call that failed. @param uncalled the model that it is counted to when none was called. */
  releaseRequest(failure: CallFailure, uncalled?: ServedBy): Release {
    const served = this.#last?.candidate ?? uncalled;
    return releaseOf(this.#identity, served, this.#timing(NOTHING_MEASURED), this.#attempted, failure);
  }

  get #attempted(): Attempted {
    const { count = 0, key } = this.#last ?? {};
    return { attempts: count, providerKeyId: key?.id ?? null, fits: this.#sent?.fits ?? [] };
  }

  #timing(measured: Measured): Timing {
    return { startedAtMs: this.startedAtMs, endedAtMs: Date.now(), ...measured };
  }
}
