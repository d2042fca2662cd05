/** The gateway's own chat answer (`data` of POST /v1/chat and `resultPayload` of a chat job). Pure. */

import type { Said } from '../../core/conversations/turn.ts';
import { moneyJson } from '../../core/ledger/money.ts';
import { answerTexts, reasoningTexts } from './chat-call.ts';

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
