/** What forms share. */
import { ApiError } from '../api/api-error.ts';
import { messageText } from './failure.ts';

/** What the API said of single fields, for `form.setErrors`. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  return Object.fromEntries(error.fields.map(({ path, message }) => [path, messageText(message)]));
}

/** An empty field is none. */
export function orNull(text: string | number): string | null {
  const trimmed = String(text).trim();
  return trimmed === '' ? null : trimmed;
}
