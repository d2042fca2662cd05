/** A request in the form of Anthropic's Messages: what it is held for, and the same as a chat. Pure. */
import type { ChatBody } from '../../../core/providers/provider.ts';
import { type FieldError, invalid, MOST_ERRORS } from '../../../infra/errors.ts';
import { isInheritedName, isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import type { NativeChat } from '../native.ts';
import type { PromptSize } from '../plan.ts';
import { GATEWAY_FIELDS, limitErrors, type PricedUse } from '../request-policy.ts';
import { isOfVendor, messagesInChat } from './in-chat.ts';

export interface MessagesInput {
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly body: ChatBody;
  readonly native: NativeChat;
  /** What the client says of its user, which keeps one user's calls together. */
  readonly user: string | undefined;
}

type ClientHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Of one message. */
const MOST_BLOCKS = 10_000;
/** They belong to the form, and pass on with it. */
const HEADERS = ['anthropic-version', 'anthropic-beta'];

/**
 * @param body with a limit, unless only its tokens are to be counted.
 * @throws {AppError} naming each field that is wrong.
 */
export function messagesInput(body: Json, headers: ClientHeaders): MessagesInput {
  const errors: FieldError[] = [];
  if (body.max_tokens !== undefined) errors.push(...limitErrors('max_tokens', body.max_tokens, 'max_tokens'));
  for (const name of Object.keys(body)) {
    if (isInheritedName(name)) errors.push({ path: name, message: 'is not an allowed name' });
    else if (GATEWAY_FIELDS.has(name)) errors.push({ path: name, message: 'cannot be set' });
  }
  checkMessages(body.messages, errors);
  if (body.system !== undefined && body.system !== null) checkBlocks(body.system, 'system', errors);
  if (errors.length > 0) throw invalid(errors);
  const { chat, untold, paths } = messagesInChat(body);
  const { metadata } = body;
  const userId = isJsonObject(metadata) ? metadata.user_id : undefined;
  return {
    model: typeof body.model === 'string' && body.model !== '' ? body.model : undefined,
    stream: body.stream === true,
    body: chat,
    native: {
      form: 'messages',
      body,
      headers: headersOf(headers),
      size: sizeOf(body),
      priced: pricedIn(body),
      untold,
      paths,
    },
    user: typeof userId === 'string' && userId !== '' ? userId : undefined,
  };
}

function headersOf(headers: ClientHeaders): Record<string, string> {
  const passed = HEADERS.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : []));
  return Object.fromEntries(passed);
}

function checkMessages(messages: unknown, errors: FieldError[]): void {
  if (!Array.isArray(messages) || messages.length === 0) {
    errors.push({ path: 'messages', message: 'must be a list with at least one message' });
    return;
  }
  for (const [index, message] of messages.entries()) {
    if (errors.length >= MOST_ERRORS) return;
    checkMessage(message, `messages.${index}`, errors);
  }
}

function checkMessage(message: unknown, path: string, errors: FieldError[]): void {
  if (!isJsonObject(message) || typeof message.role !== 'string') {
    errors.push({ path, message: 'must be an object with a role' });
    return;
  }
  checkNames(message, path, errors);
  checkBlocks(message.content, `${path}.content`, errors);
}

function checkBlocks(content: unknown, path: string, errors: FieldError[]): void {
  if (typeof content === 'string') return;
  if (!Array.isArray(content) || content.length > MOST_BLOCKS) {
    errors.push({ path, message: `must be a string or a list of at most ${MOST_BLOCKS} blocks` });
    return;
  }
  for (const [index, block] of content.entries()) {
    if (errors.length >= MOST_ERRORS) return;
    const at = `${path}.${index}`;
    if (!isJsonObject(block) || typeof block.type !== 'string') {
      errors.push({ path: at, message: 'must be a block with a type' });
      continue;
    }
    checkNames(block, at, errors);
    const file = fileIdPath(block, at);
    if (file !== undefined) errors.push({ path: file, message: KEPT_ELSEWHERE });
    if (block.type === 'tool_result' && Array.isArray(block.content)) {
      checkBlocks(block.content, `${at}.content`, errors);
    }
  }
}

const KEPT_ELSEWHERE =
  'is not supported: files that a provider keeps are those of one account; a document is given by its bytes, text or address';

