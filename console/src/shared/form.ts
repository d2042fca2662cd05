/** What forms share. */
import { ApiError } from '../api/api-error.ts';
import { messageText } from './failure.ts';

/** What the API said of single fields, for `form.setErrors`. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  return Object.fromEntries(error.fields.map(({ path, message }) => [path, messageText(message)]));
}

const KEY_BYTES = 16;

/** An Idempotency-Key: a form that is sent twice makes one row. */
export function newRequestKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** An empty field is none. */
export function orNull(text: string | number): string | null {
  const trimmed = String(text).trim();
  return trimmed === '' ? null : trimmed;
}
