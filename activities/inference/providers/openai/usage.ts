/** Usage as OpenAI-compatible providers report it. A count that makes no sense is treated as missing: we then count. */
import { z } from 'zod';
import type { ReportedUsage } from '../provider.ts';

/** No model takes or makes more in one call; a larger number is a fault and must not empty an account. */
const MOST_TOKENS = 20_000_000;

const count = z.number().int().min(0).max(MOST_TOKENS);
const optionalCount = count.nullish().catch(undefined);

const usageSchema = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z
    .object({ cached_tokens: optionalCount, cache_creation_input_tokens: optionalCount })
    .nullish()
    .catch(undefined),
  /** DeepSeek's name for cached tokens. */
  prompt_cache_hit_tokens: optionalCount,
});

/** @param usage the `usage` of a completion or of a stream's last chunk. */
export function reportedUsage(usage: unknown): ReportedUsage {
  const parsed = usageSchema.safeParse(usage);
  if (!parsed.success) return undefined;
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = parsed.data;
  const details = parsed.data.prompt_tokens_details;
  return {
    promptTokens,
    completionTokens,
    cachedTokens: details?.cached_tokens ?? parsed.data.prompt_cache_hit_tokens ?? 0,
    cacheWriteTokens: details?.cache_creation_input_tokens ?? 0,
  };
}
