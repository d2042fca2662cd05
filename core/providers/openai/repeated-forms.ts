/**
 * Chunks that differ in nothing but their text, as nearly all of a stream do: those after the first are read by looking
 * at what stands around the text, which takes a fraction of the time of parsing them. Pure.
 */
import { isJsonObject, isSet, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import type { ChatChunk, RepeatedForm, RepeatedText } from '../provider.ts';

/** A stream that repeats no form (two choices in turn, an id for each chunk) is not searched at each chunk. */
const MOST_IN_VAIN = 4;
/** A form that is repeated may come later, after thoughts or calls of tools: one chunk of so many is tried. */
const TRIED_OF = 16;
/** What JSON does not allow in a text as it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is searched for
const NOT_PLAIN = /["\\\u0000-\u001f]/;
/** Stands for a text where a form is tried. */
const ANY_TEXT = '~';

/** A form as it comes, and as clients get it. */
interface KnownForm {
  readonly before: string;
  readonly after: string;
  readonly given: RepeatedForm;
  /** Only what stands around the text was changed for the client. */
  readonly isChanged: boolean;
}

export class RepeatedForms {
  #form: KnownForm | undefined;
  /** Chunks since the last one that repeated a form: those whose form was kept, later all. */
  #inVain = 0;

  /** @returns undefined for a chunk that does not repeat the form of the one before. */
  read(data: string): ChatChunk | undefined {
    const form = this.#form;
    if (!form || data.length <= form.before.length + form.after.length) return undefined;
    if (!data.startsWith(form.before) || !data.endsWith(form.after)) return undefined;
    const written = data.slice(form.before.length, data.length - form.after.length);
    const text = NOT_PLAIN.test(written) ? parseJson(`"${written}"`) : ownCopy(written);
    if (typeof text !== 'string') return undefined;
    this.#inVain = 0;
    const { given, isChanged } = form;
    if (!isChanged) return new RepeatedChunk(data, { form: given, written, text });
    const rewritten = JSON.stringify(text).slice(1, -1);
    return new RepeatedChunk(given.before + rewritten + given.after, { form: given, written: rewritten, text });
  }

  /**
   * @param data the chunk that was parsed last, as it came.
   * @param chunk what was made of it for the client.
   */
  learn(data: string, body: Json, chunk: ChatChunk): void {
    if (this.#form && data === this.#form.before + this.#form.after) return;
    const isTried = this.#inVain < MOST_IN_VAIN || this.#inVain % TRIED_OF === 0;
    this.#form = isTried ? knownForm(data, body, chunk) : undefined;
    if (this.#form || !isTried) this.#inVain += 1;
  }
}

/** @returns undefined where the delta was changed: the next one may be changed in another way. */
function knownForm(data: string, body: Json, chunk: ChatChunk): KnownForm | undefined {
  const form = formOf({ data, body });
  if (!form) return undefined;
  const { before, after } = form;
  if (chunk.data === data) return { before, after, given: form, isChanged: false };
  const given = onlyDelta(body) === onlyDelta(chunk.body) ? formOf(chunk) : undefined;
  return given && { before, after, given, isChanged: true };
}

class RepeatedChunk implements ChatChunk {
  readonly data: string;
  readonly repeated: RepeatedText;

  constructor(data: string, repeated: RepeatedText) {
    this.data = data;
    this.repeated = repeated;
  }

  get body(): Json {
    const body = parseJson(this.data);
    return isJsonObject(body) ? body : {};
  }
}

const FIELDS = ['content', 'reasoning_content', 'reasoning'] as const;

/** The form of a chunk that says a text and nothing else. */
function formOf({ data, body }: ChatChunk): RepeatedForm | undefined {
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
  return isJsonObject(delta) && !Object.values(others).some(saysSomething) ? delta : undefined;
}

function saysOnly(delta: Json, field: string): boolean {
  return Object.entries(delta).every(([name, value]) => name === field || name === 'role' || !saysSomething(value));
}

/**
 * A part of a text is a view that keeps all of it in memory: what stays as long as the stream must not keep each chunk.
 * Adding a character makes a text of its own; this way took a third of the time of one through a Buffer.
 */
function ownCopy(part: string): string {
  return ` ${part}`.slice(1);
}

/** Some vendors write an empty text or list where others write null. */
function saysSomething(value: unknown): boolean {
  return isSet(value) && value !== '' && !(Array.isArray(value) && value.length === 0);
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
