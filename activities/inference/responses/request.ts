/** A request in OpenAI's Responses form: what it asks for, and the chat that asks a model for it. Pure. */
import { textIn } from '../../../core/providers/message.ts';
import type { ChatBody } from '../../../core/providers/provider.ts';
import { type FieldError, invalid } from '../../../infra/errors.ts';
import { isInheritedName, isJsonObject, isSet, type JsonObject as Json } from '../../../infra/json-object.ts';
import { openAiChatInput } from '../chat-request.ts';
import { type ClientPaths, inClientPaths } from '../client-paths.ts';
import type { AskedDocument } from '../request-files.ts';
import { chatMessages, type PlacedItem } from './items.ts';
import { type OfferedTools, offeredTools } from './tools.ts';

export interface ResponsesInput {
  readonly model: string | undefined;
  /** New items: an input that is a text is a message of the user. */
  readonly items: readonly unknown[];
  readonly previousResponseId: string | undefined;
  readonly conversationId: string | undefined;
  readonly stream: boolean;
  readonly background: boolean;
  /** Whether the response is kept, to be asked for and gone on from. */
  readonly store: boolean;
  readonly requestId: string | undefined;
  readonly tools: OfferedTools;
  /** Whether thoughts are also sent as a sealed text that a client brings back: for those that keep nothing here. */
  readonly sealed: boolean;
  /** Unix time in seconds. */
  readonly createdAt: number;
  /** The request as its client wrote it, without its items. */
  readonly rest: Json;
  /** What the response repeats of the request. */
  readonly echo: Json;
  /** The fields of the chat beside its messages, as they were asked for. */
  readonly fields: Json;
}

/** They mean the same to a chat model, under the same name. */
const SAME_IN_CHAT = [
  ...['temperature', 'top_p', 'parallel_tool_calls', 'user', 'safety_identifier', 'service_tier'],
  ...['prompt_cache_key', 'prompt_cache_retention'],
];

/** What the gateway reads itself or repeats in the response, and what only OpenAI's own service does. */
const READ = new Set([
  ...SAME_IN_CHAT,
  ...['model', 'input', 'instructions', 'previous_response_id', 'conversation', 'stream', 'stream_options', 'store'],
  ...['background', 'tools', 'tool_choice', 'reasoning', 'text', 'include', 'max_output_tokens', 'max_tool_calls'],
  ...['top_logprobs', 'truncation', 'metadata', 'client_metadata', 'context_management', 'request_id', 'moderation'],
  ...['prompt_cache_options', 'n'],
]);

/** Fields of a chat that would be lost beside those of a response, and what stands for them. */
const CHAT_ONLY: ReadonlyMap<string, string> = new Map([
  ['messages', 'input'],
  ['max_tokens', 'max_output_tokens'],
  ['max_completion_tokens', 'max_output_tokens'],
  ['response_format', 'text.format'],
  ['reasoning_effort', 'reasoning.effort'],
  ['functions', 'tools'],
  ['function_call', 'tool_choice'],
  ['logprobs', 'top_logprobs'],
  ['conversation_id', 'conversation'],
  ['persist_history', 'conversation'],
]);
const NOT_TAKEN = new Set(['prompt', 'extra_params']);

const MOST_TOKENS = 10_000_000;
const LOGPROBS = 'message.output_text.logprobs';
const SEALED = 'reasoning.encrypted_content';

/** @throws {AppError} naming each field that is wrong. */
export function responsesInput(body: Json, nowMs: number): ResponsesInput {
  const errors: FieldError[] = [];
  const tools = offeredTools(body, errors);
  const include = Array.isArray(body.include) ? body.include : [];
  const store = body.store !== false;
  const input: ResponsesInput = {
    model: textOrNone(body, 'model', errors),
    items: itemsOf(body.input),
    previousResponseId: textOrNone(body, 'previous_response_id', errors),
    conversationId: conversationOf(body.conversation, errors),
    stream: body.stream === true,
    background: body.background === true,
    store,
    requestId: textOrNone(body, 'request_id', errors),
    tools,
    sealed: include.includes(SEALED),
    createdAt: Math.floor(nowMs / 1_000),
    rest: restOf(body),
    echo: echoOf(body, tools, store),
    fields: chatFields(body, tools, include, errors),
  };
  if (input.background && !store) errors.push({ path: 'store', message: 'must not be false with background' });
  if (input.background && input.conversationId !== undefined) {
    errors.push({ path: 'conversation', message: 'cannot be given together with background' });
  }
  if (input.previousResponseId !== undefined && input.conversationId !== undefined) {
    errors.push({ path: 'conversation', message: 'cannot be given together with previous_response_id' });
  }
  if (input.items.length === 0 && input.previousResponseId === undefined && textIn(body.instructions) === '') {
    errors.push({ path: 'input', message: 'is required' });
  }
  if (errors.length > 0) throw invalid(errors);
  return input;
}

/** What stands for these fields of a chat. */
const CLIENT_FIELDS = {
  max_tokens: 'max_output_tokens',
  max_completion_tokens: 'max_output_tokens',
  response_format: 'text.format',
  reasoning_effort: 'reasoning.effort',
  enable_thinking: 'reasoning.effort',
  thinking: 'reasoning.effort',
  verbosity: 'text.verbosity',
  logprobs: 'top_logprobs',
  // Those that are not offered have no place in the chat.
  tools: 'tools',
};

export interface ChatOfResponse {
  readonly chat: ChatBody;
  readonly paths: ClientPaths;
}

/**
 * The chat, with the items of earlier responses before those of this one.
 * @param documents takes the files among them that are no texts. @throws {AppError} naming each field that is wrong.
 */
