/**
 * Synchronous chat: plan, then one charge around the call. The caller is answered after the capture's COMMIT. Below: the
 * texts of a provider's answer, and the gateway's own form of it.
 */
import type { Said } from '../../core/conversations/turn.ts';
import { moneyJson } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import { nothingSaid } from '../../core/providers/failure.ts';
import {
  completionSays,
  finishReasonIn,
  finishReasonsOf,
  listIn,
  reasoningIn,
  textIn,
  textsOf,
} from '../../core/providers/message.ts';
import type { CallContext, ChatAnswer, ChatBody } from '../../core/providers/provider.ts';
import { isJsonObject, type JsonObject as Json } from '../../infra/json-object.ts';
import { affinityOf } from './affinity.ts';
import {
  type CallOutcome,
  type InferenceDeps,
  openCharge,
  type Reply,
  type RequestContext,
  targetOf,
} from './charge.ts';
import { type Candidate, planChat } from './plan.ts';
import { type ChatRequest, candidatesOf } from './routing.ts';
import { usageOf } from './usage.ts';

export interface ChatCommand extends ChatRequest {
  /** How the answer of a keyed request is kept. */
  readonly keep?: (outcome: ChatOutcome) => StoredAnswer;
}

export interface ChatOutcome extends CallOutcome {
  readonly completion: Readonly<Record<string, unknown>>;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export class ChatService {
  readonly #deps: InferenceDeps;

  constructor(deps: InferenceDeps) {
    this.#deps = deps;
  }

  /**
   * One chat, charged once.
   * @throws {AppError} what the caller may know: no such model, no balance, the provider's refusal, a time-out.
   */
  async complete(command: ChatCommand, request: RequestContext): Promise<Reply<ChatOutcome>> {
    const { models, requestImages, noteUsageDoubt } = this.#deps;
    const { models: candidates, asked } = candidatesOf(models, command);
    const plan = planChat(candidates, asked);
    const charge = await openCharge(this.#deps, command, plan, asked, request.requestId);
    if (charge.kind === 'answered-before') return charge;
    const context = { ...request, signal: charge.deadline };
    try {
      const hasImages = asked.size.images > 0;
      const body = hasImages ? await requestImages.ofChat(command.body, context.signal) : command.body;
      const how = { output: 'text', affinity: affinityOf(command) } as const;
      const { calls } = charge;
      const answer = await calls.attempts(charge.plan.candidates, how, context, (candidate, apiKey) =>
        this.#said(candidate, apiKey, calls.fitted(candidate, body, 'whole'), context),
      );
      const { completion } = answer;
      const delivered = { usage: answer.usage, texts: deliveredTexts(completion) };
      const usage = usageOf(command.body, delivered, calls.served.candidate, noteUsageDoubt);
      const { promptTokens, completionTokens } = usage;
      const outcome = await charge.capture(usage, (call) => ({ ...call, completion, promptTokens, completionTokens }), {
        // Only a keyed answer is kept, so only then its length is of interest.
        keep: command.claim && command.keep && { answer: command.keep, bytes: JSON.stringify(completion).length },
      });
      return { kind: 'answered-now', outcome };
    } catch (error) {
      await charge.release(error);
      throw error;
    }
  }

  /** @throws {UpstreamFailure} for an answer that says nothing: another key or model may say more. */
  async #said(candidate: Candidate, apiKey: string, body: ChatBody, context: CallContext): Promise<ChatAnswer> {
    const answer = await this.#deps.chatAdapters[candidate.kind].complete(targetOf(candidate, apiKey), body, context);
    if (!completionSays(answer.completion)) throw nothingSaid(finishReasonsOf(answer.completion));
    return answer;
  }
}

/** The text of all choices, for answers in the gateway's own form. */
export function answerTexts(completion: Json): string[] {
  return messagesOf(completion).map(({ content }) => textIn(content));
}

/** Everything that was delivered as text, for counting. */
export function deliveredTexts(completion: Json): string[] {
  return messagesOf(completion).flatMap(textsOf);
}

function messagesOf(completion: Json): Json[] {
  return choicesOf(completion).map(({ message }) => (isJsonObject(message) ? message : {}));
}

function choicesOf(completion: Json): Json[] {
  return listIn(completion.choices).filter(isJsonObject);
}

export interface ChatReplySource {
  readonly requestId: string;
  readonly completion: Readonly<Record<string, unknown>>;
  readonly modelIdentifier: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cost: bigint;
  readonly priceRule: string | null;
}

/** Where the answer is kept. */
export interface KeptAs {
  readonly conversationId: string;
  readonly messageId: string;
}

/** An answer in the gateway's own form: the text of the first choice, and whatever else came with it. */
export function chatReply(source: ChatReplySource, keptAs?: KeptAs) {
  const choices = choicesOf(source.completion);
  const [message = {}] = messagesOf(source.completion);
  const reasoning = reasoningIn(message);
  return {
    assistantMessage: textIn(message.content),
    ...(reasoning === '' ? {} : { reasoningContent: reasoning }),
    ...(textIn(message.refusal) === '' ? {} : { refusal: message.refusal }),
    ...withList('toolCalls', message.tool_calls),
    ...(isJsonObject(message.function_call) ? { functionCall: message.function_call } : {}),
    ...withList('contentParts', message.content_parts),
    ...withList('annotations', message.annotations),
    ...withList('images', message.images),
    ...(isJsonObject(message.audio) ? { audio: message.audio } : {}),
    finishReason: choices[0] ? (finishReasonIn(choices[0]) ?? null) : null,
    ...(choices.length > 1 ? { choices } : {}),
    usedModelIdentifier: source.modelIdentifier,
    inputTokensCount: source.promptTokens,
    outputTokensCount: source.completionTokens,
    cost: moneyJson(source.cost),
    ...(source.priceRule === null ? {} : { priceRule: source.priceRule }),
    ...keptAs,
    requestId: source.requestId,
  };
}

function withList<Name extends string>(name: Name, value: unknown): Partial<Record<Name, readonly unknown[]>> {
  const entries: Partial<Record<Name, readonly unknown[]>> = {};
  if (listIn(value).length > 0) entries[name] = listIn(value);
  return entries;
}

/** The first choice of an answer as a conversation keeps it. */
export function saidOf(source: Omit<ChatReplySource, 'requestId' | 'priceRule'>): Said {
  const { completion, modelIdentifier, promptTokens, completionTokens, cost } = source;
  const [message = {}] = messagesOf(completion);
  const reasoningContent = reasoningIn(message) || undefined;
  return {
    content: textIn(message.content),
    reasoningContent,
    modelIdentifier,
    promptTokens,
    completionTokens,
    cost,
  };
}
