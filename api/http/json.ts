/** Text of a request body → a value that is safe to hand on. Pure. */
import { isUtf8 } from 'node:buffer';
import { AppError, type FieldError, invalid, MOST_FIELD_NAME } from '../../infra/errors.ts';
import { isInheritedName } from '../../infra/json-object.ts';

/** A double holds every decimal number of 15 significant digits exactly enough to be written back unchanged. */
const EXACT_DIGITS = 15;

/** `plain`: numbers are doubles. `exact`: numbers with more than 15 significant digits stay as their source text. */
export type NumberReading = 'plain' | 'exact';

/**
 * Of half a character in a text. `repaired`: it becomes U+FFFD, because a client that has cut an emoji in two sends it with
 * every later call of the conversation.
 */
export type SurrogateReading = 'refused' | 'repaired';

/**
 * Parses a JSON body; an empty body is `{}`.
 * @throws {AppError} malformedBody; invalidParameter for too much structure, or a name with an unpaired surrogate or that
 * every object has by itself: `__proto__` anywhere, `constructor` and the like as a field of the body.
 */
export function parseJson(bytes: Buffer, numbers: NumberReading, surrogates: SurrogateReading = 'refused'): unknown {
  if (bytes.length === 0) return {};
  if (!isUtf8(bytes)) throw new AppError('malformedBody', 'the request body is not valid UTF-8');
  const excess = jsonExcess(bytes);
  if (excess) throw invalid([excess]);
  const text = bytes.toString('utf8').trim();
  if (text === '') return {};
  let value: unknown;
  try {
    value = numbers === 'exact' ? JSON.parse(text, keepLongNumbers) : JSON.parse(text);
  } catch (cause) {
    throw new AppError('malformedBody', 'the request body is not valid JSON', { cause });
  }
  if (typeof value !== 'string') {
    makeSafe(value, surrogates);
    return value;
  }
  if (surrogates === 'refused') refuseText(value, undefined, '');
  return value.toWellFormed();
}

function keepLongNumbers(this: unknown, _key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context.source === undefined) return value;
  return significantDigits(context.source) > EXACT_DIGITS ? context.source : value;
}

function significantDigits(source: string): number {
  const mantissa = source.split(/[eE]/, 1)[0] ?? '';
  return mantissa.replace(/\D/g, '').replace(/^0+/, '').length;
}

interface Level {
  readonly value: object;
  readonly key: string;
  readonly parent: Level | undefined;
}

/** Walks without recursion, so that no body can exhaust the stack. */
function makeSafe(root: unknown, surrogates: SurrogateReading): void {
  if (typeof root !== 'object' || root === null) return;
  const pending: Level[] = [{ value: root, key: '', parent: undefined }];
  for (let level = pending.pop(); level !== undefined; level = pending.pop()) makeSafeIn(level, pending, surrogates);
}

function makeSafeIn(level: Level, pending: Level[], surrogates: SurrogateReading): void {
  const named = !Array.isArray(level.value);
  if (Array.isArray(level.value) && level.value.every((one) => typeof one === 'number')) return;
  // Parsed JSON has own enumerable members only, so that `in` sees just those, and without a copy.
  for (const key in level.value) {
    if (named) refuseKey(key, level);
    const child: unknown = Reflect.get(level.value, key);
    if (typeof child === 'string') {
      if (surrogates === 'refused') refuseText(child, level, key);
      else if (!child.isWellFormed()) Reflect.set(level.value, key, child.toWellFormed());
    } else if (typeof child === 'object' && child !== null) {
      pending.push({ value: child, key, parent: level });
    }
  }
}

function refuseKey(key: string, level: Level): void {
  if (key === '__proto__' || (level.parent === undefined && isInheritedName(key))) {
    throw invalid([{ path: [...pathOf(level), key].join('.'), message: 'is not an allowed name' }]);
  }
  refuseText(key, level, '(name)');
}

function refuseText(text: string, level: Level | undefined, key: string): void {
  if (text.isWellFormed()) return;
  throw invalid([{ path: [...pathOf(level), key].join('.'), message: 'contains an unpaired surrogate' }]);
}

function pathOf(level: Level | undefined): string[] {
  const path: string[] = [];
  for (let at = level; at?.parent !== undefined; at = at.parent) path.unshift(at.key);
  return path;
}

