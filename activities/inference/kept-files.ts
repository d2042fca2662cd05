/** Files that a request names by their ids: which of them are texts, before it is planned, and their bytes, before it is sent. */
import { isUtf8 } from 'node:buffer';
import type { FileStore } from '../../core/files/file-store.ts';
import { listIn, textIn } from '../../core/providers/message.ts';
import type { ChatBody } from '../../core/providers/provider.ts';
import { type AppError, invalid } from '../../infra/errors.ts';
import type { Room } from '../../infra/held-bytes.ts';
import { isJsonObject, type JsonObject as Json } from '../../infra/json-object.ts';
import { type ClientPaths, inClientPaths } from './client-paths.ts';
import type { PromptSize } from './plan.ts';
import { headOf, PDF, textPart } from './request-files.ts';

const PDF_BEGIN = Buffer.from('%PDF-');

export interface KeptFile {
  readonly filename: string;
  readonly bytes: Buffer;
}

/** @returns undefined for a file that is not there or not the user's. */
export type ReadKeptFile = (
  id: string,
  reader: { readonly userId: number; readonly room: Room; readonly mostBytes: number },
) => Promise<KeptFile | 'too-large' | undefined>;

export function keptFileReader(files: Pick<FileStore, 'find' | 'read'>): ReadKeptFile {
  return async (id, { userId, room, mostBytes }) => {
    const stored = await files.find(id, userId);
    if (stored === undefined) return undefined;
    if (stored.bytes > mostBytes) return 'too-large';
    room.take(stored.bytes);
    const pieces: Buffer[] = [];
    for await (const piece of files.read(stored)) pieces.push(piece);
    return { filename: stored.filename, bytes: Buffer.concat(pieces) };
  };
}

/** Of one request, which is in memory as long as it runs. */
const MOST_KEPT_FILES = 10;
/** Of an id in an error. */
const MOST_SHOWN = 100;
const MOST_BYTES_TOGETHER = 32 * 1024 * 1024;
/** No model reads a longer text, and it would hold the process up. */
const MOST_TEXT_BYTES = 8 * 1024 * 1024;

/** What is asked of a model, in the client's form and as a chat. */
interface Readable {
  readonly body: ChatBody;
  readonly native?: { readonly form: string; readonly body: Json; readonly paths?: ClientPaths } | undefined;
}

/** Kept files that are texts, by their ids, with the bytes that a model reads of each. */
export type KeptTexts = ReadonlyMap<string, number>;
const NO_TEXTS: KeptTexts = new Map();

export type FindKeptTexts = (request: Readable, userId: number) => KeptTexts | Promise<KeptTexts>;

/**
 * What a plan has to know of the kept files of a request before they are read: those that are texts count as such, and
 * every model takes them.
 */
export function keptTextFinder(files: Pick<FileStore, 'begins'>): FindKeptTexts {
  return (request, userId) => {
    const ids = [...placesIn(request.body).keys()];
    // Of more the request is refused when they are read.
    return ids.length === 0 || ids.length > MOST_KEPT_FILES ? NO_TEXTS : findTexts(files, ids, userId);
  };
}

async function findTexts(files: Pick<FileStore, 'begins'>, ids: readonly string[], userId: number): Promise<KeptTexts> {
  const found = await files.begins(ids, userId);
  const texts = found.filter(({ begin }) => !isPdf(begin));
  return new Map(texts.map(({ id, filename, bytes }) => [id, Buffer.byteLength(headOf(filename)) + bytes]));
}

/** The size of a request, in which each kept file is one that only the provider can count, with its texts counted. */
export function sizeWithTexts(size: PromptSize, request: Readable, texts: KeptTexts): PromptSize {
  if (texts.size === 0) return size;
  const { body, native } = request;
  const named =
    native?.form === 'responses'
      ? listIn(native.body.input).flatMap((item) => [...idsOfParts(item, 'content'), ...idsOfParts(item, 'output')])
      : body.messages.flatMap((message) => idsOfParts(message, 'content'));
  const bytes = named.flatMap((id) => texts.get(id) ?? []);
  return {
    ...size,
    textBytes: bytes.reduce((sum, each) => sum + each, size.textBytes),
    uncounted: (size.uncounted ?? 0) - bytes.length,
  };
}

/**
 * The request with the bytes of the files that it names by id. The same where it names none.
 * @throws {AppError} invalidParameter for a file that is not there, or neither a PDF nor a text; what the room throws.
 */
