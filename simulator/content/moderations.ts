/** POST …/moderations: what speaks of harm is flagged. */
import { z } from 'zod';
import type { Call } from '../call.ts';
import { replyJson } from '../reply.ts';

const MODEL = /moderation/i;
const part = z.union([z.string(), z.looseObject({ type: z.string(), text: z.string().optional() })]);
const requestSchema = z.object({ input: z.union([z.string().min(1), z.array(part).min(1)]) });

export async function answerModeration(call: Call): Promise<void> {
  const { vendor, model } = call;
  if (!MODEL.test(model)) throw vendor.error('model_not_found', `The model '${model}' does not moderate`, 'model');
  const { data: request } = requestSchema.safeParse(call.body);
  if (!request) throw vendor.error('bad_request', "'$.input' is invalid. Please check the API reference.", 'input');
  const inputs = typeof request.input === 'string' ? [request.input] : request.input;
  const texts = inputs.map((one) => (typeof one === 'string' ? one : (one.text ?? '')));
  // Parts are one thing together, texts are several.
  const judged = inputs.some((one) => typeof one !== 'string') ? [texts.join(' ')] : texts;
  const results = judged.map((text) => {
    const violence = /kill|harm/i.test(text);
    return { flagged: violence, categories: { violence }, category_scores: { violence: violence ? 0.9 : 0.01 } };
  });
  const usage = { promptTokens: 0, completionTokens: 0, reasoningTokens: 0, cachedTokens: 0, images: 0 };
  replyJson(call, { id: call.requestId, model, results }, { usage, tokens: 0, images: 0 });
}
