/**
 * What a model needs a chat request to be like, as data of its record. What is left out follows from the vendor and the
 * model's name (catalog/model-needs.ts), and otherwise from the comments here.
 */
import { z } from 'zod';

/** From no thought to most. */
export const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
export type Effort = (typeof EFFORTS)[number];

const MOST_FIELDS = 50;
/** They are reported in a header. */
const fieldNames = z
  .array(
    z
      .string()
      .max(64)
      .regex(/^[a-z][a-z0-9_]{0,63}$/i, 'must be the name of a field'),
  )
  .max(MOST_FIELDS)
  .readonly();
const bound = z.strictObject({
  least: z.number().optional().describe('The least that it may be'),
  most: z.number().optional().describe('The most that it may be'),
});

/** A thinking model may be silent as long as it thinks. */
const PATIENCE_WITH_THINKERS_SECONDS = 300;
const LONGEST_PATIENCE_SECONDS = 3_600;

export const needsSchema = z.strictObject({
  patienceSeconds: z.number().int().min(1).max(LONGEST_PATIENCE_SECONDS).optional().meta({
    description:
      'The longest silence before the first byte and between two, which is added to UPSTREAM_TOTAL_TIMEOUT; unless set, 300 for models that think, and UPSTREAM_FIRST_BYTE_TIMEOUT and UPSTREAM_IDLE_TIMEOUT for others',
  }),
  limitField: z
    .enum(['max_tokens', 'max_completion_tokens'])
    .optional()
    .meta({ description: 'The name of the output limit; the one that the caller used, or max_tokens, unless set' }),
  developerRole: z
    .enum(['developer', 'system'])
    .optional()
    .meta({ description: 'What the role developer becomes; system unless set' }),
  systemMessages: z.enum(['anywhere', 'first']).optional().meta({
    description:
      'first: one system message at the beginning, later ones become messages of the user; anywhere unless set',
  }),
  thinkingSwitch: z
    .enum(['enable_thinking', 'thinking', 'adaptive', 'reasoning_effort', 'chat_template_kwargs', 'none'])
    .optional()
    .meta({
      description:
        'The one field that turns thinking on and off; adaptive: the field thinking with the type adaptive; none: no such field; as asked unless set',
    }),
  efforts: z
    .array(z.enum(EFFORTS))
    .min(1)
    .max(EFFORTS.length)
    .readonly()
    .optional()
    .meta({ description: 'The values of reasoning_effort that are taken; all unless set' }),
  thinking: z.enum(['any', 'streamed', 'never-off']).optional().meta({
    description: 'streamed: only a stream may think; never-off: thinking cannot be turned off; any unless set',
  }),
  wholeAnswers: z.enum(['given', 'assembled']).optional().meta({
    description: 'assembled: the model only streams, a whole answer is put together from a stream; given unless set',
  }),
  structuredOutput: z.enum(['json_schema', 'json_object']).optional().meta({
    description:
      'json_object: no schema is taken in response_format, it is written into the system message; json_schema unless set',
  }),
  toolChoice: z.enum(['any', 'auto']).optional().meta({
    description: 'auto: no other choice is taken, a tool call can be neither forced nor forbidden; any unless set',
  }),
  bounds: z
    .strictObject({
      temperature: bound.optional().describe('Bounds of temperature'),
      top_p: bound.optional().describe('Bounds of top_p'),
      top_logprobs: bound.optional().describe('Bounds of top_logprobs'),
      presence_penalty: bound.optional().describe('Bounds of presence_penalty'),
      frequency_penalty: bound.optional().describe('Bounds of frequency_penalty'),
    })
    .optional()
    .meta({ description: 'The least and most that these fields may be; values beyond are brought to the bound' }),
  refusedFields: fieldNames.optional().meta({ description: 'Fields that the model refuses and that are left out' }),
  refusedMessageFields: fieldNames.optional().meta({ description: 'The same of each message' }),
  messagesPath: z
    .string()
    .max(200)
    .regex(/^(\/[\w-][\w.-]*)*$/, 'must be a path without a slash at its end, such as /anthropic')
    .nullable()
    .optional()
    .meta({
      description:
        "The path on the provider's own server below which Anthropic's /v1/messages stands, where it offers that beside OpenAI's interface; empty: directly below the host; null: nowhere",
    }),
  chatInterface: z.enum(['completions', 'responses', 'either']).optional().meta({
    description:
      'How the model of a provider of kind openai is asked. responses: by /responses alone. either: requests of /v1/responses as they are, and chats with tools by /responses, too, unless their reasoning_effort is none; other chats by /chat/completions. completions unless set',
  }),
});

/** Fields of a chat that have no place in OpenAI's /responses. */
export const NOT_IN_RESPONSES = [
  ...['n', 'stop', 'seed', 'frequency_penalty', 'presence_penalty', 'logit_bias', 'modalities', 'prediction'],
  ...['functions', 'function_call'],
] as const;

export type ModelNeeds = Readonly<z.infer<typeof needsSchema>>;

export function withoutWordsOfChats(needs: ModelNeeds): ModelNeeds {
  return { ...needs, refusedFields: [...new Set([...(needs.refusedFields ?? []), ...NOT_IN_RESPONSES])] };
}

/** Whether a chat is asked by /responses. Some models take tools while they think only there. */
export function isAskedAsResponse(
  { chatInterface }: Pick<ModelNeeds, 'chatInterface'>,
  { tools, reasoning_effort: effort }: Readonly<Record<string, unknown>>,
): boolean {
  if (chatInterface !== 'either') return chatInterface === 'responses';
  return Array.isArray(tools) && tools.length > 0 && effort !== 'none';
}

/** Names of models that think without a switch of it. */
const THINKERS = /think|reason|(^|[-/])(r1|o[134]|q[wv]q|gpt-5|magistral)([-.]|$)/i;

/** Whether a whole answer has to be put together from a stream. */
export function onlyStreams({ wholeAnswers }: ModelNeeds): boolean {
  return wholeAnswers === 'assembled';
}

/** How long a model may be silent, in milliseconds; undefined = as long as any. */
export function patienceOf(needs: ModelNeeds, model: string): number | undefined {
  const seconds = needs.patienceSeconds ?? (mayThink(needs, model) ? PATIENCE_WITH_THINKERS_SECONDS : undefined);
  return seconds === undefined ? undefined : seconds * 1_000;
}

/** As far as is known. @param model as its provider names it. */
export function mayThink({ thinkingSwitch, thinking, efforts }: ModelNeeds, model: string): boolean {
  const hasSwitch = thinkingSwitch !== undefined && thinkingSwitch !== 'none';
  return hasSwitch || thinking !== undefined || efforts !== undefined || THINKERS.test(model);
}