export async function withKeptFiles<Request extends Readable>(
  request: Request,
  read: ReadKeptFile,
  reader: { readonly userId: number; readonly room: Room },
): Promise<Request> {
  const places = placesIn(request.body);
  if (places.size === 0) return request;
  try {
    return withFiles(request, await readFiles(places, read, reader));
  } catch (error) {
    throw inClientPaths(error, request.native?.paths);
  }
}

async function readFiles(
  places: ReadonlyMap<string, string>,
  read: ReadKeptFile,
  reader: { readonly userId: number; readonly room: Room },
): Promise<ReadonlyMap<string, ReadFile>> {
  const files = new Map<string, ReadFile>();
  let left = MOST_BYTES_TOGETHER;
  for (const [id, path] of places) {
    const refuse = (message: string) => invalid([{ path, message }]);
    if (files.size === MOST_KEPT_FILES) throw refuse(`at most ${MOST_KEPT_FILES} files may be given by id`);
    const file = await read(id, { ...reader, mostBytes: left });
    if (file === undefined) throw refuse(`there is no file ${id.slice(0, MOST_SHOWN)}`);
    if (file === 'too-large') throw refuse(`files that are given by id may have ${MOST_BYTES_TOGETHER} bytes together`);
    left -= file.bytes.length;
    files.set(id, readFile(file, refuse));
  }
  return files;
}

function withFiles<Request extends Readable>(request: Request, files: ReadonlyMap<string, ReadFile>): Request {
  const { body, native } = request;
  const inChat = (part: Json) => {
    const file = isJsonObject(part.file) ? files.get(textIn(part.file.file_id)) : undefined;
    return file === undefined ? part : file.inChat();
  };
  const inResponse = (part: Json) => {
    const file = part.type === 'input_file' ? files.get(textIn(part.file_id)) : undefined;
    return file === undefined ? part : { type: 'input_file', ...file.fields() };
  };
  return {
    ...request,
    body: { ...body, messages: body.messages.map((message) => withParts(message, 'content', inChat)) },
    ...(native?.form === 'responses'
      ? {
          native: {
            ...native,
            body: {
              ...native.body,
              input: listIn(native.body.input).map((item) =>
                withParts(withParts(item, 'content', inResponse), 'output', inResponse),
              ),
            },
          },
        }
      : {}),
  };
}

/** The files that a chat names, each with the first place that does. */
function placesIn({ messages }: ChatBody): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  for (const [index, message] of messages.entries()) {
    for (const [place, part] of listIn(isJsonObject(message) ? message.content : undefined).entries()) {
      const id = idOfPart(part);
      if (id !== '' && !places.has(id)) places.set(id, `messages[${index}].content[${place}].file.file_id`);
    }
  }
  return places;
}

/** Of the parts of a chat's message, or of an item of a response. */
function idsOfParts(holder: unknown, field: string): string[] {
  return listIn(isJsonObject(holder) ? holder[field] : undefined)
    .map(idOfPart)
    .filter((id) => id !== '');
}

/** Empty for none. */
function idOfPart(part: unknown): string {
  if (!isJsonObject(part)) return '';
  return textIn(part.type === 'input_file' ? part.file_id : isJsonObject(part.file) ? part.file.file_id : undefined);
}

function withParts(holder: unknown, field: string, changed: (part: Json) => Json): unknown {
  if (!isJsonObject(holder) || !Array.isArray(holder[field])) return holder;
  return { ...holder, [field]: holder[field].map((part: unknown) => (isJsonObject(part) ? changed(part) : part)) };
}

function isPdf(bytes: Buffer): boolean {
  return bytes.subarray(0, PDF_BEGIN.length).equals(PDF_BEGIN);
}

/** A file in the forms that a model is asked in, each made once and where it is needed. */
interface ReadFile {
  readonly inChat: () => Json;
  /** Of a file in OpenAI's forms. */
  readonly fields: () => Json;
}

function readFile({ filename, bytes }: KeptFile, refuse: (message: string) => AppError): ReadFile {
  const isText = !isPdf(bytes);
  if (isText && bytes.length > MOST_TEXT_BYTES) throw refuse(`is a text of more than ${MOST_TEXT_BYTES} bytes`);
  if (isText && !isUtf8(bytes)) throw refuse('is a file that is neither a PDF nor a text');
  const fields = once(() => ({
    filename,
    file_data: `data:${isText ? 'text/plain' : PDF};base64,${bytes.toString('base64')}`,
  }));
  return { fields, inChat: once(() => (isText ? textPart(bytes, filename) : { type: 'file', file: fields() })) };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