/** Whether a Content-Type is JSON in UTF-8. A body without a Content-Type is taken as JSON. */
export function isJsonType(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === 'application/json') return true;
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  if (type !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(type)) return false;
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice(8);
  return charset === undefined || ['utf-8', 'utf8', '"utf-8"'].includes(charset);
}

// How much structure a JSON text has is counted before it is parsed: parsing and walking cost time for every value.

/** Deeper nesting than any schema or chat needs; what is handed on is walked recursively further down. */
const MAX_DEPTH = 100;
/** A conversation of ten thousand messages has half as many. A parsed value takes some 100 ns and 50 bytes. */
const MAX_VALUES = 100_000;
/** In lists, where they take less: texts to embed that are given as tokens, of which OpenAI takes 300,000. */
const MAX_NUMBERS = 500_000;

/** Whitespace, numbers and punctuation of as many values, indented. */
const MAX_BYTES_BETWEEN = 4_000_000;
/** Shorter jumps cost more than they save. */
const SLOW_BYTES = 256;

const SPACE = 0x20;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * What is too much of a JSON text in UTF-8: its depth, its values, the length of a field's name, or what stands between
 * its texts. Stops at the first excess; a text that is no JSON may pass.
 */
function jsonExcess(text: Buffer): FieldError | undefined {
  const strings = new Strings(text);
  let depth = 0;
  let values = 0;
  let numbers = 0;
  let between = 0;
  let fieldStart = 0;
  let fieldEnd = 0;
  /** Named by the field of the body that it is in. */
  const excess = (message: string): FieldError => ({ path: text.toString('utf8', fieldStart, fieldEnd), message });
  for (let at = 0; at < text.length; at++) {
    between += 1;
    const byte = text[at];
    if (byte === QUOTE) at = strings.skip(at + 1);
    else if (byte === COLON) {
      if (strings.end - strings.start > MOST_FIELD_NAME) {
        return excess(`has a field whose name is longer than ${MOST_FIELD_NAME} bytes`);
      }
      if (depth === 1) {
        fieldStart = strings.start;
        fieldEnd = strings.end;
      }
    } else if (byte === COMMA) {
      if (isNumberAfter(text, at)) numbers += 1;
      else values += 1;
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      values += 1;
      depth += 1;
      if (depth > MAX_DEPTH) return excess(`is nested deeper than ${MAX_DEPTH} levels`);
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
    if (numbers > MAX_NUMBERS) return excess(`takes the body over ${MAX_NUMBERS} numbers`);
    if (values > MAX_VALUES) return excess(`takes the body over ${MAX_VALUES} values`);
    if (between > MAX_BYTES_BETWEEN) return excess(`takes the body over ${MAX_BYTES_BETWEEN} bytes outside of texts`);
  }
  return undefined;
}

/** A field's name is a text, so that a number behind a comma is a member of a list. */
function isNumberAfter(text: Buffer, comma: number): boolean {
  const next = text[comma + 1] === SPACE ? text[comma + 2] : text[comma + 1];
  return next !== undefined && next >= DIGIT_0 && next <= DIGIT_9;
}

/** Finds the ends of the texts in a JSON text; `start` and `end` are those of the last one. */
class Strings {
  readonly #text: Buffer;
  start = 0;
  end = 0;

  constructor(text: Buffer) {
    this.#text = text;
  }

  /** @returns where the closing quote of the text is that starts here; the end where there is none. */
  skip(start: number): number {
    this.start = start;
    this.end = this.#closingQuote(start);
    return this.end;
  }

  /** Byte by byte where backslashes may hide a quote; over long stretches without any it jumps. */
  #closingQuote(start: number): number {
    const text = this.#text;
    let at = start;
    let slowUntil = start + SLOW_BYTES;
    for (;;) {
      for (; at < slowUntil && at < text.length; at++) {
        if (text[at] === QUOTE) return at;
        if (text[at] === BACKSLASH) at += 1;
      }
      const quote = at < text.length ? text.indexOf(QUOTE, at) : -1;
      if (quote === -1) return text.length;
      let from = quote;
      while (from > at && text[from - 1] === BACKSLASH) from -= 1;
      if (from === quote) return quote;
      at = from;
      slowUntil = quote + SLOW_BYTES;
    }
  }
}
