/**
 * Chunks that differ in nothing but their text, as nearly all of a stream do: those after the first are read by looking
 * at what stands around the text, which takes a fraction of the time of parsing them. Pure.
 */
import { isJsonObject, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import type { ChatChunk, ChunkForm, SaidText } from '../provider.ts';

/** A stream whose chunks are never alike (two choices in turn, an id for each) is not searched for ever. */
const MOST_IN_VAIN = 4;
/** What JSON does not allow in a text as it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is searched for
const NOT_PLAIN = /["\\\u0000-\u001f]/;
/** Stands for a text where a form is tried. */
const ANY_TEXT = '~';

export class TextChunks {
  #form: ChunkForm | undefined;
  /** Forms in a row that no further chunk had. */
  #inVain = 0;

  /** @returns undefined for a chunk that is not like the one before. */
  read(data: string): ChatChunk | undefined {
    const form = this.#form;
    if (!form || data.length <= form.before.length + form.after.length) return undefined;
    if (!data.startsWith(form.before) || !data.endsWith(form.after)) return undefined;
    const written = data.slice(form.before.length, data.length - form.after.length);
    const text = NOT_PLAIN.test(written) ? parseJson(`"${written}"`) : ownCopy(written);
    if (typeof text !== 'string') return undefined;
    this.#inVain = 0;
    return new TextChunk(data, { form, written, text });
  }

  /** @param chunk the one that was read last; undefined where it was changed for the client. */
  learn(chunk: ChatChunk | undefined): void {
    this.#form = chunk && this.#inVain < MOST_IN_VAIN ? formOf(chunk) : undefined;
    if (this.#form) this.#inVain += 1;
  }
}

class TextChunk implements ChatChunk {
  readonly data: string;
  readonly said: SaidText;

  constructor(data: string, said: SaidText) {
    this.data = data;
    this.said = said;
  }

  get body(): Json {
    const body = parseJson(this.data);
    return isJsonObject(body) ? body : {};
  }
}

const FIELDS = ['content', 'reasoning_content', 'reasoning'] as const;

/** The form of a chunk that says a text and nothing else. */
function formOf({ data, body }: ChatChunk): ChunkForm | undefined {
  const delta = onlyDelta(body);
  const field = delta && FIELDS.find((name) => isText(delta[name]));
  if (!delta || field === undefined || !saysOnly(delta, field)) return undefined;
  const member = new RegExp(`"${field}"\\s*:\\s*"`).exec(data);
  if (!member) return undefined;
  const begin = member.index + member[0].length;
  const before = ownCopy(data.slice(0, begin));
  const after = ownCopy(data.slice(endOfText(data, begin)));
  // Another member of the same name may have been found.
  const tried = parseJson(before + ANY_TEXT + after);
  const place = isJsonObject(tried) ? onlyDelta(tried) : undefined;
  if (place?.[field] !== ANY_TEXT || delta[field] === ANY_TEXT) return undefined;
  const [choice] = Array.isArray(body.choices) ? body.choices : [];
  const index = isJsonObject(choice) && typeof choice.index === 'number' ? choice.index : 0;
  return { before, after, field, index };
}

/** The delta of a chunk that has nothing beside it: one choice that goes on, no count. */
function onlyDelta({ choices, usage, x_groq: groq }: Json): Json | undefined {
  if (isSet(usage) || isSet(groq) || !Array.isArray(choices) || choices.length !== 1) return undefined;
  const [choice]: unknown[] = choices;
  if (!isJsonObject(choice)) return undefined;
  const { index: _, delta, ...others } = choice;
  return isJsonObject(delta) && !Object.values(others).some(isSet) ? delta : undefined;
}

function saysOnly(delta: Json, field: string): boolean {
  return Object.entries(delta).every(
    ([name, value]) => name === field || name === 'role' || value === '' || !isSet(value),
  );
}

/**
 * A part of a text is a view that keeps all of it in memory: what stays as long as the stream must not keep each chunk.
 * Adding a character makes a text of its own; this way took a third of the time of one through a Buffer.
 */
function ownCopy(part: string): string {
  return ` ${part}`.slice(1);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** Where the quote is that ends a text. */
function endOfText(data: string, begin: number): number {
  let at = begin;
  while (at < data.length && data[at] !== '"') at += data[at] === '\\' ? 2 : 1;
  return at;
}