export function chatOfResponse(
  input: ResponsesInput,
  items: readonly PlacedItem[],
  documents: AskedDocument[],
): ChatOfResponse {
  const errors: FieldError[] = [];
  const instructions = textIn(input.echo.instructions);
  const { messages, paths: ofItems } = chatMessages(items, errors, documents);
  if (errors.length > 0) throw invalid(errors);
  const system = instructions === '' ? [] : [{ role: 'system', content: instructions }];
  if (system.length + messages.length === 0) throw invalid([{ path: 'input', message: 'has nothing for the model' }]);
  const instructed = system.length === 0 ? [] : [{ path: 'instructions' }];
  const paths = { messages: [...instructed, ...ofItems], fields: CLIENT_FIELDS };
  try {
    return { chat: openAiChatInput({ ...input.fields, messages: [...system, ...messages] }).body, paths };
  } catch (error) {
    throw inClientPaths(error, paths);
  }
}

/** The items of a request with their places in it. */
export function placedItems(items: readonly unknown[]): PlacedItem[] {
  return items.map((item, index) => ({ item, path: `input[${index}]` }));
}

function restOf({ input: _input, ...rest }: Json): Json {
  return rest;
}

function itemsOf(input: unknown): readonly unknown[] {
  if (typeof input !== 'string') return Array.isArray(input) ? input : [];
  return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }];
}

function textOrNone(body: Json, name: string, errors: FieldError[]): string | undefined {
  const value = body[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  errors.push({ path: name, message: 'must be a string' });
  return undefined;
}

function conversationOf(value: unknown, errors: FieldError[]): string | undefined {
  const id = isJsonObject(value) ? value.id : value;
  if (id === undefined || id === null || id === '') return undefined;
  if (typeof id === 'string') return id;
  errors.push({ path: 'conversation', message: 'must be the id of a conversation' });
  return undefined;
}

function chatFields(body: Json, tools: OfferedTools, include: readonly unknown[], errors: FieldError[]): Json {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (value === null || value === undefined) continue;
    const instead = CHAT_ONLY.get(name);
    if (instead !== undefined) errors.push({ path: name, message: `is a field of chats; here it is ${instead}` });
    else if (isInheritedName(name)) errors.push({ path: name, message: 'is not an allowed name' });
    else if (name === 'n' ? value !== 1 : NOT_TAKEN.has(name)) errors.push({ path: name, message: 'is not supported' });
    else if (!READ.has(name)) fields[name] = value;
  }
  for (const name of SAME_IN_CHAT) if (isSet(body[name])) fields[name] = body[name];
  const { max_output_tokens: limit, top_logprobs: logprobs } = body;
  if (isSet(limit)) {
    if (isCount(limit)) fields.max_tokens = limit;
    else errors.push({ path: 'max_output_tokens', message: `must be an integer from 1 to ${MOST_TOKENS}` });
  }
  if (isSet(logprobs) && logprobs !== 0) fields.top_logprobs = logprobs;
  if (fields.top_logprobs !== undefined || include.includes(LOGPROBS)) fields.logprobs = true;
  if (tools.functions !== undefined) fields.tools = tools.functions;
  else delete fields.parallel_tool_calls;
  if (tools.choice !== undefined) fields.tool_choice = tools.choice;
  addReasoning(body.reasoning, fields, errors);
  addText(body.text, fields, errors);
  return fields;
}

function addReasoning(reasoning: unknown, fields: Record<string, unknown>, errors: FieldError[]): void {
  if (!isSet(reasoning)) return;
  if (!isJsonObject(reasoning)) errors.push({ path: 'reasoning', message: 'must be an object' });
  else if (isSet(reasoning.effort)) fields.reasoning_effort = reasoning.effort;
}

function addText(text: unknown, fields: Record<string, unknown>, errors: FieldError[]): void {
  if (!isSet(text)) return;
  if (!isJsonObject(text)) {
    errors.push({ path: 'text', message: 'must be an object' });
    return;
  }
  if (isSet(text.verbosity)) fields.verbosity = text.verbosity;
  const { format } = text;
  if (!isSet(format) || (isJsonObject(format) && format.type === 'text')) return;
  if (isJsonObject(format) && format.type === 'json_object') fields.response_format = { type: 'json_object' };
  else if (isJsonObject(format) && format.type === 'json_schema' && isJsonObject(format.schema)) {
    const { type: _type, ...schema } = format;
    fields.response_format = { type: 'json_schema', json_schema: schema };
  } else errors.push({ path: 'text.format', message: 'must be text, json_object, or json_schema with a schema' });
}

function echoOf(body: Json, { kept }: OfferedTools, store: boolean): Json {
  const reasoning = isJsonObject(body.reasoning) ? body.reasoning : {};
  const text = isJsonObject(body.text) ? body.text : {};
  const conversation = isJsonObject(body.conversation) ? body.conversation.id : body.conversation;
  return {
    background: body.background === true,
    ...(isSet(conversation) ? { conversation: { id: conversation } } : {}),
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    ...(isSet(body.prompt_cache_key) ? { prompt_cache_key: body.prompt_cache_key } : {}),
    reasoning: { effort: reasoning.effort ?? null, summary: reasoning.summary ?? reasoning.generate_summary ?? null },
    ...(isSet(body.safety_identifier) ? { safety_identifier: body.safety_identifier } : {}),
    store,
    temperature: body.temperature ?? 1,
    text: { format: text.format ?? { type: 'text' }, ...(isSet(text.verbosity) ? { verbosity: text.verbosity } : {}) },
    tool_choice: body.tool_choice ?? 'auto',
    tools: kept,
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: 'disabled',
    ...(isSet(body.user) ? { user: body.user } : {}),
    metadata: body.metadata ?? {},
  };
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST_TOKENS;
}
