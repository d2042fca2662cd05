/**
 * Synchronous chat: plan, then one charge around the call. The caller is answered after the capture's COMMIT. Below: the
 * texts of a provider's answer, and the gateway's own form of it.
 */

import type { Said } from '../../core/conversations/turn.ts';
import { moneyJson, type Usage } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import { requireAnswer } from '../../core/providers/completion.ts';
import { finishReasonIn } from '../../core/providers/finish-reasons.ts';
import { listIn, reasoningIn, textIn, textsOf } from '../../core/providers/message.ts';
import type { CallContext, ChatAnswer, ChatBody } from '../../core/providers/provider.ts';
import { HeldByRequest } from '../../infra/held-bytes.ts';
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
import { inClientPaths } from './client-paths.ts';
import { withKeptFiles } from './kept-files.ts';
import { isTranslated, nativeWay } from './native.ts';
import type { PaidCalls } from './paid-calls.ts';
import { type Candidate, planChat, promptSize } from './plan.ts';
import { type ChatRequest, candidatesOf } from './routing.ts';
import { usageOf } from './usage.ts';

export interface ChatCommand extends ChatRequest {
  /** How the answer of a keyed request is kept. */
  readonly keep?: (outcome: ChatOutcome) => StoredAnswer;
}

export interface ChatOutcome extends CallOutcome {
  readonly completion: Readonly<Record<string, unknown>>;
  /** The answer in the client's own form, as the provider wrote it, where it was asked in that. */
  readonly native: string | undefined;
  /** What was charged. */
  readonly usage: Usage;
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
    const { models, findKeptTexts, requestImages, readKeptFile, noteUsageDoubt } = this.#deps;
    const texts = await findKeptTexts(command, command.caller.userId);
    const { models: candidates, asked } = candidatesOf(models, { ...command, texts });
    const plan = planChat(candidates, asked);
    const charge = await openCharge(this.#deps, command, plan, asked, request.requestId);
    if (charge.kind === 'answered-before') return charge;
    const context = { ...request, signal: charge.deadline };
    const { userId } = command.caller;
    const room = new HeldByRequest(this.#deps.held, userId);
    try {
      const read = await withKeptFiles(command, readKeptFile, { userId, room });
      const inChat = await chatOnce(read, () => requestImages.ofChat(read.body, context.signal, room));
      const how = { output: 'text', affinity: () => affinityOf(command) } as const;
      const { calls } = charge;
      const answer = await calls.attempts(charge.plan.candidates, how, context, (candidate, apiKey) =>
        this.#answer(candidate, apiKey, { command: read, calls, inChat, context }),
      );
      const { completion, native } = answer;
      const delivered = { usage: answer.usage, texts: deliveredTexts(completion) };
      const usage = usageOf(read.body, delivered, calls.served.candidate, noteUsageDoubt, asked.size);
      const { promptTokens, completionTokens } = usage;
      const said = { completion, native, usage, promptTokens, completionTokens };
      const outcome = await charge.capture(usage, (call): ChatOutcome => ({ ...call, ...said }), {
        // Only a keyed answer is kept, so only then its length is of interest.
        keep: command.claim && command.keep && { answer: command.keep, bytes: JSON.stringify(completion).length },
      });
      return { kind: 'answered-now', outcome };
    } catch (error) {
      await charge.release(error);
      throw error;
    } finally {
      room.giveBack();
    }
  }

  /** @throws {UpstreamFailure} also for what is no answer (requireAnswer). */
  async #answer(candidate: Candidate, apiKey: string, asking: Asking): Promise<ChatAnswer> {
    const { chatAdapters, nativeAdapters } = this.#deps;
    const { command, calls, inChat, context } = asking;
    const target = targetOf(candidate, apiKey);
    const way = nativeWay(nativeAdapters, candidate, command.native, 'whole');
    if (way && command.native) {
      const request = calls.fittedNative(candidate, command.body, command.native, way);
      const answer = await way.complete(target, request, context);
      requireAnswer(answer.completion, command.body);
      return answer;
    }
    try {
      const body = calls.fitted(candidate, await inChat(), 'whole', isTranslated(command));
      const answer = await chatAdapters[candidate.kind].complete(target, body, context);
      requireAnswer(answer.completion, body);
      return answer;
    } catch (error) {
      throw inClientPaths(error, command.native?.paths);
    }
  }
}

/** One call as its attempts make it. */
export interface Asking {
  readonly command: ChatRequest;
  readonly calls: PaidCalls;
  /** The chat with its images fetched. */
  readonly inChat: () => Promise<ChatBody>;
  readonly context: CallContext;
}

/** Images are fetched before the first attempt; for a request that may be passed on as it is, once one needs them. */
export async function chatOnce(
  { body, native }: ChatRequest,
  fetchImages: () => Promise<ChatBody>,
): Promise<() => Promise<ChatBody>> {
  if (promptSize(body).images === 0) return async () => body;
  let fetched: Promise<ChatBody> | undefined;
  const once = () => {
    fetched ??= fetchImages();
    return fetched;
  };
  if (native === undefined) await once();
  return once;
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
