/** A chat.completions request as a request of Messages. What has no place in Messages is left out (docs/api-guide.md). Pure. */
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { listIn, textIn } from '../message.ts';
import type { ChatBody } from '../provider.ts';
import { argumentsOf } from '../tool-calls.ts';

/** Fields that both interfaces have, and Anthropic's own that clients send along. */
const SAME = ['temperature', 'top_p', 'top_k', 'metadata', 'context_management', 'cache_control', 'service_tier'];
/** Fields of a chat that Messages say, in whichever way. */
export const WORDS: ReadonlySet<string> = new Set([
  ...SAME,
  ...['messages', 'max_tokens', 'max_completion_tokens', 'stop', 'user', 'tools', 'functions', 'tool_choice'],
  ...['function_call', 'parallel_tool_calls', 'response_format', 'thinking', 'reasoning_effort', 'output_config'],
]);
/** Where neither caller nor model sets a limit, which Messages always have. */
const FALLBACK_LIMIT = 4_096;

export function messagesBody(chat: ChatBody): Json {
  const { system, messages } = conversationOf(chat.messages.filter(isJsonObject));
  const maxTokens = firstNumber(chat.max_completion_tokens, chat.max_tokens) ?? FALLBACK_LIMIT;
  const stops = (Array.isArray(chat.stop) ? chat.stop : [chat.stop]).filter((stop) => !isBlank(stop));
  const tools = toolsOf(chat);
  const choice = toolChoiceOf(chat);
  const { instructions, config } = answerFormat(chat.response_format);
  const asked = thinkingOf(chat, maxTokens);
  const outputConfig = { ...(isJsonObject(chat.output_config) ? chat.output_config : {}), ...asked.config, ...config };
  const allSystem = [...system, ...instructions];
  return {
    max_tokens: maxTokens,
    ...(allSystem.length === 0 ? {} : { system: allSystem }),
    messages,
    ...Object.fromEntries(SAME.flatMap((name) => (chat[name] === undefined ? [] : [[name, chat[name]]]))),
    ...(typeof chat.user === 'string' && chat.metadata === undefined ? { metadata: { user_id: chat.user } } : {}),
    ...(stops.length === 0 ? {} : { stop_sequences: stops }),
    ...(tools.length === 0 ? {} : { tools }),
    ...(tools.length === 0 || choice === undefined ? {} : { tool_choice: choice }),
    ...asked.thinking,
    ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
  };
}

/** Stop sequences that are refused. */
export function isBlank(stop: unknown): boolean {
  return typeof stop !== 'string' || stop.trim() === '';
}

function firstNumber(...values: readonly unknown[]): number | undefined {
  return values.find((value) => typeof value === 'number');
}

function conversationOf(chat: readonly Json[]): {
  readonly system: readonly Json[];
  readonly messages: readonly Json[];
} {
  const system: Json[] = [];
  const messages: { role: 'user' | 'assistant'; content: Json[] }[] = [];
  const say = (role: 'user' | 'assistant', content: readonly Json[]) => {
    if (content.length === 0) return;
    const last = messages.at(-1);
    // The results of tools stand in one message, and what the user says beside them after them.
    if (last?.role === role && role === 'user') last.content.push(...content);
    else messages.push({ role, content: [...content] });
  };
  for (const message of chat) {
    switch (message.role) {
      case 'system':
      case 'developer':
        if (messages.length === 0) system.push(...partsOf(message.content));
        else say('user', partsOf(message.content));
        break;
      case 'assistant':
        say('assistant', answerBlocks(message));
        break;
      case 'tool':
      case 'function':
        say('user', [resultOf(message)]);
        break;
      default:
        say('user', partsOf(message.content));
    }
  }
  return { system, messages };
}

function answerBlocks(message: Json): Json[] {
  const thoughts = listIn(message.reasoning_details).filter(isJsonObject).flatMap(thinkingBlock);
  const calls = listIn(message.tool_calls).filter(isJsonObject).flatMap(callBlock);
  return [...thoughts, ...partsOf(message.content), ...calls];
}

/** Only thoughts with their signature are taken back. */
function thinkingBlock({ type, text, signature, data }: Json): Json[] {
  if (type === 'reasoning.encrypted' && typeof data === 'string') return [{ type: 'redacted_thinking', data }];
  if (type !== 'reasoning.text' || typeof signature !== 'string' || signature === '') return [];
  return [{ type: 'thinking', thinking: textIn(text), signature }];
}

function callBlock({ id, function: called, custom }: Json): Json[] {
  // Of another model: its free text becomes the one field of an object.
  if (isJsonObject(custom)) {
    return [{ type: 'tool_use', id: toolId(id), name: custom.name, input: { input: textIn(custom.input) } }];
  }
  if (!isJsonObject(called)) return [];
  return [{ type: 'tool_use', id: toolId(id), name: called.name, input: argumentsOf(called.arguments) ?? {} }];
}

function resultOf({ tool_call_id: id, name, content }: Json): Json {
  const parts = partsOf(content);
  return { type: 'tool_result', tool_use_id: toolId(id ?? name), ...(parts.length === 0 ? {} : { content: parts }) };
}

