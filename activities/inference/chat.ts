/** Synchronous chat: plan, hold, call, capture. The caller is answered after the capture's COMMIT; errors are free. */
import type { Logger } from 'pino';
import { AppError } from '../../infra/errors.ts';
import type { Ledger } from '../billing/ledger.ts';
import type { StoredAnswer } from '../billing/operations/claim.ts';
import type { KeyPool } from '../keys/key-pool.ts';
import { runAttempts } from './attempts.ts';
import { type Begun, beginChat, type ChatRequest } from './begin-chat.ts';
import { upstreamBody, usageOf } from './chat-call.ts';
import type { CallContext } from './context.ts';
import type { ModelSource } from './model.ts';
import type { Candidate } from './plan.ts';
import type { ChatAdapter, ChatAnswer, ChatBody, ProviderKind, UpstreamTarget } from './providers/provider.ts';
import type { RetryBudget } from './retry-budget.ts';
import { captureOf, releaseOf } from './settlement.ts';

/** What every way of calling a model is made of. */
export interface InferenceParts {
  readonly ledger: Ledger;
  readonly models: ModelSource;
  readonly keys: KeyPool;
  readonly retries: RetryBudget;
  readonly chatAdapters: Readonly<Record<ProviderKind, ChatAdapter>>;
  readonly log: Logger;
}

export interface ChatCommand extends ChatRequest {
  /** How the answer of a keyed request is kept. */
  readonly keep?: (outcome: ChatOutcome) => StoredAnswer;
}

/** An answered and charged call; `cost` in nano-units. */
export interface ChatOutcome {
  readonly requestId: string;
  readonly completion: Readonly<Record<string, unknown>>;
  readonly modelIdentifier: string;
  readonly providerName: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cost: bigint;
  readonly attempts: number;
  /** The output limit the call was clamped to, when it was. */
  readonly clampedTo: number | undefined;
}

export type ChatReply =
  | { readonly kind: 'answered-now'; readonly outcome: ChatOutcome }
  | { readonly kind: 'answered-before'; readonly answer: StoredAnswer };

/** A hold of a call in a living process is swept this long after the call's own deadline. */
export const HOLD_LIFE_MARGIN_MS = 60_000;

export class ChatService {
  readonly #parts: InferenceParts;
  readonly #totalTimeoutMs: number;

  constructor(parts: InferenceParts, totalTimeoutMs: number) {
    this.#parts = parts;
    this.#totalTimeoutMs = totalTimeoutMs;
  }

  /**
   * One chat, charged once.
   * @throws {AppError} what the caller may be told: no such model, no balance, the provider's refusal, a time-out.
   */
  async complete(command: ChatCommand, context: CallContext): Promise<ChatReply> {
    const { ledger, models } = this.#parts;
    const lifeMs = this.#totalTimeoutMs + HOLD_LIFE_MARGIN_MS;
    const begun = await beginChat(ledger, models, command, context.requestId, lifeMs);
    if (begun.kind === 'answered-before') return begun;
    return { kind: 'answered-now', outcome: await this.#callAndSettle(command, begun, context) };
  }

  async #callAndSettle(
    command: ChatCommand,
    { plan, identity, startedAtMs }: Extract<Begun, { kind: 'held' }>,
    context: CallContext,
  ): Promise<ChatOutcome> {
    const { ledger } = this.#parts;
    let called: { candidate: Candidate; keyId: number; count: number } | undefined;
    try {
      const { value, candidate, key, attempts } = await runAttempts({
        candidates: plan.candidates,
        pool: this.#parts.keys,
        budget: this.#parts.retries,
        signal: context.signal,
        log: context.log,
        call: (target) => {
          called = { candidate: target.candidate, keyId: target.key.id, count: (called?.count ?? 0) + 1 };
          return this.#call(target.candidate, target.key.apiKey, command.body, context);
        },
      });
      const usage = usageOf(command.body, value);
      const outcomeAt = (cost: bigint): ChatOutcome => ({
        requestId: identity.requestId,
        completion: value.completion,
        modelIdentifier: candidate.modelIdentifier,
        providerName: candidate.providerName,
        promptTokens: usage.promptTokens,
        completionTokens: usage.completionTokens,
        cost,
        attempts,
        clampedTo: plan.clamped ? candidate.maxTokens : undefined,
      });
      const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: null };
      const captured = await ledger.capture({
        ...captureOf(identity, candidate, usage, timing, { attempts, providerKeyId: key.id }),
        ...keptAnswer(command, outcomeAt),
      });
      if (captured.kind === 'hold-released' || captured.kind === 'claim-lost') throw lateAnswer();
      return outcomeAt(captured.charged);
    } catch (error) {
      const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: null };
      const attempted = { attempts: called?.count ?? 0, providerKeyId: called?.keyId ?? null };
      const served = called?.candidate ?? plan.candidates[0];
      await ledger.release({
        ...releaseOf(identity, served, timing, attempted, error instanceof AppError ? error.code : 500),
        ...(command.claim ? { claim: command.claim } : {}),
      });
      throw error;
    }
  }

  #call(candidate: Candidate, apiKey: string, body: ChatBody, context: CallContext): Promise<ChatAnswer> {
    const adapter = this.#parts.chatAdapters[candidate.kind];
    return adapter.complete(targetOf(candidate, apiKey), upstreamBody(body, candidate), context);
  }
}

/** Where a candidate is called with a key. */
export function targetOf(candidate: Candidate, apiKey: string): UpstreamTarget {
  return { kind: candidate.kind, urlBase: candidate.urlBase, apiKey, model: candidate.upstreamModel };
}

function keptAnswer({ claim, keep }: ChatCommand, outcomeAt: (cost: bigint) => ChatOutcome) {
  if (!claim || !keep) return {};
  return {
    claim,
    answer: (charged: bigint) => keep(outcomeAt(charged)),
    answerBytes: JSON.stringify(outcomeAt(0n).completion).length,
  };
}

/** The process was taken for dead, or another one answers the key by now: this answer must not be given for free. */
export function lateAnswer(): AppError {
  return new AppError('unavailable', 'the call took longer than its hold; it was not charged', {
    retryAfterSeconds: 1,
  });
}
