/** What a user may be called, and which names look the same. Pure. After UTS 39 (Unicode Security Mechanisms). */
import { invalid } from '../../infra/errors.ts';

const SHORTEST = 3;
const LONGEST = 50;

/** The first administrator's name and similar ones. Only administrators give them, also in look-alike spellings. */
const RESERVED = ['root', 'admin', 'administrator'];

/** Printable ASCII; Chinese names of several parts have a middle dot. */
const SIGN = /[ -~·]/u;
/** Latin letters with an accent, and the others of European alphabets; no small capitals, turned or phonetic letters. */
const LATIN = /[a-zæœøđðþłß]/u;
/** Letters and marks of Chinese, Japanese and Korean; none that is a bare stroke or circle and looks like l or o. */
const EAST_ASIAN = /(?![丨亅〇ㅣ])[\p{Unified_Ideograph}々\p{Script=Hiragana}\p{Script=Katakana}ー\uac00-\ud7a3]/u;
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}ー]/u;
const HANGUL = /[\uac00-\ud7a3]/u;

/**
 * The name as it is stored: NFKC (full-width letters become ordinary ones), single spaces.
 * @throws {AppError} invalidParameter for a length or a character that is not allowed.
 */
export function readUsername(text: string): string {
  const name = text.normalize('NFKC').replace(/ +/g, ' ').trim();
  const complaint = complaintAbout(name);
  if (complaint !== undefined) throw invalid([{ path: 'username', message: complaint }]);
  return name;
}

function complaintAbout(name: string): string | undefined {
  if (name.length < SHORTEST || name.length > LONGEST) return `must have ${SHORTEST} to ${LONGEST} characters`;
  if (![...name].every((character) => SIGN.test(character) || isLetter(character))) {
    return 'may have Latin, Chinese, Japanese or Korean letters, digits 0-9 and the signs of ASCII';
  }
  if (readsAsId(name)) return 'must not be a number of at most 10 digits, which looks like the id of a user';
  if (KANA.test(name) && HANGUL.test(name)) return 'must not mix Japanese and Korean letters';
  return undefined;
}

/** Whether a text is written as the id of a user is. */
export function readsAsId(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}

function isLetter(character: string): boolean {
  return EAST_ASIAN.test(character) || LATIN.test(withoutAccents(character));
}

/** Equal for names that look alike: by case, accents, O and 0, I, l and 1, rn and m, vv and w. */
export function shapeOf(name: string): string {
  return withoutAccents(name).replace(/0/g, 'o').replace(/[1i|]/g, 'l').replace(/rn/g, 'm').replace(/vv/g, 'w');
}

/** Whether a name looks like one that nobody may register, also with signs around or inside it. */
export function looksReserved(name: string): boolean {
  const shape = shapeOf(name).replace(/[^\p{L}\p{N}]/gu, '');
  return RESERVED.some((reserved) => shapeOf(reserved) === shape);
}

function withoutAccents(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
