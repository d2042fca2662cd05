/** A model as clients with an access key list it: OpenAI's fields, and OpenRouter's beside them, by which programs choose. */
import { z } from 'zod';
import type { Capability } from '../../core/catalog/model.ts';
import { needsOf } from '../../core/catalog/model-needs.ts';
import type { Model } from '../../core/catalog/model-record.ts';
import { makesImages, makesText, pricingOf } from '../../core/catalog/pricing.ts';
import { formatTokenPrice } from '../../core/ledger/money.ts';
import type { ModelNeeds } from '../../core/providers/needs.ts';

const modality = z.string().max(20);
const PRICES = {
  prompt: 'Of one token of the prompt',
  completion: 'Of one token of the answer',
  request: 'Of each call',
  image: 'Of one image that is made',
  web_search: 'Of each search',
  input_cache_read: 'Of one token that was read from the cache',
  input_cache_write: 'Of one token that was written to the cache',
  character: 'Of one character that is spoken',
  second: 'Of one second of speech that is written down',
} as const;

export const openAiModelSchema = z
  .object({
    id: z.string().describe('The name that callers use for the model'),
    object: z.literal('model').describe('Always model'),
    created: z.number().int().describe('When it was created, in seconds since 1970'),
    owned_by: z.string().describe('Name of its provider'),
    name: z.string().describe('Its name for people'),
    context_length: z.number().int().nullable().describe('Tokens that a prompt and its answer may have together'),
    architecture: z
      .object({
        modality: z.string().describe('Both in one text: text+image->text'),
        input_modalities: z.array(modality).describe('What it takes: text, image, audio'),
        output_modalities: z.array(modality).describe('What it gives: text, image, embeddings'),
      })
      .describe('What goes in and what comes out'),
    pricing: z
      .object(eachPrice((description) => z.string().optional().describe(description)))
      .describe("Decimal texts in the gateway's currency, without rules; what is not named costs nothing of its own"),
    top_provider: z
      .object({
        context_length: z.number().int().nullable().describe('The same as context_length'),
        max_completion_tokens: z.number().int().nullable().describe('Tokens that an answer may have; null: not known'),
      })
      .describe('Limits in tokens'),
    supported_parameters: z.array(z.string()).describe('Fields of a chat request that it follows'),
  })
  .meta({ id: 'OpenAIModel' });

export type OpenAiModel = z.output<typeof openAiModelSchema>;

export function openAiModel(model: Model): OpenAiModel {
  const { modelIdentifier, displayName, createdAt, providerName, contextWindow, maxOutputTokens } = model;
  const inputs = modalitiesOf(model.capabilities, 0);
  const outputs = modalitiesOf(model.capabilities, 1);
  return {
    id: modelIdentifier,
    object: 'model',
    created: Math.floor(createdAt.getTime() / 1000),
    owned_by: providerName,
    name: displayName,
    context_length: contextWindow,
    architecture: {
      modality: `${inputs.join('+')}->${outputs.join('+')}`,
      input_modalities: inputs,
      output_modalities: outputs,
    },
    pricing: pricesOf(model),
    top_provider: { context_length: contextWindow, max_completion_tokens: maxOutputTokens },
    supported_parameters: makesText(model.capabilities) ? parametersOf(needsOf(model)) : [],
  };
}

/** In OpenRouter's words. */
const MODALITIES: Readonly<Record<Capability, readonly [inputs: readonly string[], outputs: readonly string[]]>> = {
  'text-to-text': [['text'], ['text']],
  'image-to-text': [['text', 'image'], ['text']],
  'text-to-image': [['text'], ['image']],
  'image-to-image': [['text', 'image'], ['image']],
  'text-to-embedding': [['text'], ['embeddings']],
  rerank: [['text'], ['rerank']],
  'text-to-speech': [['text'], ['audio']],
  'speech-to-text': [['audio'], ['text']],
  moderation: [['text', 'image'], ['moderation']],
};

function modalitiesOf(capabilities: readonly Capability[], side: 0 | 1): string[] {
  return [...new Set(capabilities.flatMap((capability) => MODALITIES[capability][side]))];
}

function eachPrice<Value>(make: (description: string) => Value): Record<keyof typeof PRICES, Value> {
  const { prompt, completion, request, image, web_search: search, input_cache_read: read } = PRICES;
  return {
    prompt: make(prompt),
    completion: make(completion),
    request: make(request),
    image: make(image),
    web_search: make(search),
    input_cache_read: make(read),
    input_cache_write: make(PRICES.input_cache_write),
    character: make(PRICES.character),
    second: make(PRICES.second),
  };
}

function pricesOf({ price, capabilities }: Model): OpenAiModel['pricing'] {
  if (price === null) return {};
  const { input, output, cachedInput, cacheWrite, perImage, perRequest, perSearch, ...others } = pricingOf(
    price,
    capabilities,
  );
  const text = makesText(capabilities);
  const prices = {
    prompt: input ?? 0n,
    completion: text || !makesImages(capabilities) ? (output ?? 0n) : 0n,
    request: perRequest,
    // A model that only makes images names their price as that of its output.
    image: perImage ?? (makesImages(capabilities) ? output : undefined),
    web_search: perSearch,
    input_cache_read: cachedInput,
    input_cache_write: cacheWrite,
    character: others.perCharacter,
    second: others.perSecond,
  };
  const named = Object.entries(prices).filter(([, value]) => value !== undefined);
  return Object.fromEntries(named.map(([name, value]) => [name, formatTokenPrice(value ?? 0n)]));
}

const PARAMETERS = [
  ...['max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'stop', 'seed', 'n'],
  ...['frequency_penalty', 'presence_penalty', 'logprobs', 'top_logprobs', 'logit_bias'],
  ...['tools', 'tool_choice', 'parallel_tool_calls', 'response_format'],
];

/** What the model's needs do not rule out. */
function parametersOf({
  refusedFields = [],
  efforts,
  thinking,
  thinkingSwitch,
  structuredOutput,
}: ModelNeeds): string[] {
  const thinks = efforts !== undefined || thinking !== undefined || (thinkingSwitch ?? 'none') !== 'none';
  const all = [
    ...PARAMETERS,
    ...(structuredOutput === 'json_object' ? [] : ['structured_outputs']),
    ...(thinks ? ['reasoning', 'include_reasoning', 'reasoning_effort'] : []),
  ];
  return all.filter((name) => !refusedFields.includes(name));
}
