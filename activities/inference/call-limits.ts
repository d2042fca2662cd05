/** The numbers of a chat request that bound what it may cost, checked alike in every form of request. Pure. */
import type { FieldError } from '../../infra/errors.ts';

const MOST_CHOICES = 128;
const MOST_TOKENS = 10_000_000;

const LIMITS: ReadonlyMap<string, number> = new Map([
  ['n', MOST_CHOICES],
  ['max_tokens', MOST_TOKENS],
  ['max_completion_tokens', MOST_TOKENS],
]);

/**
 * @param field its name in OpenAI's form; @param path as the caller wrote it.
 * @returns what is wrong with it; nothing for a good number and for every other field.
 */
export function limitErrors(field: string, value: unknown, path: string): FieldError[] {
  const most = LIMITS.get(field);
  if (most === undefined || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most)) return [];
  return [{ path, message: `must be an integer from 1 to ${most}` }];
}
