/** Chat and the list of models of each vendor of OpenAI's interface, below a path of its own. */
import type { Call } from '../call.ts';
import { composeAnswer } from '../chat/answer.ts';
import { checkChatRequest } from '../chat/check-request.ts';
import type { ChatDialect } from '../chat/dialect.ts';
import { refuse } from '../chat/refusals.ts';
import { replyChat } from '../chat/reply-chat.ts';
import type { ChatRequest } from '../chat/request.ts';
import { seededHex } from '../content/seeded-random.ts';
import type { CountedUsage } from '../journal/call-record.ts';
import { modelObject } from '../openai/models.ts';
import { replyJson } from '../reply.ts';
import type { Route } from '../routes.ts';
import { type Shared, vendorRoute } from '../serve-call.ts';
import { compatibleErrors } from './errors.ts';
import { COMPATIBLE_VENDORS, type CompatibleVendor, findCompatibleModel, type Thinking } from './vendors.ts';

export function compatibleRoutes(shared: Shared): Route[] {
  return COMPATIBLE_VENDORS.flatMap((vendor) => {
    const errors = compatibleErrors(vendor);
    return [
      vendorRoute(shared, errors, 'POST', `${vendor.base}/chat/completions`, (call) => answerChat(call, vendor)),
      vendorRoute(shared, errors, 'GET', `${vendor.base}/models`, async (call) => {
        replyJson(call, { object: 'list', data: vendor.listed.map(modelObject) });
      }),
    ];
  });
}

async function answerChat(call: Call, vendor: CompatibleVendor): Promise<void> {
  const model = findCompatibleModel(vendor, call.model);
  if (model === undefined) throw call.vendor.error('model_not_found', `The model '${call.model}' does not exist`);
  const request = checkChatRequest(call.body, model, call.vendor);
  refuse(request, model.refusals, call.vendor);
  const dialect = dialectOf(vendor, model.thinking);
  const answer = composeAnswer(request, call.model, dialect, call.faults);
  if (answer.usage.promptTokens > model.contextTokens) throw call.vendor.error('context_exceeded');
  await replyChat(call, request, answer, dialect);
}

function dialectOf(vendor: CompatibleVendor, thinking: Thinking): ChatDialect {
  return {
    thinks: (request) => thinks(request, thinking),
    limits: (request) => ({
      total: request.max_completion_tokens ?? request.max_tokens ?? undefined,
      answer: undefined,
    }),
    usage: (usage) => usageOf(usage, vendor.usage),
    extraFields: {},
    everyDelta: {},
    finalDelta: {},
    usageOnChunks: 'null-if-asked',
    completionId: (seed) => `chatcmpl-${seededHex(seed, 24)}`,
  };
}

function thinks(request: ChatRequest, { by, unasked }: Thinking): boolean {
  switch (by) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'thinking':
      return request.thinking ? request.thinking.type !== 'disabled' : unasked;
    case 'enable_thinking':
      return request.enable_thinking ?? unasked;
    case 'reasoning_effort':
      return request.reasoning_effort == null ? unasked : request.reasoning_effort !== 'none';
    case 'chat_template_kwargs': {
      const kwargs = request.chat_template_kwargs;
      const isObject = typeof kwargs === 'object' && kwargs !== null;
      const asked = isObject && 'enable_thinking' in kwargs ? kwargs.enable_thinking : undefined;
      return typeof asked === 'boolean' ? asked : unasked;
    }
  }
}

/** The journal keeps the true counts; this is how the vendor writes them. */
function usageOf(usage: CountedUsage, form: CompatibleVendor['usage']): Record<string, unknown> {
  const { promptTokens, completionTokens, reasoningTokens, cachedTokens } = usage;
  const plain = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  };
  switch (form) {
    case 'openai':
      return { ...plain, prompt_tokens_details: { cached_tokens: cachedTokens } };
    case 'deepseek':
      return {
        ...plain,
        prompt_cache_hit_tokens: cachedTokens,
        prompt_cache_miss_tokens: promptTokens - cachedTokens,
      };
    case 'moonshot':
      return { ...plain, cached_tokens: cachedTokens };
    case 'beside':
      return {
        ...plain,
        completion_tokens: completionTokens - reasoningTokens,
        prompt_tokens_details: { cached_tokens: cachedTokens },
      };
  }
}
