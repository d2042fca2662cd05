/** Usage as vendors really write it: other names, places and sums, or no count at all. The journal keeps the true counts. */
import type { Fault, Json, StreamItem } from './fault.ts';

type Usage = NonNullable<Fault['usage']>;

/** A change of the counts, wherever they stand. */
const counted = (usage: Usage): Pick<Fault, 'usage'> => ({ usage });

/** The chunk that has the usage only. */
function usageChunkOf(item: StreamItem): Json | undefined {
  const isUsage = 'chunk' in item && Array.isArray(item.chunk.choices) && item.chunk.choices.length === 0;
  return isUsage ? item.chunk : undefined;
}

/** The usage in another place: of a whole answer, and of a stream, from its chunks and the usage that follows them. */
function placed(
  completion: (answer: Json, usage: unknown) => Json,
  stream: (chunks: readonly Json[], usage: unknown) => readonly Json[],
): Pick<Fault, 'completion' | 'stream'> {
  return {
    completion: ({ usage, ...answer }) => completion(answer, usage),
    stream: (items) => {
      const last = items.map(usageChunkOf).find((chunk) => chunk !== undefined);
      if (last === undefined) return items;
      const chunks = items.flatMap((item) => ('chunk' in item && item.chunk !== last ? [item.chunk] : []));
      const others = items.filter((item) => !('chunk' in item));
      return [...stream(chunks, last.usage).map((chunk) => ({ chunk })), ...others];
    },
  };
}

/** Changes the last chunk of a choice, which has the finish reason. */
const finishing = (chunks: readonly Json[], change: (chunk: Json) => Json): readonly Json[] =>
  chunks.map((chunk, at) => (at === chunks.length - 1 ? change(chunk) : chunk));

const usageOnly = (chunks: readonly Json[], usage: unknown): Json => ({ ...chunks[0], choices: [], usage });

const inFirstChoice = (chunk: Json, usage: unknown): Json => ({
  ...chunk,
  choices: Array.isArray(chunk.choices)
    ? chunk.choices.map((one: Json, at) => (at === 0 ? { ...one, usage } : one))
    : [],
});

const CACHED = { means: 'cached tokens', default: 4 };

