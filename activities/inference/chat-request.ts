/** Chat requests, in OpenAI's form and in the gateway's own, brought into one body for providers. Pure. */
import type { ChatBody } from '../../core/providers/provider.ts';
import { type FieldError, invalid, MOST_ERRORS } from '../../infra/errors.ts';
import { isInheritedName, isJsonObject, type JsonObject as Json } from '../../infra/json-object.ts';
import { imageUrlOf } from './image-request.ts';
import { filePart } from './request-files.ts';
import { COUNTED_PARTS, changesNothing, GATEWAY_FIELDS, limitErrors, PRICED_FIELDS } from './request-policy.ts';

export interface OpenAiChatInput {
  readonly model: string | undefined;
  readonly body: ChatBody;
  readonly stream: boolean;
  /** The client asked for the usage chunk of a stream. */
  readonly wantsUsage: boolean;
  readonly conversationId: string | undefined;
  readonly persistHistory: boolean;
  readonly requestId: string | undefined;
}

/** Of one message; more than any model takes images. */
const MOST_PARTS = 2_000;

/** What the gateway reads itself; everything else passes to the provider. */
const OWN_FIELDS = new Set([
  'model',
  'stream',
  'stream_options',
  'usage',
  'conversation_id',
  'persist_history',
  'request_id',
  'extra_params',
]);

/** What decides the price or belongs to the gateway cannot be set through `extra_params`. */
const FORBIDDEN_EXTRAS = new Set([
  ...OWN_FIELDS,
  'messages',
  'n',
  'max_tokens',
  'max_completion_tokens',
  'reasoning_effort',
  ...GATEWAY_FIELDS,
  ...PRICED_FIELDS,
]);

/** @throws {AppError} naming each field that is wrong. */
export function openAiChatInput(body: Json): OpenAiChatInput {
  const errors: FieldError[] = [];
  const text = (field: string): string | undefined => {
    const value = body[field];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value === 'string') return value;
    errors.push({ path: field, message: 'must be a string' });
    return undefined;
  };
  const fields = passedOn(body, errors);
  const input: OpenAiChatInput = {
    model: text('model'),
    body: { ...fields, messages: messagesOf(body.messages, errors) },
    stream: body.stream === true,
    wantsUsage: asksForUsage(body),
    conversationId: text('conversation_id'),
    persistHistory: body.persist_history === true,
    requestId: text('request_id'),
  };
  if (errors.length > 0) throw invalid(errors);
  return input;
}

/** In OpenAI's words or in OpenRouter's. */
function asksForUsage({ stream_options: options, usage }: Json): boolean {
  return (isJsonObject(options) && options.include_usage === true) || (isJsonObject(usage) && usage.include === true);
}

/** The fields for the provider: what the client sent, then its extra parameters; null means absent. */
function passedOn(body: Json, errors: FieldError[]): Json {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (isInheritedName(name)) errors.push({ path: name, message: 'is not an allowed name' });
    else if (!OWN_FIELDS.has(name) && name !== 'messages' && value !== null && !changesNothing(name, value))
      fields[name] = value;
  }
  for (const name of GATEWAY_FIELDS) if (name in fields) errors.push({ path: name, message: 'cannot be set' });
  for (const [name, value] of Object.entries(fields)) errors.push(...limitErrors(name, value, name));
  const extra = body.extra_params ?? {};
  if (!isJsonObject(extra)) {
    errors.push({ path: 'extra_params', message: 'must be an object' });
    return fields;
  }
  for (const [name, value] of Object.entries(extra)) {
    if (isInheritedName(name)) errors.push({ path: `extra_params.${name}`, message: 'is not an allowed name' });
    else if (changesNothing(name, value)) continue;
    else if (FORBIDDEN_EXTRAS.has(name)) errors.push({ path: `extra_params.${name}`, message: 'cannot be set here' });
    else fields[name] = value;
  }
  return fields;
}

