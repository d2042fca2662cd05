/** Texts the simulator answers with: made of the prompt's own words, the same for the same prompt and seed. */
import { countTokens } from '../../tokens.ts';
import { seededRandom } from './seeded-random.ts';

/** Words of a text: two Han, kana or Hangul characters, or one run of other characters of at most twelve. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]{1,2}|[^\s\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{P}]{1,12}/gu;
const DENSE_SCRIPT = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
/** Enough of a prompt to take words from; more would only cost time. */
const MAX_SOURCE_CHARACTERS = 2_000;
const SENTENCE_WORDS = 12;

/** A text of about `tokens` tokens out of `prompt`'s words. */
export function answerText(prompt: string, seed: number, tokens: number): string {
  const words = prompt.slice(-MAX_SOURCE_CHARACTERS).match(WORD) ?? ['nothing'];
  const random = seededRandom(seed);
  const dense = words.filter((word) => DENSE_SCRIPT.test(word)).length * 2 > words.length;
  const [space, comma, stop] = dense ? ['', '，', '。'] : [' ', ', ', '. '];
  let text = words.slice(0, SENTENCE_WORDS).join(space);
  let wordsInSentence = 0;
  // Two tokens a word is the rough middle of all scripts; the length need not be exact.
  for (let written = Math.min(words.length, SENTENCE_WORDS); written < tokens * 0.75; written += 1) {
    const word = words[Math.floor(random() * words.length)] ?? '';
    wordsInSentence += 1;
    if (wordsInSentence === SENTENCE_WORDS) wordsInSentence = 0;
    text += `${wordsInSentence === 0 ? stop : wordsInSentence === 5 ? comma : space}${word}`;
  }
  return `${text}${stop.trim()}`;
}

/** The longest beginning of `text` that counts at most `maxTokens`; no character is split. */
export function firstTokens(text: string, maxTokens: number): string {
  if (countTokens(text) <= maxTokens) return text;
  const characters = [...text];
  let fits = 0;
  let tooLong = characters.length;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (countTokens(characters.slice(0, middle).join('')) <= maxTokens) fits = middle;
    else tooLong = middle;
  }
  return characters.slice(0, fits).join('');
}

/** `text` in the pieces a stream sends, about a token each; joined they are the text again. */
export function streamPieces(text: string): string[] {
  return text.match(/\s*(?:\p{Script=Han}{1,2}|[^\s\p{Script=Han}]{1,12})|\s+/gu) ?? [];
}
