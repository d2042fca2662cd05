/** Why a choice of an answer ended, in OpenAI's words, whichever words its vendor has. Pure. */
import type { JsonObject as Json } from '../../infra/json-object.ts';

/** Words that stand where a finish reason is to come. */
const NO_REASONS = new Set(['', 'null', 'none']);

/** @returns undefined for what is no finish reason, though some vendors write it in every chunk. */
export function finishReasonIn(choice: Json): string | undefined {
  const { finish_reason: reason } = choice;
  return typeof reason === 'string' && !NO_REASONS.has(reason.trim().toLowerCase()) ? reason : undefined;
}

const OPENAI_WORDS: ReadonlySet<string> = new Set([
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
  ['contentfilter', 'content_filter'],
  ['recitation', 'content_filter'],
  ['prohibited_content', 'content_filter'],
  ['prohibitedcontent', 'content_filter'],
  ['blocklist', 'content_filter'],
  ['spii', 'content_filter'],
  ['image_safety', 'content_filter'],
  ['refusal', 'content_filter'],
  ['network_error', 'error'],
  ['insufficient_system_resource', 'error'],
  ['abort', 'error'],
]);

export function finishReasonInOpenAiWords(word: string): string {
  if (OPENAI_WORDS.has(word)) return word;
  const lower = word.toLowerCase();
  return OPENAI_WORDS.has(lower) ? lower : (OTHER_WORDS.get(lower) ?? 'stop');
}

/** Of Anthropic: the caller's sequence came, or the model waits to be asked again. Others say `stop`. */
const ENDED_ON_PURPOSE = new Set(['stop_sequence', 'pause_turn']);

/**
 * Whether an answer may end so without having said anything: the limit was spent on thought, a filter or the model itself
 * refused, or the caller's stop sequence came first.
 * @param stops whether the request that was sent has stop sequences.
 */
export function explainsSilence(reason: string, stops: boolean): boolean {
  const known = finishReasonInOpenAiWords(reason);
  if (known === 'length' || known === 'content_filter') return true;
  return ENDED_ON_PURPOSE.has(reason) || (stops && known === 'stop');
}