function messagesOf(messages: unknown, errors: FieldError[]): readonly Json[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    errors.push({ path: 'messages', message: 'must be a list with at least one message' });
    return [];
  }
  return checkedEach(messages, errors, (message, index) => messageOf(message, `messages[${index}]`, errors));
}

/** Stops once no more errors are reported. */
function checkedEach<T>(
  items: readonly unknown[],
  errors: readonly FieldError[],
  checked: (item: unknown, index: number) => T,
): T[] {
  const done: T[] = [];
  for (const [index, item] of items.entries()) {
    if (errors.length >= MOST_ERRORS) break;
    done.push(checked(item, index));
  }
  return done;
}

function messageOf(message: unknown, path: string, errors: FieldError[]): Json {
  if (!isJsonObject(message) || typeof message.role !== 'string') {
    errors.push({ path, message: 'must be an object with a role' });
    return {};
  }
  const inherited = Object.keys(message).find(isInheritedName);
  if (inherited !== undefined) errors.push({ path: `${path}.${inherited}`, message: 'is not an allowed name' });
  const { function_call_id: functionCallId, ...rest } = message;
  return {
    ...rest,
    ...(functionCallId === undefined ? {} : { role: 'tool', tool_call_id: message.tool_call_id ?? functionCallId }),
    ...(message.content === undefined ? {} : { content: contentOf(message.content, `${path}.content`, errors) }),
    ...(Array.isArray(message.tool_calls) ? { tool_calls: message.tool_calls.map(toolCallOf) } : {}),
  };
}

function contentOf(content: unknown, path: string, errors: FieldError[]): unknown {
  if (content === null || typeof content === 'string') return content;
  if (isJsonObject(content)) return [partOf(content, path, errors)];
  if (Array.isArray(content) && content.length > MOST_PARTS) {
    errors.push({ path, message: `must have at most ${MOST_PARTS} items` });
    return '';
  }
  if (Array.isArray(content)) {
    return checkedEach(content, errors, (part, index) => partOf(part, `${path}[${index}]`, errors));
  }
  errors.push({ path, message: 'must be a string, a part or a list of parts' });
  return '';
}

/** `text|input_text` and `image_url|input_image` in all their spellings, also without a type. */
function partOf(part: unknown, path: string, errors: FieldError[]): unknown {
  if (typeof part === 'string') return { type: 'text', text: part };
  if (!isJsonObject(part)) {
    errors.push({ path, message: 'must be a part' });
    return part;
  }
  const type = typeOfPart(part);
  if (type === 'text' || type === 'input_text') return { ...part, type: 'text' };
  if (type === 'file' || type === 'input_file') return documentOf(part, path, errors);
  if (type !== 'image_url' && type !== 'input_image') {
    if (type === undefined) errors.push({ path: `${path}.type`, message: 'is required' });
    else if (!COUNTED_PARTS.has(type)) errors.push({ path: `${path}.type`, message: `"${type}" is not supported` });
    return part;
  }
  try {
    return { type: 'image_url', image_url: imageOf(part, path) };
  } catch (error) {
    if (error instanceof Error) errors.push({ path, message: error.message.replace(`${path}: `, '') });
    return part;
  }
}

function documentOf(part: Json, path: string, errors: FieldError[]): Json {
  const read = filePart(isJsonObject(part.file) ? part.file : part);
  if (read === undefined) {
    const message = 'is required: a file as a data URL in file_data, or by its file_id';
    errors.push({ path: part.type === 'file' ? `${path}.file` : `${path}.file_data`, message });
    return part;
  }
  return isJsonObject(part.cache_control) ? { ...read, cache_control: part.cache_control } : read;
}

/** Some servers go by its other fields where a part has no type. */
function typeOfPart({ type, text, image_url: image }: Json): string | undefined {
  if (typeof type === 'string') return type;
  if (type !== undefined && type !== null) return undefined;
  if (image !== undefined) return 'image_url';
  return typeof text === 'string' ? 'text' : undefined;
}

