/** SQL text of values, for the commit queue's packets: placeholders cost too much in multi-row statements. */
import { escape as escapeText } from 'mysql2';

export type SqlValue = string | number | bigint | boolean | null | Uint8Array;

/** Ids, kinds and times need no escaping, and most values are of these. */
const PLAIN_TEXT = /^[\w .:,-]*$/;

/** A literal that is safe inside a statement on a connection without NO_BACKSLASH_ESCAPES. */
export function literal(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError('a number for SQL must be finite');
    return String(value);
  }
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string') return PLAIN_TEXT.test(value) ? `'${value}'` : escapeText(value);
  return value.byteLength === 0
    ? "''"
    : `0x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
}

export function literals(values: readonly SqlValue[]): string {
  return values.map(literal).join(',');
}

const MOST_TIMES = 64;
/** The rows of one batch share their times. */
const times = new Map<number, string>();

/** Milliseconds since 1970 → DATETIME(3) text in UTC. */
export function utcDateTime(ms: number): string {
  const known = times.get(ms);
  if (known !== undefined) return known;
  if (times.size >= MOST_TIMES) times.clear();
  const text = new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
  times.set(ms, text);
  return text;
}

/** `INSERT INTO table (columns) VALUES (…),(…)`. */
export function insertRows(table: string, columns: readonly string[], rows: readonly (readonly SqlValue[])[]): string {
  return `INSERT INTO ${table} (${columns.join(',')}) VALUES ${rows.map((row) => `(${literals(row)})`).join(',')}`;
}

/**
 * One UPDATE that gives each row, found by its key, its own values: `SET c = CASE key WHEN … THEN … END`.
 * `rows` carry the key first, then a value for each column.
 */
export function updateRows(
  table: string,
  key: string,
  columns: readonly string[],
  rows: readonly (readonly [SqlValue, ...SqlValue[]])[],
): string {
  const keys = rows.map(([id]) => literal(id));
  const sets = columns.map((column, index) => {
    const cases = rows.map((row, at) => `WHEN ${keys[at]} THEN ${literal(row[index + 1] ?? null)}`);
    return `${column}=CASE ${key} ${cases.join(' ')} END`;
  });
  return `UPDATE ${table} SET ${sets.join(',')} WHERE ${key} IN (${keys.join(',')})`;
}
