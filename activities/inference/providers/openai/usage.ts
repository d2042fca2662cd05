/** Usage as OpenAI's interface names it, with the names of others who speak it (PROVIDERS.md, 2, 3.1 and 4.2). Pure. */
import { isJsonObject, type JsonObject } from '../../../../infra/json-object.ts';
import type { ReportedUsage } from '../provider.ts';

/** No model takes or makes more in one call: a larger count is a mistake of the provider and must not empty an account. */
const MOST_TOKENS = 20_000_000;

/**
 * @returns undefined for a usage that is missing or makes no sense (negative, fractional, absurdly large): the tokens
 * are then counted here, so that a provider's slip neither loses the answer nor charges nonsense.
 */
export function reportedUsage(usage: unknown): ReportedUsage {
  if (!isJsonObject(usage)) return undefined;
  const promptTokens = tokenCount(usage.prompt_tokens);
  const completionTokens = tokenCount(usage.completion_tokens);
  if (promptTokens === undefined || completionTokens === undefined) return undefined;
  const details = isJsonObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const cachedTokens = Math.min(cached(usage, details), promptTokens);
  const cacheWriteTokens = Math.min(written(usage, details), promptTokens - cachedTokens);
  return { promptTokens, completionTokens, cachedTokens, cacheWriteTokens };
}

/** The second name is DeepSeek's. */
function cached(usage: JsonObject, details: JsonObject): number {
  return tokenCount(details.cached_tokens) ?? tokenCount(usage.prompt_cache_hit_tokens) ?? 0;
}

function written(usage: JsonObject, details: JsonObject): number {
  return tokenCount(details.cache_creation_input_tokens) ?? tokenCount(usage.cache_creation_input_tokens) ?? 0;
}

/** @returns undefined for what is no count of tokens. */
export function tokenCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_TOKENS ? value : undefined;
}