/** Where a block asks for a file that the provider keeps; undefined where it does not. */
function fileIdPath({ type, source }: Json, path: string): string | undefined {
  if (isJsonObject(source) && source.type === 'file') return `${path}.source.file_id`;
  return type === 'container_upload' ? `${path}.file_id` : undefined;
}

function checkNames(fields: Json, path: string, errors: FieldError[]): void {
  const inherited = Object.keys(fields).find(isInheritedName);
  if (inherited !== undefined) errors.push({ path: `${path}.${inherited}`, message: 'is not an allowed name' });
}

/** Role markers and separators around each message, as for chats. */
const TOKENS_AROUND_MESSAGE = 16;
/** What the vendor adds to the prompt for tools: 290 to 804 tokens by its documents, and more for tools of its own. */
const TOKENS_OF_TOOL_USE = 1_000;
/** Fields for the vendor, which the model does not read. */
const UNTOLD_FIELDS = new Set(['model', 'messages', 'metadata', 'stream', 'stop_sequences', 'betas', 'container']);

function sizeOf(body: Json): PromptSize {
  const size = { textBytes: 0, images: 0, uncounted: 0 };
  for (const message of listOf(body.messages)) {
    size.textBytes += TOKENS_AROUND_MESSAGE;
    addContent(isJsonObject(message) ? message.content : undefined, size);
  }
  for (const [name, value] of Object.entries(body)) {
    if (!UNTOLD_FIELDS.has(name) && typeof value === 'object' && value !== null) size.textBytes += bytesOf(value);
    else if (name === 'system') size.textBytes += bytesOf(value);
  }
  const tools = listOf(body.tools);
  if (tools.length > 0) size.textBytes += TOKENS_OF_TOOL_USE * (1 + tools.filter(isOfVendor).length);
  return size;
}

function addContent(content: unknown, size: { textBytes: number; images: number; uncounted: number }): void {
  if (typeof content === 'string') size.textBytes += Buffer.byteLength(content);
  for (const block of listOf(content)) {
    if (!isJsonObject(block)) continue;
    const source = isJsonObject(block.source) ? block.source : {};
    if (block.type === 'image') size.images += 1;
    else if (block.type === 'tool_result' || block.type === 'search_result') {
      const { content: inner, ...rest } = block;
      size.textBytes += bytesOf(rest);
      addContent(inner, size);
    } else if (block.type === 'document' && source.type === 'content') addContent(source.content, size);
    else if (block.source !== undefined && source.type !== 'text') size.uncounted += 1;
    else if (block.type === 'container_upload') size.uncounted += 1;
    else size.textBytes += bytesOf(block);
  }
}

function bytesOf(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Tools that the caller runs, or that cost no more than their tokens. */
const PLAIN_TOOLS = /^(custom$|bash_|text_editor_|computer_|memory_|tool_search_tool_)/;
const SEARCH_TOOL = /^web_search(_|$)/;

/** What makes a call dearer than its tokens. */
function pricedIn(body: Json): PricedUse[] {
  const tools = listOf(body.tools).flatMap((tool, index): PricedUse[] => {
    if (!isJsonObject(tool) || !isOfVendor(tool) || PLAIN_TOOLS.test(String(tool.type))) return [];
    const field = SEARCH_TOOL.test(String(tool.type)) ? 'web_search' : 'tools';
    return [{ field, path: `tools.${index}.type`, value: tool.type }];
  });
  const { speed, service_tier: tier, inference_geo: place, mcp_servers: servers } = body;
  const isPlain = (value: unknown, plain: readonly unknown[]) => value == null || plain.includes(value);
  return [
    ...tools,
    ...(listOf(servers).length === 0 ? [] : [{ field: 'mcp_servers', path: 'mcp_servers', value: servers }]),
    ...(isPlain(place, ['global']) ? [] : [{ field: 'inference_geo', path: 'inference_geo', value: place }]),
    ...(isPlain(speed, ['standard']) ? [] : [{ field: 'service_tier', path: 'speed', value: speed }]),
    ...(isPlain(tier, ['auto', 'standard_only']) ? [] : [{ field: 'service_tier', path: 'service_tier', value: tier }]),
  ];
}
