/**
 * The text of an access key: `ak-`, then 16 characters by which it is found, then 43 characters that prove it (256
 * random bits); both in base64url. 62 characters in all. Pure but for the randomness.
 */
import { randomBytes } from 'node:crypto';

const PREFIX = 'ak-';
const PUBLIC_BYTES = 12;
const SECRET_BYTES = 32;
const FORM = /^ak-([A-Za-z0-9_-]{16})[A-Za-z0-9_-]{43}$/;
const SHOWN = 4;

export interface AccessKeyText {
  readonly text: string;
  /** Finds the row; not secret. */
  readonly publicPart: string;
  readonly lastFour: string;
}

export function makeAccessKey(): AccessKeyText {
  const publicPart = randomBytes(PUBLIC_BYTES).toString('base64url');
  const text = PREFIX + publicPart + randomBytes(SECRET_BYTES).toString('base64url');
  return { text, publicPart, lastFour: text.slice(-SHOWN) };
}

/** @returns undefined if the text is not an access key. */
export function publicPartOf(text: string): string | undefined {
  return FORM.exec(text)?.[1];
}

export function maskedAccessKey(publicPart: string, lastFour: string): string {
  return `${PREFIX}${publicPart.slice(0, SHOWN)}…${lastFour}`;
}
