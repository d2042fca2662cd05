/** Synchronous chat: plan, hold, call, capture. The caller is answered after the capture's COMMIT; errors are free. */
import type { Logger } from 'pino';
import { AppError } from '../../infra/errors.ts';
import type { AccessKeyCaller } from '../accounts/caller.ts';
import type { Ledger } from '../billing/ledger.ts';
import type { ClaimRequest, StoredAnswer } from '../billing/operations/claim.ts';
import type { KeyPool } from '../keys/key-pool.ts';
import { runAttempts } from './attempts.ts';
import { upstreamBody, usageOf } from './chat-call.ts';
import type { CallContext } from './context.ts';
import type { Capability, ModelSource, PricedModel } from './model.ts';
import { type Asked, type Candidate, planChat } from './plan.ts';
import { promptSize } from './prompt-size.ts';
import type { ChatAdapter, ChatAnswer, ChatBody, ProviderKind } from './providers/provider.ts';
import { holdOf, reserve } from './reservation.ts';
import type { RetryBudget } from './retry-budget.ts';
import { type CallIdentity, captureOf, releaseOf } from './settlement.ts';

/** What every way of calling a model is made of. */
export interface InferenceParts {
  readonly ledger: Ledger;
  readonly models: ModelSource;
  readonly keys: KeyPool;
  readonly retries: RetryBudget;
  readonly chatAdapters: Readonly<Record<ProviderKind, ChatAdapter>>;
  readonly log: Logger;
}

export interface ModelName {
  readonly id?: number;
  readonly identifier?: string;
}

export interface ChatCommand {
  readonly caller: AccessKeyCaller;
  readonly model: ModelName;
  readonly body: ChatBody;
  readonly traceId: string;
  /** A keyed request, and how its answer is kept. */
  readonly keyed?: { readonly claim: ClaimRequest; readonly answer: (outcome: ChatOutcome) => StoredAnswer };
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

/** A hold of a call in a living process is swept after this, whatever became of the call. */
const HOLD_LIFE_MARGIN_MS = 60_000;

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
    const { ledger } = this.#parts;
    const startedAtMs = Date.now();
    const { models, asked } = chatRequest(this.#parts.models, command);
    const day = ledger.day(startedAtMs);
    const reservation = await reserve(ledger, command.caller, planChat(models, asked), asked, (plan) =>
      ledger.hold({
        ...holdOf(command.caller, plan, day),
        id: context.requestId,
        owner: 'call',
        lifeMs: this.#totalTimeoutMs + HOLD_LIFE_MARGIN_MS,
        ...(command.keyed ? { claim: command.keyed.claim } : {}),
      }),
    );
    if (reservation.kind === 'answered') return { kind: 'answered-before', answer: reservation.answer };
    const identity = identityOf(command, context.requestId, day);
    return this.#callAndSettle(command, reservation.plan, identity, startedAtMs, context);
  }

  async #callAndSettle(
    command: ChatCommand,
    plan: { candidates: readonly Candidate[]; clamped: boolean },
    identity: CallIdentity,
    startedAtMs: number,
    context: CallContext,
  ): Promise<ChatReply> {
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
      const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: null };
      const usage = usageOf(command.body, value);
      const attempted = { attempts, providerKeyId: key.id };
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
      const charged = await ledger.capture({
        ...captureOf(identity, candidate, usage, timing, attempted),
        ...keyedAnswer(command, outcomeAt),
      });
      if (charged.kind === 'hold-released' || charged.kind === 'claim-lost') throw lateAnswer();
      return { kind: 'answered-now', outcome: outcomeAt(charged.charged) };
    } catch (error) {
      const code = error instanceof AppError ? error.code : 500;
      const timing = { startedAtMs, endedAtMs: Date.now(), ttftMs: null };
      const attempted = { attempts: called?.count ?? 0, providerKeyId: called?.keyId ?? null };
      await ledger.release({
        ...releaseOf(identity, called?.candidate ?? plan.candidates[0], timing, attempted, code),
        ...(command.keyed ? { claim: command.keyed.claim } : {}),
      });
      throw error;
    }
  }

  #call(candidate: Candidate, apiKey: string, body: ChatBody, context: CallContext): Promise<ChatAnswer> {
    const target = {
      kind: candidate.kind,
      urlBase: candidate.urlBase,
      apiKey,
      model: candidate.upstreamModel,
    };
    return this.#parts.chatAdapters[candidate.kind].complete(target, upstreamBody(body, candidate), context);
  }
}

function keyedAnswer(command: ChatCommand, outcomeAt: (cost: bigint) => ChatOutcome) {
  const { keyed } = command;
  if (!keyed) return {};
  return {
    claim: keyed.claim,
    answer: (charged: bigint) => keyed.answer(outcomeAt(charged)),
    answerBytes: JSON.stringify(outcomeAt(0n).completion).length,
  };
}

/** The process was taken for dead, or another one answers the key by now: this answer must not be given for free. */
function lateAnswer(): AppError {
  return new AppError('unavailable', 'the call took longer than its hold; it was not charged', {
    retryAfterSeconds: 1,
  });
}

function identityOf(command: ChatCommand, requestId: string, day: string): CallIdentity {
  return {
    requestId,
    userId: command.caller.userId,
    accountId: command.caller.accountId,
    accessKeyId: command.caller.accessKeyId,
    budgeted: command.caller.budget !== null,
    traceId: command.traceId,
    isAsync: false,
    day,
  };
}

/** The models that may serve a chat and what it asks for. @throws {AppError} when no model may. */
export function chatRequest(
  source: ModelSource,
  command: Pick<ChatCommand, 'caller' | 'model' | 'body'>,
): { models: readonly PricedModel[]; asked: Asked } {
  const size = promptSize(command.body);
  const capability: Capability = size.images > 0 ? 'image-to-text' : 'text-to-text';
  const named = command.model.id !== undefined || command.model.identifier !== undefined;
  const models = named ? [source.named(command.model, capability)] : source.capable(capability);
  const allowed = command.caller.allowedModels;
  const usable = allowed === null ? models : models.filter((model) => allowed.includes(model.modelIdentifier));
  if (usable.length === 0) {
    throw models.length === 0
      ? new AppError('modelOffline', `no model for ${capability} is online`)
      : new AppError('forbidden', 'this access key may not use the model');
  }
  return { models: usable, asked: { size, ...limitsOf(command.body) } };
}

function limitsOf(body: ChatBody): { maxTokens: number | undefined; choices: number } {
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return {
    maxTokens: typeof limit === 'number' ? limit : undefined,
    choices: typeof body.n === 'number' ? body.n : 1,
  };
}
