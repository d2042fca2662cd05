/** Items of a conversation in the Responses form as the messages of a chat. Pure. */
import { listIn, textIn } from '../../../core/providers/message.ts';
import { AppError, type FieldError, MOST_ERRORS } from '../../../infra/errors.ts';
import { isJsonObject, isSet, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import type { MessagePath } from '../client-paths.ts';
import { imageUrlOf } from '../image-request.ts';
import { type AskedDocument, askedDocument, filePart } from '../request-files.ts';
import { callOfItem } from './tools.ts';

/** An item, and where the request has it. */
export interface PlacedItem {
  readonly item: unknown;
  readonly path: string;
}

const ROLES = new Set(['user', 'assistant', 'system', 'developer']);
const OUTPUTS = new Set(['function_call_output', 'custom_tool_call_output', 'local_shell_call_output']);
/** What OpenAI's own tools did in an earlier turn, which a chat model has no words for. */
const LEFT_OUT =
  /^(web_search|file_search|code_interpreter|image_generation|computer|mcp|tool_search|compaction|shell|apply_patch)/;
const DETAILS = new Set(['low', 'high', 'auto']);

/**
 * @param errors takes what is wrong; references to kept items are to be resolved before.
 * @param documents takes the files among them that are no texts.
 */
export function chatMessages(
  items: readonly PlacedItem[],
  errors: FieldError[],
  documents: AskedDocument[],
): ChatMessages {
  const conversation = new ChatConversation(errors, documents);
  for (const { item, path } of items) {
    if (errors.length >= MOST_ERRORS) break;
    conversation.add(item, path);
  }
  return conversation.end();
}

export interface ChatMessages {
  readonly messages: readonly Json[];
  /** Where the request has each of them. */
  readonly paths: readonly MessagePath[];
}

/** What the model said in one turn: a chat has its thoughts, its text and its calls in one message. */
interface Turn {
  readonly path: string;
  readonly callPaths: string[];
  reasoning: string;
  content: string | undefined;
  readonly calls: Json[];
}

class ChatConversation {
  readonly #errors: FieldError[];
  readonly #documents: AskedDocument[];
  readonly #messages: Json[] = [];
  readonly #paths: MessagePath[] = [];
  #turn: Turn | undefined;
  /** Images that tools gave: they follow the texts of all tools, as a message of the user. */
  #images: Json[] = [];
  #imagesPath = '';

  constructor(errors: FieldError[], documents: AskedDocument[]) {
    this.#errors = errors;
    this.#documents = documents;
  }

  add(item: unknown, path: string): void {
    if (!isJsonObject(item)) {
      this.#errors.push({ path, message: 'must be an object' });
      return;
    }
    const fileId = fileIdIn(item, path);
    if (fileId !== undefined) {
      this.#errors.push({
        path: fileId,
        message: 'is not supported: files that a provider keeps are those of one account',
      });
      return;
    }
    const type = item.type ?? 'message';
    if (type === 'message') this.#addMessage(item, path);
    else if (type === 'reasoning') this.#ofModel(path).reasoning += thoughtsOf(item);
    else if (typeof type === 'string' && OUTPUTS.has(type)) this.#addOutput(item, path);
    else {
      const call = callOfItem(item);
      if (call !== undefined) {
        if (textIn(item.call_id) === '') this.#errors.push({ path: `${path}.call_id`, message: 'is required' });
        const turn = this.#ofModel(path);
        turn.calls.push(call);
        turn.callPaths.push(path);
      } else if (typeof type !== 'string' || !LEFT_OUT.test(type)) {
        this.#errors.push({ path: `${path}.type`, message: `"${String(type).slice(0, 100)}" is not supported` });
      }
    }
  }

  end(): ChatMessages {
    this.#endTurn();
    this.#endOutputs();
    return { messages: this.#messages, paths: this.#paths };
  }

  #addMessage(item: Json, path: string): void {
    const { role } = item;
    if (typeof role !== 'string' || !ROLES.has(role)) {
      this.#errors.push({ path: `${path}.role`, message: 'must be user, assistant, system or developer' });
      return;
    }
    const content = contentOf(item.content, `${path}.content`, this.#errors, this.#documents);
    if (role !== 'assistant') {
      this.#endTurn();
      this.#endOutputs();
      this.#messages.push({ role, content });
      this.#paths.push({ path: `${path}.content` });
      return;
    }
    if (typeof content !== 'string' && content.some(({ type: part }) => part === 'file')) {
      this.#errors.push({ path: `${path}.content`, message: 'a message of the assistant has no files' });
    }
    const text = typeof content === 'string' ? content : '';
    const turn = this.#ofModel(path);
    // A turn has one text; where its calls wait for their results, nothing may come in between.
    if (turn.content === undefined) turn.content = text;
    else if (turn.calls.length > 0) turn.content += text;
    else {
      this.#endTurn();
      this.#ofModel(path).content = text;
    }
  }

  #addOutput(item: Json, path: string): void {
    this.#endTurn();
    const id = textIn(item.call_id) || textIn(item.id);
    if (id === '') this.#errors.push({ path: `${path}.call_id`, message: 'is required' });
    const content = contentOf(item.output ?? '', `${path}.output`, this.#errors, this.#documents);
    const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    const texts = parts.filter(({ type }) => type === 'text');
    this.#messages.push({ role: 'tool', tool_call_id: id, content: textsTogether(texts) });
    this.#paths.push({ path: `${path}.output` });
    this.#images.push(...parts.filter(({ type }) => type !== 'text'));
    this.#imagesPath = `${path}.output`;
  }

  #ofModel(path: string): Turn {
    if (this.#turn === undefined) {
      this.#endOutputs();
      this.#turn = { path, callPaths: [], reasoning: '', content: undefined, calls: [] };
    }
    return this.#turn;
  }

  #endTurn(): void {
    const turn = this.#turn;
    this.#turn = undefined;
    if (turn === undefined || (turn.content === undefined && turn.calls.length === 0)) return;
    this.#paths.push({ path: turn.path, calls: turn.callPaths });
    this.#messages.push({
      role: 'assistant',
      content: turn.content ?? null,
      ...(turn.reasoning === '' ? {} : { reasoning_content: turn.reasoning }),
      ...(turn.calls.length === 0 ? {} : { tool_calls: turn.calls }),
    });
  }

  #endOutputs(): void {
    if (this.#images.length > 0) {
      this.#messages.push({ role: 'user', content: this.#images });
      this.#paths.push({ path: this.#imagesPath });
    }
    this.#images = [];
  }
}

