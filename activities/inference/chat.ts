/**
 * Synchronous chat: plan, then one charge around the call. The caller is answered after the capture's COMMIT. Below: the
 * texts of a provider's answer, and the gateway's own form of it.
 */
import type { Said } from '../../core/conversations/turn.ts';
import { moneyJson } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { CallContext } from '../../core/providers/provider.ts';
import { isJsonObject, type JsonObject as Json } from '../../infra/json-object.ts';
import { type CallOutcome, type InferenceDeps, openCharge, type Reply, targetOf } from './charge.ts';
import { planChat } from './plan.ts';
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
   * @throws {AppError} what the caller may be told: no such model, no balance, the provider's refusal, a time-out.
   */
  async complete(command: ChatCommand, context: CallContext): Promise<Reply<ChatOutcome>> {
    const { models, requestImages, chatAdapters, noteUsageDoubt } = this.#deps;
    const { models: candidates, asked } = candidatesOf(models, command);
    const plan = planChat(candidates, asked);
    const charge = await openCharge(this.#deps, command, plan, asked, context.requestId);
    if (charge.kind === 'answered-before') return charge;
    return charge.orRelease(async () => {
      const hasImages = asked.size.images > 0;
      const body = hasImages ? await requestImages.ofChat(command.body, context.signal) : command.body;
      const answer = await charge.attempts({ output: 'text' }, context, (candidate, apiKey) =>
        chatAdapters[candidate.kind].complete(targetOf(candidate, apiKey), charge.fitted(candidate, body), context),
      );
      const { completion } = answer;
      const delivered = { usage: answer.usage, texts: deliveredTexts(completion) };
      const usage = usageOf(command.body, delivered, charge.served.candidate, noteUsageDoubt);
      const { promptTokens, completionTokens } = usage;
      const outcome = await charge.capture(usage, (told) => ({ ...told, completion, promptTokens, completionTokens }), {
        // Only a keyed answer is kept, so only then its length is of interest.
        keep: command.claim && command.keep && { answer: command.keep, bytes: JSON.stringify(completion).length },
      });
      return { kind: 'answered-now', outcome };
    });
  }
}

/** The text of all choices, for answers in the gateway's own form. */
export function answerTexts(completion: Json): string[] {
  return messagesOf(completion).map(({ content }) => textOf(content));
}

/** What a thinking model said to itself, of all choices, by either of the names it goes by. */
function reasoningTexts(completion: Json): string[] {
  return messagesOf(completion).map(
    ({ reasoning_content: content, reasoning }) => textOf(content) || textOf(reasoning),
  );
}

/** Everything that was delivered as text, for counting. */
export function deliveredTexts(completion: Json): string[] {
  const others = messagesOf(completion).flatMap(({ content, refusal, tool_calls: calls, function_call: call }) => [
    typeof content === 'string' ? content : textOfAll(content),
    textOf(refusal),
    textOfAll(calls),
    textOfAll(call),
  ]);
  return [...others, ...reasoningTexts(completion)];
}

function messagesOf(completion: Json): Json[] {
  const choices = Array.isArray(completion.choices) ? completion.choices : [];
  return choices.map((choice) => (isJsonObject(choice) && isJsonObject(choice.message) ? choice.message : {}));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textOfAll(value: unknown): string {
  const isNothing = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  return isNothing ? '' : JSON.stringify(value);
}

export interface ChatReplySource {
  readonly requestId: string;
  readonly completion: Readonly<Record<string, unknown>>;
  readonly modelIdentifier: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cost: bigint;
}

/** Where the answer is kept. */
export interface KeptAs {
  readonly conversationId: string;
  readonly messageId: string;
}

export function chatReply(source: ChatReplySource, keptAs?: KeptAs) {
  const reasoning = reasoningTexts(source.completion)[0] ?? '';
  return {
    assistantMessage: answerTexts(source.completion)[0] ?? '',
    ...(reasoning === '' ? {} : { reasoningContent: reasoning }),
    usedModelIdentifier: source.modelIdentifier,
    inputTokensCount: source.promptTokens,
    outputTokensCount: source.completionTokens,
    cost: moneyJson(source.cost),
    ...keptAs,
    requestId: source.requestId,
  };
}

/** The first choice of an answer as a conversation keeps it. */
export function saidOf(source: Omit<ChatReplySource, 'requestId'>): Said {
  const { completion, modelIdentifier, promptTokens, completionTokens, cost } = source;
  const reasoningContent = reasoningTexts(completion)[0] || undefined;
  return {
    content: answerTexts(completion)[0] ?? '',
    reasoningContent,
    modelIdentifier,
    promptTokens,
    completionTokens,
    cost,
  };
}
