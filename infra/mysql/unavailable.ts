/** Tells a database that cannot be reached from a statement that is wrong. */
import { ConnectionError, DatabaseError } from 'sequelize';

/** Codes of Node's sockets, of mysql2 and of the server that say "not now", seen on 3.24 with MySQL 8 and MariaDB 10.11. */
const UNAVAILABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_CONNECTION_KILLED',
  'ER_ACCESS_DENIED_ERROR',
]);

export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof ConnectionError) return true;
  const cause = error instanceof DatabaseError ? error.original : error;
  if (!(cause instanceof Error)) return false;
  // Only mysql2 marks its errors with `fatal` or an SQL state; a refused socket of a provider must not look like ours.
  const ofDatabase = error instanceof DatabaseError || 'fatal' in cause || 'sqlState' in cause;
  return ofDatabase && 'code' in cause && typeof cause.code === 'string' && UNAVAILABLE_CODES.has(cause.code);
}
