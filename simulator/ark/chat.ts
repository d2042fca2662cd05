/** POST /api/v3/chat/completions. */
import type { Call } from '../call.ts';
import { composeAnswer } from '../chat/answer.ts';
import { checkChatRequest } from '../chat/check-request.ts';
import type { ChatDialect } from '../chat/dialect.ts';
import { refuse } from '../chat/refusals.ts';
import { replyChat } from '../chat/reply-chat.ts';
import { findChatModel } from './models.ts';

/** Of the answer alone, when the request sets no bound. */
const DEFAULT_MAX_TOKENS = 4_096;

const THINKERS_REFUSE = ['logprobs', 'logit_bias', 'stop', 'presence_penalty', 'frequency_penalty'];

const ARK_CHAT: ChatDialect = {
  thinks: (request, model) =>
    findChatModel(model)?.thinks === true &&
    request.thinking?.type !== 'disabled' &&
    request.reasoning_effort !== 'minimal',
  limits: (request) => {
    const total = request.max_completion_tokens ?? undefined;
    return { total, answer: total === undefined ? (request.max_tokens ?? DEFAULT_MAX_TOKENS) : undefined };
  },
  usage: (usage) => ({
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }),
  extraFields: { service_tier: 'default' },
  everyDelta: { role: 'assistant' },
  finalDelta: { role: 'assistant', content: '' },
  usageOnChunks: 'cumulative-if-asked',
  completionId: (seed) => `02${Date.now()}${seed.toString(16)}`,
};

export async function answerChat(call: Call): Promise<void> {
  const { vendor } = call;
  const model = findChatModel(call.model);
  if (model === undefined) {
    const text = `The model or endpoint ${call.model} does not exist or you do not have access to it.`;
    throw vendor.error('model_not_found', text);
  }
  // `n` is not one of Ark's parameters: there is one choice whatever it says.
  const request = { ...checkChatRequest(call.body, model, vendor), n: 1 };
  refuse(request, { developerRole: true, fields: model.thinks ? THINKERS_REFUSE : [] }, vendor);
  const answer = composeAnswer(request, call.model, ARK_CHAT, call.faults);
  if (answer.usage.promptTokens > model.contextTokens) throw vendor.error('context_exceeded');
  await replyChat(call, request, answer, ARK_CHAT);
}
