/** POST /v1/chat/completions. */
import type { Call } from '../call.ts';
import { composeAnswer } from '../chat/answer.ts';
import { checkChatRequest } from '../chat/check-request.ts';
import type { ChatDialect } from '../chat/dialect.ts';
import { refuse } from '../chat/refusals.ts';
import { replyChat } from '../chat/reply-chat.ts';
import type { ChatRequest } from '../chat/request.ts';
import { seededHex } from '../content/seeded-random.ts';
import { findOpenaiModel } from './models.ts';

export const OPENAI_CHAT: ChatDialect = {
  thinks: (_, model) => findOpenaiModel(model)?.thinks ?? false,
  limits: (request) => ({ total: request.max_completion_tokens ?? request.max_tokens ?? undefined, answer: undefined }),
  usage: (usage) => ({
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }),
  extraFields: { service_tier: 'default', system_fingerprint: 'fp_simulator' },
  everyDelta: {},
  finalDelta: {},
  usageOnChunks: 'null-if-asked',
  completionId: (seed) => `chatcmpl-${seededHex(seed, 29)}`,
};

const THINKS_WITH_TOOLS_ELSEWHERE = /^gpt-(5\.[4-9]|6)/;

function thinks({ reasoning_effort: effort }: ChatRequest): boolean {
  return effort != null && effort !== 'none';
}

export async function answerChat(call: Call): Promise<void> {
  const model = findOpenaiModel(call.model);
  if (call.body.model === undefined) {
    throw call.vendor.error('bad_request', 'you must provide a model parameter', 'model');
  }
  if (model === undefined) {
    const text = `The model '${call.model}' does not exist or you do not have access to it.`;
    throw call.vendor.error('model_not_found', text);
  }
  if (model.kind !== 'chat') {
    throw call.vendor.error(
      'bad_request',
      'This is not a chat model and thus not supported in the v1/chat/completions endpoint.',
      'model',
    );
  }
  if (model.onlyResponses) {
    const text = 'This model is only supported in v1/responses and not in v1/chat/completions.';
    throw call.vendor.error('model_not_found', text, 'model');
  }
  const request = checkChatRequest(call.body, model, call.vendor);
  if (THINKS_WITH_TOOLS_ELSEWHERE.test(call.model) && request.tools?.length && thinks(request)) {
    const text = `Function tools with reasoning_effort are not supported for ${call.model} in /v1/chat/completions. Please use /v1/responses instead.`;
    throw call.vendor.error('bad_request', text, 'reasoning_effort');
  }
  if (model.refusals) refuse(request, model.refusals, call.vendor);
  const answer = composeAnswer(request, call.model, OPENAI_CHAT, call.faults);
  if (answer.usage.promptTokens > model.contextTokens) {
    const text = `This model's maximum context length is ${model.contextTokens} tokens. However, your messages resulted in ${answer.usage.promptTokens} tokens. Please reduce the length of the messages.`;
    throw call.vendor.error('context_exceeded', text, 'messages');
  }
  await replyChat(call, request, answer, OPENAI_CHAT);
}
