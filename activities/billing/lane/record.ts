/** Checked reading of the driver's records: integers come as text (BIGINT) or numbers, times as text in UTC. */
import type { SqlRecord } from './table.ts';

function fail(column: string): never {
  throw new TypeError(`column ${column} has an unexpected type`);
}

export function bigintOf(record: SqlRecord, column: string): bigint {
  const value = record[column];
  return typeof value === 'string' || typeof value === 'number' ? BigInt(value) : fail(column);
}

export function bigintOrNull(record: SqlRecord, column: string): bigint | null {
  return record[column] === null ? null : bigintOf(record, column);
}

export function numberOf(record: SqlRecord, column: string): number {
  const value = record[column];
  return typeof value === 'string' || typeof value === 'number' ? Number(value) : fail(column);
}

export function numberOrNull(record: SqlRecord, column: string): number | null {
  return record[column] === null ? null : numberOf(record, column);
}

export function textOf(record: SqlRecord, column: string): string {
  const value = record[column];
  return typeof value === 'string' ? value : fail(column);
}

export function textOrNull(record: SqlRecord, column: string): string | null {
  return record[column] === null ? null : textOf(record, column);
}

export function bytesOf(record: SqlRecord, column: string): Buffer {
  const value = record[column];
  return Buffer.isBuffer(value) ? value : fail(column);
}

export function bytesOrNull(record: SqlRecord, column: string): Buffer | null {
  return record[column] === null ? null : bytesOf(record, column);
}

/** DATETIME(3) text in UTC → milliseconds since 1970. */
export function msOf(record: SqlRecord, column: string): number {
  const ms = Date.parse(`${textOf(record, column).replace(' ', 'T')}Z`);
  return Number.isNaN(ms) ? fail(column) : ms;
}

export function msOrNull(record: SqlRecord, column: string): number | null {
  return record[column] === null ? null : msOf(record, column);
}
