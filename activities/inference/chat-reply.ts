/** The gateway's own chat answer (`data` of POST /v1/chat and `resultPayload` of a chat job). Pure. */
import { moneyJson } from '../billing/money.ts';
import { answerTexts } from './chat-call.ts';

export interface ChatReplySource {
  readonly requestId: string;
  readonly completion: Readonly<Record<string, unknown>>;
  readonly modelIdentifier: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cost: bigint;
}

export function chatReply(source: ChatReplySource) {
  return {
    assistantMessage: answerTexts(source.completion)[0] ?? '',
    usedModelIdentifier: source.modelIdentifier,
    inputTokensCount: source.promptTokens,
    outputTokensCount: source.completionTokens,
    cost: moneyJson(source.cost),
    requestId: source.requestId,
  };
}
