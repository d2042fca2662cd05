/** A text that matches a regular expression of the plain kind that JSON schemas carry. */

const DIGITS = '0123456789';
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const CLASS_ESCAPES: Record<string, string> = {
  d: DIGITS,
  w: `${LETTERS}${DIGITS}_`,
  s: ' ',
  D: LETTERS,
  W: '-',
  S: LETTERS,
};
const CONTROL_ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
/** How often an unbounded quantifier repeats at most. */
const EXTRA_REPEATS = 3;

interface Reader {
  pattern: string;
  at: number;
  random: () => number;
}

/**
 * Literals, classes, escapes, groups, alternatives and quantifiers. Undefined when the pattern uses more (look-around,
 * back references) or is no regular expression.
 */
export function patternInstance(pattern: string, random: () => number): string | undefined {
  try {
    const reader = { pattern, at: 0, random };
    const text = alternatives(reader);
    return reader.at === pattern.length && new RegExp(pattern, 'u').test(text) ? text : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function alternatives(reader: Reader): string {
  const made = [sequence(reader)];
  while (peek(reader) === '|') {
    reader.at += 1;
    made.push(sequence(reader));
  }
  return made[Math.floor(reader.random() * made.length)] ?? '';
}

function sequence(reader: Reader): string {
  let text = '';
  while (reader.at < reader.pattern.length && peek(reader) !== '|' && peek(reader) !== ')') {
    const start = reader.at;
    atom(reader);
    const end = reader.at;
    const repeats = quantifier(reader);
    const after = reader.at;
    // Read again for every repetition, so that each may turn out differently.
    for (let made = 0; made < repeats; made += 1) {
      reader.at = start;
      text += atom(reader);
    }
    reader.at = Math.max(after, end);
  }
  return text;
}

function atom(reader: Reader): string {
  const character = next(reader);
  if (character === '^' || character === '$') return '';
  if (character === '.') return pickFrom(LETTERS, reader);
  if (character === '[') return characterClass(reader);
  if (character === '\\') return pickFrom(escapeSet(next(reader)), reader);
  if (character !== '(') return character;
  if (peek(reader) === '?') {
    const name = /^\?(?::|<[a-zA-Z]\w*>)/.exec(reader.pattern.slice(reader.at))?.[0];
    if (name === undefined) throw new SyntaxError('look-around is not supported');
    reader.at += name.length;
  }
  const text = alternatives(reader);
  if (next(reader) !== ')') throw new SyntaxError('a group does not end');
  return text;
}

function characterClass(reader: Reader): string {
  const negated = peek(reader) === '^';
  if (negated) reader.at += 1;
  let set = '';
  while (peek(reader) !== ']') {
    const character = next(reader);
    const members = character === '\\' ? escapeSet(next(reader)) : character;
    const isRange = members.length === 1 && peek(reader) === '-' && reader.pattern[reader.at + 1] !== ']';
    if (!isRange) {
      set += members;
      continue;
    }
    reader.at += 1;
    const last = next(reader);
    set += range(members, last === '\\' ? next(reader) : last);
  }
  reader.at += 1;
  if (!negated) return pickFrom(set, reader);
  return pickFrom([...`${LETTERS}${DIGITS} -_.`].filter((one) => !set.includes(one)).join(''), reader);
}

function range(from: string, to: string): string {
  let set = '';
  for (let code = from.charCodeAt(0); code <= to.charCodeAt(0) && set.length < 512; code += 1) {
    set += String.fromCharCode(code);
  }
  return set;
}

function escapeSet(character: string): string {
  if (/[1-9bBpPku]/.test(character)) throw new SyntaxError(`\\${character} is not supported`);
  return CLASS_ESCAPES[character] ?? CONTROL_ESCAPES[character] ?? character;
}

function quantifier(reader: Reader): number {
  const found = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(reader.pattern.slice(reader.at));
  if (found === null) return 1;
  reader.at += found[0].length;
  const [text, least, comma, most] = found;
  const low = least === undefined ? (text.startsWith('+') ? 1 : 0) : Number(least);
  const unbounded = text.startsWith('?') ? 1 : low + EXTRA_REPEATS;
  const high = comma === '' ? low : most ? Number(most) : unbounded;
  return low + Math.floor(reader.random() * (Math.min(high, low + 8) - low + 1));
}

function pickFrom(set: string, reader: Reader): string {
  const characters = [...set];
  const picked = characters[Math.floor(reader.random() * characters.length)];
  if (picked === undefined) throw new SyntaxError('a character class is empty');
  return picked;
}

function peek(reader: Reader): string | undefined {
  return reader.pattern[reader.at];
}

function next(reader: Reader): string {
  const character = reader.pattern[reader.at];
  if (character === undefined) throw new SyntaxError('the pattern ends too early');
  reader.at += 1;
  return character;
}
