/** Removes secrets from logs and records: by the name of a field, and by patterns inside a text. Pure. */
import { stdSerializers } from 'pino';

const BLANK = '[hidden]';

/** Names under which secrets travel through this code, and through what others send. */
const SECRET_NAME = /password|secret|api[-_]?key|access-key$|key_?value|^token$|authorization/i;

/** Access keys, provider keys, webhook secrets, bearer and login tokens as they may stand inside a text of somebody else: short ones as
 * words of their own, long ones wherever they are. */
const SECRET_TEXT =
  /(?:\b(?=\w{2}-[\w-]{6,})|(?=\w{2}-[\w-]{32,}))(ak|sk)-[\w-]+|\b(whsec)_[\w+/=-]{6,}|\b(bearer)\s+[\w.~+/=-]{6,}|\b(eyJ)[\w-]{6,}\.[\w.-]*/gi;

/** Shorter prefixes of a key may be ordinary words, and reveal little. */
const SHORTEST_PART = 8;

/** Deeper structures are not walked; what lies deeper is not written down. */
const MAX_DEPTH = 6;

/** Blanks keys and tokens inside a text. */
export function scrub(text: string): string {
  return text.replace(SECRET_TEXT, (_match, key?: string, webhook?: string, scheme?: string) => {
    if (key !== undefined) return `${key}-${BLANK}`;
    if (webhook !== undefined) return `${webhook}_${BLANK}`;
    return scheme === undefined ? BLANK : `${scheme} ${BLANK}`;
  });
}

/** Longer parts of a path are not our ids. Names of models are longer, but the route shows what they are. */
const LONGEST_ID = 64;
const MOST_PATH = 300;

/** The path of a request as it may be written down: a caller may have put a key or a token there, also encoded. */
export function pathWithoutSecrets(path: string): string {
  const parts = path.slice(0, MOST_PATH).split('/');
  return parts.map((part) => (part.length > LONGEST_ID ? BLANK : scrub(decoded(part)))).join('/');
}

/** An address of somebody else's as others may see it: its query and its credentials are often secrets. */
export function addressWithoutSecrets(address: string): string {
  if (!URL.canParse(address)) return BLANK;
  const { protocol, host, pathname, search } = new URL(address);
  return `${protocol}//${host}${pathWithoutSecrets(pathname)}${search === '' ? '' : `?${BLANK}`}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return BLANK;
  }
}

/** Blanks this very key, whatever it looks like: a provider may repeat what it was sent. */
export function withoutKey(text: string, key: string): string {
  return key === '' ? text : text.replaceAll(key, BLANK);
}

/** Blanks also the beginnings of this key, from 8 characters: vendors name a key by its first ones. */
export function withoutKeyParts(text: string, key: string): string {
  const rough = withoutKey(text, key);
  if (key.length <= SHORTEST_PART) return rough;
  const start = key.slice(0, SHORTEST_PART);
  const [before = '', ...afterStarts] = rough.split(start);
  const rest = key.slice(SHORTEST_PART);
  return before + afterStarts.map((after) => BLANK + after.slice(commonLength(after, rest))).join('');
}

function commonLength(text: string, other: string): number {
  let length = 0;
  while (length < other.length && text[length] === other[length]) length += 1;
  return length;
}

/** A copy without secrets, fit for JSON: bigints become text. */
export function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return scrub(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return errorWithoutSecrets(value);
  if (depth === MAX_DEPTH) return BLANK;
  if (Array.isArray(value)) return value.map((member) => withoutSecrets(member, depth + 1));
  return membersWithoutSecrets(value, depth);
}

/** The same for the members of one object. */
export function membersWithoutSecrets(value: object, depth = 0): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name in value) {
    copy[name] = SECRET_NAME.test(name) ? BLANK : withoutSecrets(Reflect.get(value, name), depth + 1);
  }
  return copy;
}

/** Type, message and stack, with those of the causes; other members (a request's headers, an SQL text) stay out. */
function errorWithoutSecrets(error: Error): unknown {
  const { type, message, stack } = stdSerializers.err(error);
  return { type, message: scrub(message), stack: scrub(stack) };
}
