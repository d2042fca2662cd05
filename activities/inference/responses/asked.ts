/**
 * A request in the Responses form as models are asked it: as a chat, and as it is for those that are asked by /responses
 * themselves. These keep nothing, and are sent all items. Pure.
 */
import { withContext } from '../../../core/conversations/turn.ts';
import { listIn, textIn } from '../../../core/providers/message.ts';
import type { ChatBody } from '../../../core/providers/provider.ts';
import { isJsonObject, isSet, type JsonObject as Json } from '../../../infra/json-object.ts';
import type { MessagePath } from '../client-paths.ts';
import type { NativeChat } from '../native.ts';
import type { PromptSize } from '../plan.ts';
import { type AskedDocument, isTextFile } from '../request-files.ts';
import { pricedInChat } from '../request-policy.ts';
import { callIn } from './answer.ts';
import { isOwnThought, type PlacedItem } from './items.ts';
import { chatOfResponse, placedItems, type ResponsesInput } from './request.ts';

/** The same request in both forms. */
export interface AskedResponse {
  readonly body: ChatBody;
  readonly native: NativeChat;
}

/**
 * The chat, with the items of earlier responses before those of this one, and the response as it may be passed on.
 * @param context messages of the kept conversation. @throws {AppError} naming each field that is wrong.
 */
export function askedResponse(
  input: ResponsesInput,
  items: readonly PlacedItem[],
  context: readonly unknown[] = [],
): AskedResponse {
  const documents: AskedDocument[] = [];
  const { chat, paths } = chatOfResponse(input, items, documents);
  const all = items.map(({ item }) => item);
  return {
    body: { ...chat, messages: withContext(chat.messages, context) },
    native: {
      ...nativeResponse(input, withContext(all, context), chat, documents),
      paths: { ...paths, messages: withContextPaths(paths.messages, chat.messages, context.length) },
    },
  };
}

/** As `withContext` puts them in. */
function withContextPaths(
  paths: readonly MessagePath[],
  messages: readonly unknown[],
  contextLength: number,
): readonly MessagePath[] {
  const first = messages.findIndex((message) => isJsonObject(message) && message.role === 'user');
  const place = first === -1 ? messages.length : first;
  const context = Array.from({ length: contextLength }, () => ({ path: 'conversation' }));
  return [...paths.slice(0, place), ...context, ...paths.slice(place)];
}

/** The messages of the chat without those of a kept conversation. @throws {AppError} naming each field that is wrong. */
export function messagesOfResponse(input: ResponsesInput): readonly unknown[] {
  return chatOfResponse(input, placedItems(input.items), []).chat.messages;
}

/** The gateway's own, and what is set anew: `tools` without those that are not offered. */
const NOT_PASSED_ON = new Set([
  ...['model', 'input', 'tools', 'previous_response_id', 'conversation', 'store', 'stream', 'background', 'request_id'],
]);
const OF_TOOLS = new Set(['tool_choice', 'parallel_tool_calls', 'max_tool_calls']);

/**
 * @param items all that the model reads. @param chat the same as a chat. @param documents of it that are no texts.
 */
function nativeResponse(
  input: ResponsesInput,
  items: readonly unknown[],
  chat: ChatBody,
  documents: readonly AskedDocument[],
): Omit<NativeChat, 'paths'> {
  const { kept } = input.tools;
  const passed = Object.entries(input.rest).filter(
    ([name, value]) => isSet(value) && !NOT_PASSED_ON.has(name) && (kept.length > 0 || !OF_TOOLS.has(name)),
  );
  const body = {
    ...Object.fromEntries(passed),
    ...(kept.length === 0 ? {} : { tools: kept }),
    input: items.filter(isReadable).map(withoutId),
  };
  return { form: 'responses', body, headers: {}, size: sizeOf(body), priced: pricedInChat(chat), untold: documents };
}

/** Thoughts in the open, as chat models have them, are nothing that this interface takes back. */
function isReadable(item: unknown): boolean {
  if (!isJsonObject(item) || item.type !== 'reasoning') return true;
  return textIn(item.encrypted_content) !== '' && !isOwnThought(item);
}

/** Their interface requires it: of calls of tools that OpenAI runs, and where it names the call. */
const NEEDS_ID =
  /^(file_search_call|code_interpreter_call|image_generation_call|computer_call|mcp_\w+|local_shell_call_output)$/;

/** Nothing is kept there to be found by an id, and sealed thoughts are refused beside another id than that of their provider. */
function withoutId(item: unknown): unknown {
  if (!isJsonObject(item) || item.id === undefined) return item;
  const { id, ...rest } = item;
  const isNeeded = NEEDS_ID.test(textIn(item.type)) && callIn(textIn(id)) === undefined;
  return isNeeded ? item : rest;
}

/** Role markers and separators around each item, as for chats. */
const TOKENS_AROUND_ITEM = 16;
/** Fields that the model does not read. */
const NOT_READ = new Set(['input', 'metadata', 'client_metadata', 'include', 'stream_options']);

function sizeOf(body: Json): PromptSize {
  const size = { textBytes: 0, images: 0, uncounted: 0 };
  for (const [name, value] of Object.entries(body)) {
    if (!NOT_READ.has(name) && (typeof value === 'object' || typeof value === 'string'))
      size.textBytes += bytesOf(value);
  }
  for (const item of listIn(body.input)) {
    size.textBytes += TOKENS_AROUND_ITEM;
    if (!isJsonObject(item)) continue;
    const { content, output, ...rest } = item;
    size.textBytes += bytesOf(rest);
    addParts(content, size);
    addParts(output, size);
  }
  return size;
}

function addParts(parts: unknown, size: { textBytes: number; images: number; uncounted: number }): void {
  if (!Array.isArray(parts)) {
    size.textBytes += bytesOf(parts);
    return;
  }
  for (const part of parts) {
    if (isJsonObject(part) && part.type === 'input_image') size.images += 1;
    else if (isJsonObject(part) && part.type === 'input_file' && !isTextFile(part)) size.uncounted += 1;
    else size.textBytes += bytesOf(part);
  }
}

function bytesOf(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));
}
