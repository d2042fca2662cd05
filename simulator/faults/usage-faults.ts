/** Usage as vendors really write it: other names, other places, other sums. The journal keeps the true counts. */
import type { Fault } from './fault.ts';

export const USAGE_FAULTS = {
  'reasoning-outside': {
    does: 'reports reasoning tokens beside the completion tokens, which do not hold them; the total adds all up',
    seen: "Gemini's OpenAI form, xAI",
    value: { means: 'reasoning tokens', default: 2_809 },
    usage: (reported, { promptTokens, completionTokens }, reasoning) => ({
      ...reported,
      completion_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: promptTokens + completionTokens + reasoning,
    }),
  },
} as const satisfies Record<string, Fault>;
