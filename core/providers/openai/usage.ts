/** Usage as OpenAI's interface names it, with the names of others who speak it (docs/providers.md, "Usage"). Pure. */
import { isJsonObject, type JsonObject } from '../../../infra/json-object.ts';
import type { CountedTokens, ReportedUsage } from '../provider.ts';

/** No model takes or makes more in one call: a larger count is a mistake of the provider and must not empty an account. */
const MOST_TOKENS = 20_000_000;

/** Of what is no count, so much is told. */
const TOLD_CHARACTERS = 100;

/**
 * @returns undefined for a usage that is missing, and what it says for one that makes no sense: the tokens are then
 * counted here, so that a provider's slip neither loses the answer nor charges nonsense.
 */
export function reportedUsage(usage: unknown): ReportedUsage {
  if (!isJsonObject(usage)) return undefined;
  const { prompt_tokens: prompt, completion_tokens: completion } = usage;
  if (prompt === undefined || prompt === null || completion === undefined || completion === null) return undefined;
  const promptTokens = tokenCount(prompt);
  const completionTokens = tokenCount(completion);
  if (promptTokens === undefined || completionTokens === undefined) {
    return { impossible: JSON.stringify([prompt, completion]).slice(0, TOLD_CHARACTERS) };
  }
  const details = isJsonObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const cachedTokens = Math.min(cached(usage, details), promptTokens);
  const cacheWriteTokens = Math.min(written(usage, details), promptTokens - cachedTokens);
  return { promptTokens, completionTokens, cachedTokens, cacheWriteTokens };
}

/** @returns undefined where the provider told no count. */
export function countedTokens(usage: ReportedUsage): CountedTokens | undefined {
  return usage && 'impossible' in usage ? undefined : usage;
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
