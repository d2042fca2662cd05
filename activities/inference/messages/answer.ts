/** The answer of a model of OpenAI's interface, as Anthropic's clients read it. Pure. */
import { finishReasonInOpenAiWords } from '../../../core/providers/finish-reasons.ts';
import { argumentsOf } from '../../../core/providers/tool-calls.ts';
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { type Charged, type CostShown, costInWords } from '../openai-words.ts';

export interface AnsweredChat extends Charged {
  readonly requestId: string;
  readonly completion: Json;
}

/** @param model as it was asked for. */
export function messageOf(
  { requestId, completion, ...charged }: AnsweredChat,
  model: string,
  shown: CostShown | undefined,
): Json {
  const [choice = {}] = listOf(completion.choices).filter(isJsonObject);
  const message = isJsonObject(choice.message) ? choice.message : {};
  const content = blocksOf(message);
  const reason = stopReason(choice.finish_reason);
  const hasCalls = content.some(({ type }) => type === 'tool_use');
  return {
    id: messageId(requestId),
    type: 'message',
    role: 'assistant',
    model,
    content,
    stop_reason: reason === 'tool_use' && !hasCalls ? 'end_turn' : reason,
    stop_sequence: null,
    usage: usageInMessages(charged, shown),
  };
}

export function messageId(requestId: string): string {
  return `msg_${requestId.replaceAll('-', '')}`;
}

/** What was charged. Tokens of the cache stand beside the input. */
export function usageInMessages(charged: Charged, shown: CostShown | undefined): Json {
  const { usage } = charged;
  const { promptTokens, cachedTokens, cacheWriteTokens, hourCacheWriteTokens, reasoningTokens } = usage;
  return {
    input_tokens: promptTokens - cachedTokens - cacheWriteTokens,
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cachedTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: cacheWriteTokens - hourCacheWriteTokens,
      ephemeral_1h_input_tokens: hourCacheWriteTokens,
    },
    output_tokens: usage.completionTokens,
    output_tokens_details: { thinking_tokens: reasoningTokens },
    ...costInWords(charged, shown),
  };
}

/** Nothing says which stop sequence was met: such an answer has ended like any other. */
export function stopReason(reason: unknown): string {
  switch (finishReasonInOpenAiWords(textIn(reason))) {
    case 'length':
      return 'max_tokens';
    case 'tool_calls':
    case 'function_call':
      return 'tool_use';
    case 'content_filter':
      return 'refusal';
    default:
      return 'end_turn';
  }
}

function blocksOf(message: Json): Json[] {
  const texts = [textIn(message.content), textIn(message.refusal)].filter((text) => text !== '');
  const calls = listOf(message.tool_calls).filter(isJsonObject);
  const called = isJsonObject(message.function_call) ? [{ id: '', function: message.function_call }] : calls;
  return [
    ...thoughtsOf(message),
    ...texts.map((text) => ({ type: 'text', text })),
    ...called.map((call) => blockOfCall(call)),
  ];
}

/** With their signatures where the provider gives such, as resellers of Anthropic's models do. */
function thoughtsOf(message: Json): Json[] {
  const details = listOf(message.reasoning_details).filter(isJsonObject);
  const redacted = details.flatMap(({ type, data }) =>
    type === 'reasoning.encrypted' && typeof data === 'string' ? [{ type: 'redacted_thinking', data }] : [],
  );
  const signed = details.find(({ signature }) => textIn(signature) !== '');
  const thinking = reasoningIn(message) || details.map(({ text }) => textIn(text)).join('');
  if (thinking === '') return redacted;
  return [{ type: 'thinking', thinking, signature: textIn(signed?.signature) }, ...redacted];
}

export function reasoningIn(message: Json): string {
  return textIn(message.reasoning_content) || textIn(message.reasoning) || textIn(message.thinking);
}

/** One that is broken becomes a text: no client may run a tool with less than the model said. */
function blockOfCall({ id, function: called }: Json): Json {
  const { name, arguments: given } = isJsonObject(called) ? called : {};
  const input = argumentsOf(given);
  if (input === undefined) return { type: 'text', text: `[${brokenCall(textIn(name), textIn(given))}]` };
  return { type: 'tool_use', id: callId(id), name: textIn(name), input };
}

/** Of broken arguments. */
const MOST_SHOWN = 1_000;

export function brokenCall(name: string, given: string): string {
  return `The model called the tool "${name}" with arguments that are no JSON object: ${given.slice(0, MOST_SHOWN)}`;
}

/** A call in its older form has none. */
export function callId(id: unknown): string {
  return textIn(id) || 'toolu_1';
}

export function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
