/** An answer in OpenAI's words, whichever words its vendor has: the model as it was asked for, and why a choice ended. */
import { isJsonObject, type JsonObject as Json } from '../../infra/json-object.ts';

const FINISH_REASONS: ReadonlySet<string> = new Set([
  'stop',
  'length',
  'tool_calls',
  'function_call',
  'content_filter',
  // The end of a stream that broke off at the vendor: nothing of OpenAI's says so.
  'error',
]);

/** In lower case. Anthropic, Gemini, Zhipu, vLLM, TGI, Cohere, DeepSeek; anything else has come to its end. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ['max_tokens', 'length'],
  ['max_output_tokens', 'length'],
  ['max_length', 'length'],
  ['model_length', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['tool_call', 'tool_calls'],
  ['safety', 'content_filter'],
  ['sensitive', 'content_filter'],
  ['recitation', 'content_filter'],
  ['prohibited_content', 'content_filter'],
  ['blocklist', 'content_filter'],
  ['image_safety', 'content_filter'],
  ['refusal', 'content_filter'],
  ['network_error', 'error'],
  ['insufficient_system_resource', 'error'],
  ['abort', 'error'],
]);

function finishReason(word: string): string {
  return FINISH_REASONS.has(word) ? word : (OTHER_WORDS.get(word.toLowerCase()) ?? 'stop');
}

/** What was charged. */
export interface ChargedTokens {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export function completionInOpenAiWords(completion: Json, model: string, charged: ChargedTokens): Json {
  const choices = Array.isArray(completion.choices) ? completion.choices : [];
  const usage = usageInOpenAiWords(completion.usage, charged);
  return { ...completion, model, choices: choices.map(choiceInOpenAiWords), usage };
}

/** The vendor's own where it says what was charged; otherwise with these counts, and such details as clients can read. */
function usageInOpenAiWords(said: unknown, { promptTokens, completionTokens }: ChargedTokens): Json {
  const counts = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  if (!isJsonObject(said)) return counts;
  if (Object.entries(counts).every(([name, count]) => said[name] === count)) return said;
  const kept = Object.entries(said).filter(([name, value]) => !name.endsWith('_details') || isJsonObject(value));
  return { ...Object.fromEntries(kept), ...counts };
}

/** The chunk with the usage, for a stream whose vendor has sent none. */
export function usageChunk(completion: Json, model: string, charged: ChargedTokens): string {
  const { id, created } = completion;
  const usage = usageInOpenAiWords(undefined, charged);
  return JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices: [], usage });
}

function choiceInOpenAiWords(choice: unknown): unknown {
  if (!isJsonObject(choice) || typeof choice.finish_reason !== 'string' || choice.finish_reason === '') return choice;
  return { ...choice, finish_reason: finishReason(choice.finish_reason) };
}

/** Inside a text of the answer quotes are escaped, so these find members only. */
const MODEL = /"model"\s*:\s*(?:"(?:[^"\\]|\\.)*"|null)/;
const FINISH_REASON = /"finish_reason"\s*:\s*"([^"\\]+)"/g;

/** @param data JSON text of a chunk, which is changed as text: parsing and writing each one anew costs far more. */
export function chunkInOpenAiWords(data: string, model: string): string {
  return data
    .replace(MODEL, () => `"model":${JSON.stringify(model)}`)
    .replace(FINISH_REASON, (_, word: string) => `"finish_reason":"${finishReason(word)}"`);
}
