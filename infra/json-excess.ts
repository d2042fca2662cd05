/**
 * How much structure a JSON text has, counted before it is parsed: parsing and walking cost time for every value, and what
 * is nested too deep exhausts the stack. Pure.
 */
import { type FieldError, MOST_FIELD_NAME } from './errors.ts';

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
export function jsonExcess(text: Buffer): FieldError | undefined {
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