function imageOf(part: Json, path: string): Json {
  const holder = isJsonObject(part.image_url) ? part.image_url : part;
  const detail = typeof holder.detail === 'string' ? { detail: holder.detail } : {};
  const base64 = textField(holder, 'b64_json') ?? textField(part, 'b64_json');
  const mediaType = textField(holder, 'mime_type') ?? textField(part, 'mime_type');
  if (base64 !== undefined && mediaType !== undefined && !base64.startsWith('data:')) {
    return { url: imageUrlOf({ url: `data:${mediaType};base64,${base64}` }, path), ...detail };
  }
  const url = textField(holder, 'url') ?? (typeof part.image_url === 'string' ? part.image_url : undefined);
  return { url: imageUrlOf({ base64, url }, path), ...detail };
}

function textField(value: Json, field: string): string | undefined {
  const text = value[field];
  return typeof text === 'string' ? text : undefined;
}

/** Arguments are JSON text for providers, whichever way a client wrote them. */
function toolCallOf(call: unknown): unknown {
  if (!isJsonObject(call) || !isJsonObject(call.function) || !isJsonObject(call.function.arguments)) return call;
  return { ...call, function: { ...call.function, arguments: JSON.stringify(call.function.arguments) } };
}

export interface ImageInput {
  readonly base64?: string | undefined;
  readonly url?: string | undefined;
}

/** The body of POST /v1/chat, as checked by its route. */
export interface ChatInput {
  readonly userMessage?: string | undefined;
  readonly history?: readonly { readonly role: string; readonly content: string }[] | undefined;
  readonly images?: readonly ImageInput[] | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** Spellings of the earlier service's clients. */
const OPTION_NAMES: ReadonlyMap<string, string> = new Map([
  ['topP', 'top_p'],
  ['maxTokens', 'max_tokens'],
  ['maxCompletionTokens', 'max_completion_tokens'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['presencePenalty', 'presence_penalty'],
]);

/** Options that the gateway sets itself. */
const OWN_OPTIONS = new Set(['model', 'messages', 'stream', 'stream_options', 'n', ...GATEWAY_FIELDS]);

/** What every call of POST /v1/chat is. */
function isPlainCall(field: string, value: unknown): boolean {
  return (field === 'n' && value === 1) || (field === 'stream' && value === false);
}

/** @throws {AppError} missingParameter when there is nothing to say; invalidParameter for a broken image or option. */
export function chatBodyOf(input: ChatInput): ChatBody {
  const history = input.history ?? [];
  const images = (input.images ?? []).map((image, index) => imageUrlOf(image, `images[${index}]`));
  const text = input.userMessage ?? '';
  if (text === '' && images.length === 0 && history.length === 0) {
    throw invalid([{ path: 'userMessage', message: 'is required' }], 'missingParameter');
  }
  const messages: unknown[] = history.map(({ role, content }) => ({ role, content }));
  if (images.length > 0) {
    const parts = images.map((url) => ({ type: 'image_url', image_url: { url } }));
    messages.push({ role: 'user', content: text === '' ? parts : [{ type: 'text', text }, ...parts] });
  } else if (text !== '') {
    messages.push({ role: 'user', content: text });
  }
  return { ...optionFields(input.options ?? {}), messages };
}

function optionFields(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const errors: FieldError[] = [];
  for (const [name, value] of Object.entries(options)) {
    const field = OPTION_NAMES.get(name) ?? name;
    const path = `options.${name}`;
    if (isInheritedName(name)) errors.push({ path, message: 'is not an allowed name' });
    else if (changesNothing(field, value) || isPlainCall(field, value)) continue;
    else if (OWN_OPTIONS.has(field)) errors.push({ path, message: 'is set by the gateway' });
    else if (value !== null) {
      errors.push(...limitErrors(field, value, path));
      fields[field] = value;
    }
  }
  if (errors.length > 0) throw invalid(errors);
  return fields;
}
