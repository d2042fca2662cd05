/** Makes a state fit to be kept in the audit log: secrets are blanked by their name and by their look. Pure. */
import { scrub } from '../../infra/logger.ts';

const SECRET_NAME = /password|secret|api_?key|key_?value|^token$|authorization/i;
const BLANK = '[hidden]';

export function masked(value: unknown): unknown {
  if (typeof value === 'string') return scrub(value);
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, SECRET_NAME.test(name) ? BLANK : masked(member)]),
  );
}
