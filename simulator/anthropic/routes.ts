/** Anthropic's paths, below one of their own. */
import { replyJson } from '../reply.ts';
import type { Route } from '../routes.ts';
import { type Shared, vendorRoute } from '../serve-call.ts';
import { ANTHROPIC } from './errors.ts';
import { answerMessages, countTokens } from './messages.ts';
import { ANTHROPIC_MODELS, anthropicModelObject } from './models.ts';
import { PromptCache } from './prompt-cache.ts';

const BASE = '/anthropic';

export function anthropicRoutes(shared: Shared): Route[] {
  const cache = new PromptCache();
  return [
    vendorRoute(shared, ANTHROPIC, 'POST', `${BASE}/v1/messages`, (call) => answerMessages(call, cache)),
    vendorRoute(shared, ANTHROPIC, 'POST', `${BASE}/v1/messages/count_tokens`, countTokens, { free: true }),
    vendorRoute(shared, ANTHROPIC, 'GET', `${BASE}/v1/models`, async (call) => {
      const data = Object.keys(ANTHROPIC_MODELS).map(anthropicModelObject);
      replyJson(call, { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null });
    }),
  ];
}