export const USAGE_FAULTS = {
  // What a count is a part of.
  'reasoning-outside': {
    does: 'reports reasoning tokens beside the completion tokens, which do not hold them; the total adds all up',
    seen: "Gemini's OpenAI form, xAI",
    value: { means: 'reasoning tokens', default: 2_809 },
    ...counted((reported, { promptTokens, completionTokens }, reasoning) => ({
      ...reported,
      completion_tokens_details: { reasoning_tokens: reasoning },
      total_tokens: promptTokens + completionTokens + reasoning,
    })),
  },
  'reasoning-in-total': {
    does: 'counts reasoning tokens in the total only',
    seen: "Gemini's OpenAI form",
    value: { means: 'reasoning tokens', default: 824 },
    ...counted((_, { promptTokens, completionTokens }, reasoning) => ({
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens + reasoning,
    })),
  },
  'reasoning-above-completion': {
    does: 'reports a token more of reasoning than of completion, and the total with it',
    seen: 'Moonshot: kimi-k3',
    ...counted((reported, { promptTokens, completionTokens }) => ({
      ...reported,
      completion_tokens_details: { reasoning_tokens: completionTokens + 1 },
      total_tokens: promptTokens + completionTokens + 1,
    })),
  },
  // Names.
  'cached-at-top': {
    does: 'reports cached tokens as cached_tokens beside the other counts',
    seen: 'Moonshot',
    value: CACHED,
    ...counted(({ prompt_tokens_details: _, ...reported }, __, cached) => ({ ...reported, cached_tokens: cached })),
  },
  'cached-hit': {
    does: 'reports cached tokens as prompt_cache_hit_tokens',
    seen: 'DeepSeek',
    value: CACHED,
    ...counted(({ prompt_tokens_details: _, ...reported }, { promptTokens }, cached) => ({
      ...reported,
      prompt_cache_hit_tokens: cached,
      prompt_cache_miss_tokens: promptTokens - cached,
    })),
  },
  'cached-beside': {
    does: "counts in Anthropic's names: cached tokens are not part of the input, and there is no total",
    seen: 'gateways in front of Anthropic',
    value: CACHED,
    ...counted((_, { promptTokens, completionTokens }, cached) => ({
      input_tokens: promptTokens - cached,
      output_tokens: completionTokens,
      cache_read_input_tokens: cached,
      cache_creation_input_tokens: 0,
    })),
  },
  // Places.
  'usage-in-choice': {
    does: 'puts the usage inside the first choice',
    seen: 'Moonshot',
    ...placed(inFirstChoice, (chunks, usage) => finishing(chunks, (chunk) => inFirstChoice(chunk, usage))),
  },
  'usage-in-x-groq': {
    does: 'puts the usage into x_groq of the chunk that finishes',
    seen: 'Groq',
    ...placed(
      (answer, usage) => ({ ...answer, usage }),
      (chunks, usage) => finishing(chunks, (chunk) => ({ ...chunk, x_groq: { id: 'req', usage } })),
    ),
  },
  'usage-twice': {
    does: 'the same usage inside the choice that finishes and in a last chunk',
    seen: 'Moonshot: kimi-k3',
    ...placed(
      (answer, usage) => ({ ...inFirstChoice(answer, usage), usage }),
      (chunks, usage) => [
        ...finishing(chunks, (chunk) => inFirstChoice(chunk, usage)),
        usageOnly(chunks, usage),
        usageOnly(chunks, usage),
      ],
    ),
  },
  'usage-so-far': {
    does: 'counts so far in every chunk, and all in the last',
    seen: 'Ark, SiliconFlow, vLLM',
    ...placed(
      (answer, usage) => ({ ...answer, usage }),
      (chunks, usage) =>
        chunks.map((chunk, at) => ({
          ...chunk,
          usage:
            at === chunks.length - 1 || !isCount(usage)
              ? usage
              : { ...usage, completion_tokens: at, total_tokens: null },
        })),
    ),
  },
  'usage-then-zeros': {
    does: 'the usage in the chunk that finishes, and one of zeros after it',
    ...placed(
      (answer, usage) => ({ ...answer, usage }),
      (chunks, usage) => [
        ...finishing(chunks, (chunk) => ({ ...chunk, usage })),
        usageOnly(chunks, { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }),
      ],
    ),
  },
  'usage-too-soon': {
    does: 'counts the first words of a stream and never again',
    ...placed(
      (answer, usage) => ({ ...answer, usage }),
      (chunks, usage) =>
        chunks.map((chunk, at) =>
          at === 1 && isCount(usage)
            ? { ...chunk, usage: { ...usage, completion_tokens: 1, total_tokens: null } }
            : chunk,
        ),
    ),
  },
  // Missing, or none.
  'null-usage': {
    does: '"usage": null',
    seen: 'Ark without include_usage',
    ...placed(
      (answer) => ({ ...answer, usage: null }),
      (chunks) => [...chunks, usageOnly(chunks, null)],
    ),
  },
  'total-only': {
    does: 'reports total_tokens and nothing else',
    seen: 'MiniMax, older',
    ...counted((_, { promptTokens, completionTokens }) => ({ total_tokens: promptTokens + completionTokens })),
  },
  'half-usage': {
    does: 'a right prompt and minus one completion token',
    ...counted((_, { promptTokens }) => ({ prompt_tokens: promptTokens, completion_tokens: -1, total_tokens: null })),
  },
  'too-large-usage': {
    does: 'counts more prompt tokens than the call can have',
    value: { means: 'prompt tokens', default: 19_000_000 },
    ...counted((_, { completionTokens }, prompt) => ({ prompt_tokens: prompt, completion_tokens: completionTokens })),
  },
} as const satisfies Record<string, Fault>;

function isCount(usage: unknown): usage is Json {
  return typeof usage === 'object' && usage !== null;
}