/** One text where there is nothing but text: many models take no parts outside of a user's message. */
function contentOf(content: unknown, path: string, errors: FieldError[], documents: AskedDocument[]): string | Json[] {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) {
    errors.push({ path, message: 'must be a text or a list of parts' });
    return '';
  }
  const parts: Json[] = [];
  for (const [index, part] of content.entries()) {
    if (errors.length >= MOST_ERRORS) break;
    const read = partOf(part, `${path}[${index}]`, errors, documents);
    if (read !== undefined) parts.push(read);
  }
  return parts.every(({ type }) => type === 'text') ? textsTogether(parts) : parts;
}

function textsTogether(parts: readonly Json[]): string {
  return parts.map(({ text }) => textIn(text)).join('\n\n');
}

function partOf(part: unknown, path: string, errors: FieldError[], documents: AskedDocument[]): Json | undefined {
  if (!isJsonObject(part)) {
    errors.push({ path, message: 'must be a part' });
    return undefined;
  }
  switch (part.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
    case 'summary_text':
    case 'reasoning_text':
      return { type: 'text', text: textIn(part.text) };
    case 'refusal':
      return { type: 'text', text: textIn(part.refusal) };
    case 'input_image':
      return imagePart(part, path, errors);
    case 'input_file':
      return documentPart(part, path, errors, documents);
    default:
      errors.push({ path: `${path}.type`, message: `"${String(part.type).slice(0, 100)}" is not supported` });
      return undefined;
  }
}

function imagePart({ image_url: image, detail }: Json, path: string, errors: FieldError[]): Json | undefined {
  const url = typeof image === 'string' ? image : isJsonObject(image) ? textIn(image.url) : '';
  if (url === '') {
    errors.push({ path: `${path}.image_url`, message: 'is required: images are given by address or as a data URL' });
    return undefined;
  }
  const wanted = typeof detail === 'string' && DETAILS.has(detail) ? { detail } : {};
  try {
    return { type: 'image_url', image_url: { url: imageUrlOf({ url }, path), ...wanted } };
  } catch (error) {
    const [wrong] = error instanceof AppError ? (error.details.errors ?? []) : [];
    if (wrong === undefined) throw error;
    errors.push({ path: `${path}.image_url`, message: wrong.message });
    return undefined;
  }
}

/** What was cited and found in an earlier turn names files, and asks for none. */
const ONLY_NAMES_FILES = new Set(['annotations', 'results']);

/** Where an item asks for a file that the provider keeps; undefined where it does not. */
function fileIdIn(item: Json, path: string): string | undefined {
  const open: (readonly [unknown, string])[] = [[item, path]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, at] = next;
    if (Array.isArray(value)) for (const [index, one] of value.entries()) open.push([one, `${at}[${index}]`]);
    if (!isJsonObject(value) || value.type === 'input_file') continue;
    for (const [name, one] of Object.entries(value)) {
      if (name === 'file_id' && isSet(one)) return `${at}.${name}`;
      if (!ONLY_NAMES_FILES.has(name) && typeof one === 'object') open.push([one, `${at}.${name}`]);
    }
  }
  return undefined;
}

function documentPart(part: Json, path: string, errors: FieldError[], documents: AskedDocument[]): Json | undefined {
  const read = filePart(part);
  const field = ['file_id', 'file_data', 'file_url'].find((name) => isSet(part[name]) && part[name] !== '');
  if (read === undefined) {
    errors.push({ path: `${path}.file_data`, message: 'is required: a file as a data URL, or file_url, or file_id' });
  } else if (read.type === 'file') documents.push(askedDocument(read, `${path}.${field}`));
  return read;
}

/** Begins what a model thought, in an item's `encrypted_content` that was made here. */
const OWN_THOUGHTS = 'gw1:';

/** For models whose thoughts come in the open: a client that keeps nothing brings them back in it. */
export function sealedThoughts(text: string): string {
  return OWN_THOUGHTS + Buffer.from(JSON.stringify({ text })).toString('base64');
}

export function isOwnThought({ encrypted_content: sealed }: Json): boolean {
  return textIn(sealed).startsWith(OWN_THOUGHTS);
}

/** Sealed ones are whole; those of another provider cannot be read here. */
function thoughtsOf({ summary, content, encrypted_content: sealed }: Json): string {
  if (typeof sealed === 'string' && sealed.startsWith(OWN_THOUGHTS)) {
    const opened = parseJson(Buffer.from(sealed.slice(OWN_THOUGHTS.length), 'base64').toString('utf8'));
    if (isJsonObject(opened) && textIn(opened.text) !== '') return textIn(opened.text);
  }
  const texts = (parts: unknown) => listIn(parts).map((part) => (isJsonObject(part) ? textIn(part.text) : ''));
  return texts(content).join('') || texts(summary).join('\n\n');
}
