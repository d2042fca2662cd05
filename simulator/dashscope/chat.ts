/** Chat in DashScope's OpenAI-compatible mode. */
import type { Call } from '../call.ts';
import { composeAnswer } from '../chat/answer.ts';
import { checkChatRequest } from '../chat/check-request.ts';
import type { ChatDialect } from '../chat/dialect.ts';
import { refuse } from '../chat/refusals.ts';
import { replyChat } from '../chat/reply-chat.ts';
import { seededHex } from '../content/seeded-random.ts';
import { findChatModel } from './chat-models.ts';

const DASHSCOPE_CHAT: ChatDialect = {
  thinks: (request, model) => {
    const known = findChatModel(model);
    if (known === undefined || known.thinking === 'never') return false;
    return known.thinking === 'always' || (request.enable_thinking ?? known.thinking === 'unless-off');
  },
  limits: (request) => ({ total: request.max_completion_tokens ?? undefined, answer: request.max_tokens ?? undefined }),
  usage: (usage) => ({
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }),
  extraFields: { system_fingerprint: null },
  everyDelta: {},
  finalDelta: { content: '' },
  usageOnChunks: 'null-always',
  completionId: (seed) => `chatcmpl-${seededHex(seed, 8)}-${seededHex(seed + 1, 4)}-9${seededHex(seed + 2, 3)}`,
};

export async function answerChat(call: Call): Promise<void> {
  const { vendor } = call;
  const model = findChatModel(call.model);
  if (model === undefined) {
    throw vendor.error(
      'model_not_found',
      `The model \`${call.model}\` does not exist or you do not have access to it.`,
    );
  }
  const request = checkChatRequest(call.body, model, vendor);
  refuse(request, { developerRole: true }, vendor);
  if (request.temperature === 2) throw vendor.error('bad_request', "'temperature' must be in the range of [0, 2).");
  if (request.top_p === 0) throw vendor.error('bad_request', "'top_p' must be in the range of (0, 1].");
  if ((request.top_logprobs ?? 0) > 5)
    throw vendor.error('bad_request', "'top_logprobs' must be in the range of [0, 5].");
  if ((request.n ?? 1) > (request.tools?.length ? 1 : 4)) throw vendor.error('bad_request', "'n' is out of range.");
  if (model.thinking === 'unless-off' && DASHSCOPE_CHAT.thinks(request, call.model) && !request.stream) {
    const text = 'parameter.enable_thinking must be set to false for non-streaming calls';
    throw vendor.error('bad_request', text);
  }
  if (model.onlyStreams && !request.stream) {
    const text = 'This model only support stream mode, please enable the stream parameter to access the model.';
    throw vendor.error('bad_request', text);
  }
  const answer = composeAnswer(request, call.model, DASHSCOPE_CHAT, call.faults);
  if (answer.usage.promptTokens > model.contextTokens) throw vendor.error('context_exceeded');
  await replyChat(call, request, answer, DASHSCOPE_CHAT);
}
