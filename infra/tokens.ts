/**
 * Token counts by the o200k_base vocabulary, safe for any text. A byte-pair encoder is quadratic in the length of a
 * run without spaces, so that a long Chinese text would block the process for seconds; texts are therefore counted in
 * slices. Shared by the gateway (estimates) and the simulator (its own usage), so it imports nothing of either.
 */
import { setImmediate } from 'node:timers/promises';
import { countTokens as countSliceTokens } from 'gpt-tokenizer/encoding/o200k_base';

const MAX_SLICE_CHARACTERS = 500;
/** A cut at a space is exact, so it is preferred to a longer slice; below this a slice would be wastefully short. */
const MIN_SLICE_CHARACTERS = 250;
/** Names such as `<|endoftext|>` in a caller's text are text, not control tokens. */
const PLAIN_TEXT = { disallowedSpecial: new Set<string>() };

/**
 * Tokens of `text`. Pure. Exact wherever a cut falls before a space (every text with words); on long text without
 * spaces each cut, one in 500 characters, may add a token.
 */
export function countTokens(text: string): number {
  if (text === '') return 0;
  let tokens = 0;
  for (const slice of textSlices(text)) tokens += countSliceTokens(slice, PLAIN_TEXT);
  return tokens;
}

/** Of longer texts this much is counted, and the rest taken to be like it: the event loop must not wait. */
const MOST_COUNTED_CHARACTERS = 100_000;

/**
 * Tokens of each of `texts`; of many or long ones the same share of each is counted, spread over the whole of it. Pure.
 * @param most characters that are counted of all together.
 */
export function estimateTokens(texts: readonly string[], most = MOST_COUNTED_CHARACTERS): number[] {
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  return texts.map((text) => {
    if (characters <= most) return countTokens(text);
    const counted = Math.ceil((text.length * most) / characters);
    return counted === 0 ? 0 : Math.ceil((sampledTokens(text, counted) * text.length) / counted);
  });
}

/** Tokens of so many characters of a text. */
function sampledTokens(text: string, characters: number): number {
  let tokens = 0;
  for (const sample of samplesOf(text, characters)) tokens += countTokens(sample);
  return tokens;
}

/** So many characters of a text, in pieces that are as far from each other as they can be. */
function* samplesOf(text: string, characters: number): Generator<string> {
  const pieces = Math.ceil(characters / MAX_SLICE_CHARACTERS);
  const length = characters / pieces;
  for (let piece = 0; piece < pieces; piece += 1) {
    const start = Math.floor((piece * text.length) / pieces);
    yield text.slice(start, start + length).toWellFormed();
  }
}

/** 1 ms of words, 10 ms of text without spaces. */
const SLICES_A_TURN = 20;

/** The same as estimateTokens of one text, but after some of it other work has its turn. */
export async function estimateTokensInTurns(text: string): Promise<number> {
  const counted = Math.min(text.length, MOST_COUNTED_CHARACTERS);
  if (counted === 0) return 0;
  let tokens = 0;
  let slices = 0;
  for (const slice of counted < text.length ? samplesOf(text, counted) : textSlices(text)) {
    tokens += countTokens(slice);
    slices += 1;
    if (slices % SLICES_A_TURN === 0) await setImmediate();
  }
  return Math.ceil((tokens * text.length) / counted);
}

/** Consecutive slices of at most 500 UTF-16 units whose concatenation is `text`; no character is split. */
export function* textSlices(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = sliceEnd(text, start);
    yield text.slice(start, end);
    start = end;
  }
}

function sliceEnd(text: string, start: number): number {
  const limit = start + MAX_SLICE_CHARACTERS;
  if (limit >= text.length) return text.length;
  for (let end = limit; end > start + MIN_SLICE_CHARACTERS; end -= 1) {
    if (text[end] === ' ' && !/\s/.test(text[end - 1] ?? '')) return end;
  }
  return isHighSurrogate(text, limit - 1) ? limit - 1 : limit;
}

function isHighSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xd800 && unit <= 0xdbff;
}
