/** Reading JSON from outside, whose form is not certain. Pure. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Null counts as left out. */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

const BYTE_ORDER_MARK = '\uFEFF';

/** Some servers begin their answers with a byte order mark, which JSON does not allow. */
export function withoutMark(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

/** @returns undefined for text that is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A non-empty text, or undefined. Accepts numbers too, because some vendors number their codes. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}

/** `constructor`, `toString`, `__proto__` …: a look-up by such a name finds something in every object. */
export function isInheritedName(name: string): boolean {
  return name in Object.prototype;
}
