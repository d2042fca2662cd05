/** The models of an access key as Anthropic's clients list them. Pure. */
import { z } from 'zod';
import type { Model } from '../../core/catalog/model-record.ts';
import { AppError } from '../../infra/errors.ts';

const USUAL_LIMIT = 20;
const MOST = 1_000;

export const anthropicModelSchema = z
  .object({
    type: z.literal('model').describe('Always model'),
    id: z.string().describe('The name that callers use for the model'),
    display_name: z.string().describe('Its name for people'),
    created_at: z.string().describe('When it was created, RFC 3339'),
    max_input_tokens: z.number().int().nullable().describe('Its context window, where that is known'),
    max_tokens: z.number().int().nullable().describe('Its most output tokens, where that is known'),
  })
  .meta({ id: 'AnthropicModel' });

export const anthropicModelsSchema = z.object({
  data: z.array(anthropicModelSchema).describe('The models'),
  has_more: z.boolean().describe('Whether more come after these, or before them with before_id'),
  first_id: z.string().nullable().describe('The first of them, for before_id'),
  last_id: z.string().nullable().describe('The last of them, for after_id'),
});

export function anthropicModel(model: Model): z.output<typeof anthropicModelSchema> {
  return {
    type: 'model',
    id: model.modelIdentifier,
    display_name: model.displayName,
    created_at: model.createdAt.toISOString(),
    max_input_tokens: model.contextWindow,
    max_tokens: model.maxOutputTokens,
  };
}

/** @throws {AppError} for a limit that is none. */
export function anthropicPage(
  models: readonly Model[],
  query: URLSearchParams,
): z.output<typeof anthropicModelsSchema> {
  const limit = Number(query.get('limit') || USUAL_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST) {
    throw new AppError('invalidParameter', `limit: must be an integer from 1 to ${MOST}`, { param: 'limit' });
  }
  const placeOf = (id: string | null) => models.findIndex(({ modelIdentifier }) => modelIdentifier === id);
  const before = query.get('before_id');
  const end = before === null || before === '' ? models.length : Math.max(0, placeOf(before));
  const isBackwards = end < models.length && !query.get('after_id');
  const start = isBackwards ? Math.max(0, end - limit) : placeOf(query.get('after_id')) + 1;
  const page = models.slice(start, Math.min(end, start + limit));
  return {
    data: page.map(anthropicModel),
    has_more: isBackwards ? start > 0 : start + page.length < end,
    first_id: page[0]?.modelIdentifier ?? null,
    last_id: page.at(-1)?.modelIdentifier ?? null,
  };
}
