/** Models that do not take every request of OpenAI's form: a change of the request's check. */
import type { Fault } from './fault.ts';

export const REQUEST_FAULTS = {
  'needs-max-completion-tokens': {
    does: 'refuses max_tokens',
    seen: 'OpenAI: gpt-5 and the o models',
    request: ({ max_tokens }) =>
      max_tokens === undefined
        ? undefined
        : {
            param: 'max_tokens',
            message:
              "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
          },
  },
  'most-tokens': {
    does: "refuses a limit of output tokens above the model's own",
    seen: 'DashScope, Moonshot, DeepSeek',
    value: { means: 'tokens', default: 2_048 },
    request: ({ max_tokens, max_completion_tokens }, most) =>
      Number(max_tokens ?? max_completion_tokens ?? 0) > most
        ? { param: 'max_tokens', message: `Range of max_tokens should be [1, ${most}]` }
        : undefined,
  },
} as const satisfies Record<string, Fault>;