/** Other vendors' ids have dots and colons, which are refused. */
function toolId(id: unknown): string {
  return textIn(id).replace(/[^\w-]/g, '_');
}

/** Texts that are empty are refused. */
function partsOf(content: unknown): Json[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return listIn(content).filter(isJsonObject).flatMap(partOf);
}

const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)(?:;[^,;]*)*;base64,/i;

function partOf(part: Json): Json[] {
  const cache = isJsonObject(part.cache_control) ? { cache_control: part.cache_control } : {};
  if (typeof part.text === 'string') return part.text === '' ? [] : [{ type: 'text', text: part.text, ...cache }];
  const url = isJsonObject(part.image_url) ? textIn(part.image_url.url) : '';
  if (url !== '') return [{ type: 'image', source: sourceOf(url), ...cache }];
  if (isJsonObject(part.file)) return [documentOf(part.file, cache)];
  if (typeof part.refusal === 'string') return part.refusal === '' ? [] : [{ type: 'text', text: part.refusal }];
  return [];
}

function documentOf({ file_data: data, filename }: Json, cache: Json): Json {
  const title = textIn(filename) === '' ? {} : { title: filename };
  return { type: 'document', source: sourceOf(textIn(data)), ...title, ...cache };
}

function sourceOf(url: string): Json {
  const head = DATA_URL.exec(url);
  if (head === null) return { type: 'url', url };
  return { type: 'base64', media_type: head[1], data: url.slice(head[0].length) };
}

function toolsOf({ tools, functions }: ChatBody): Json[] {
  const functionsOfTools = listIn(tools).map((tool) => (isJsonObject(tool) ? tool.function : undefined));
  return [...functionsOfTools, ...listIn(functions)].filter(isJsonObject).map((one) => ({
    name: one.name,
    ...(typeof one.description === 'string' ? { description: one.description } : {}),
    input_schema: isJsonObject(one.parameters) ? { type: 'object', ...one.parameters } : { type: 'object' },
    ...(one.strict === true ? { strict: true } : {}),
  }));
}

function toolChoiceOf({ tool_choice: choice, function_call: older, parallel_tool_calls: parallel }: ChatBody) {
  const asked = namedChoice(choice ?? older);
  if (parallel !== false) return asked;
  return asked?.type === 'none' ? asked : { ...(asked ?? { type: 'auto' }), disable_parallel_tool_use: true };
}

/** @returns undefined for none, and for one that Messages do not know. */
export function namedChoice(choice: unknown): Json | undefined {
  if (choice === 'auto' || choice === 'none') return { type: choice };
  if (choice === 'required') return { type: 'any' };
  if (!isJsonObject(choice)) return undefined;
  // As Anthropic itself writes it.
  if (choice.type === 'auto' || choice.type === 'any' || choice.type === 'none') return { type: choice.type };
  const named = isJsonObject(choice.function) ? choice.function.name : choice.name;
  return typeof named === 'string' ? { type: 'tool', name: named } : undefined;
}

/** A schema has a field of its own; JSON of any form can only be asked for in words. */
function answerFormat(format: unknown): { readonly instructions: readonly Json[]; readonly config: Json } {
  if (!isJsonObject(format)) return { instructions: [], config: {} };
  if (format.type === 'json_object')
    return { instructions: [{ type: 'text', text: 'Answer with one JSON object.' }], config: {} };
  const { json_schema: asked } = format;
  const schema = isJsonObject(asked) ? asked.schema : undefined;
  if (format.type !== 'json_schema' || !isJsonObject(schema)) return { instructions: [], config: {} };
  return { instructions: [], config: { format: { type: 'json_schema', schema } } };
}

/** Parts of the answer's limit that older models may think for. */
const BUDGETS: Readonly<Record<string, number>> = { minimal: 0.1, low: 0.2, medium: 0.5, high: 0.8 };
const MOST_OF_LIMIT = 0.9;
const LEAST_BUDGET = 1_024;

/** As the caller or the model's needs name it; an effort alone as newer models take it. */
function thinkingOf({ thinking, reasoning_effort: effort }: ChatBody, maxTokens: number) {
  if (isJsonObject(thinking) && thinking.type === 'adaptive') {
    return { thinking: { thinking }, config: typeof effort === 'string' ? { effort } : {} };
  }
  if (isJsonObject(thinking)) return { thinking: budgeted(thinking, effort, maxTokens), config: {} };
  if (typeof effort !== 'string') return { thinking: {}, config: {} };
  if (effort === 'none') return { thinking: { thinking: { type: 'disabled' } }, config: {} };
  return { thinking: { thinking: { type: 'adaptive' } }, config: { effort: effort === 'minimal' ? 'low' : effort } };
}

function budgeted(thinking: Json, effort: unknown, maxTokens: number): Json {
  if (thinking.type !== 'enabled' || typeof thinking.budget_tokens === 'number') return { thinking };
  const share = typeof effort === 'string' ? (BUDGETS[effort] ?? MOST_OF_LIMIT) : MOST_OF_LIMIT;
  if (maxTokens <= LEAST_BUDGET) return {};
  const budget = Math.max(LEAST_BUDGET, Math.floor(maxTokens * share));
  return { thinking: { ...thinking, budget_tokens: Math.min(budget, maxTokens - 1) } };
}
