/**
 * How answers of the database are read: by the meaning of a column, because servers announce different types. MySQL
 * announces integer expressions as BIGINT, which the driver returns as text, MariaDB as INT, which it returns as a number.
 * SUM is a DECIMAL. A UNION or a function may widen a type or lose its character set (bytes). JSON is a type on MySQL and
 * text on MariaDB. So no store reads a driver's value directly.
 */
import { type ZodType, z } from 'zod';

/** A row as the driver returns it. */
export type SqlRecord = Readonly<Record<string, unknown>>;

export interface Column<T> {
  /** Reads a value. @throws {TypeError} that names the column when the value cannot be what the column means. */
  (value: unknown, name: string): T;
  /** True for a DATETIME that is read as milliseconds. */
  readonly inMs?: boolean;
}

class UnreadableColumn extends TypeError {}

function unreadable(name: string, wanted: string, cause?: unknown): never {
  throw new UnreadableColumn(`column ${name} is not ${wanted}`, { cause });
}

/** Numbers in DECIMAL may have zeros after their point. */
const INTEGER = /^-?\d+(?:\.0+)?$/;
/** Digits that no number of 2^53 or more is written with. */
const SAFE_DIGITS = 15;
const ZERO = 0x30;
const DECIMAL = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;
/** After a UNION or a function a day may arrive as a moment. */
const DAY = /^(\d{4}-\d{2}-\d{2})(?: 00:00:00(?:\.0+)?)?$/;
const MOMENT = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d+)?$/;

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined;
}

/** An integer that fits in a number; ids, counts, tokens. */
function integer(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  const text = textOf(value);
  if (text === undefined) return unreadable(name, 'an integer');
  const few = fewDigits(text);
  if (few >= 0) return few;
  const number = INTEGER.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : unreadable(name, 'an integer');
}

/**
 * The number that these characters write, or -1 when one is no digit. Most numbers and times have this form, and a
 * pattern for them took half of the time of reading a row.
 */
function digits(text: string, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at += 1) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit >= 0 && digit <= 9) number = number * 10 + digit;
    else return -1;
  }
  return to > from && to <= text.length ? number : -1;
}

/** The same of a whole text that is surely exact. */
function fewDigits(text: string): number {
  return text.length <= SAFE_DIGITS ? digits(text, 0, text.length) : -1;
}

/** An integer of any size; money. */
function bigint(value: unknown, name: string): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return unreadable(name, 'an exact integer');
  const text = textOf(value);
  if (text === undefined) return unreadable(name, 'an integer');
  const few = fewDigits(text);
  if (few >= 0) return BigInt(few);
  if (!INTEGER.test(text)) return unreadable(name, 'an integer');
  const point = text.indexOf('.');
  return BigInt(point < 0 ? text : text.slice(0, point));
}

/** A number with a fraction, such as seconds; never money. */
function decimal(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const text = textOf(value);
  return text !== undefined && DECIMAL.test(text) ? Number(text) : unreadable(name, 'a number');
}

/** 0 or 1, the servers' booleans. */
function flag(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value;
  const number = integer(value, name);
  return number === 0 || number === 1 ? number === 1 : unreadable(name, '0 or 1');
}

function text(value: unknown, name: string): string {
  return textOf(value) ?? unreadable(name, 'text');
}

function bytes(value: unknown, name: string): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : unreadable(name, 'bytes');
}

/** DATETIME in UTC as milliseconds since 1970. */
function ms(value: unknown, name: string): number {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? unreadable(name, 'a time') : value.getTime();
  const moment = textOf(value);
  if (moment === undefined || !MOMENT.test(moment)) return unreadable(name, 'a time');
  const month = digits(moment, 5, 7);
  const dayOfMonth = digits(moment, 8, 10);
  const [hour, minute, second] = [digits(moment, 11, 13), digits(moment, 14, 16), digits(moment, 17, 19)];
  // The servers have a time 0000-00-00, too.
  const isTime = month >= 1 && month <= 12 && dayOfMonth >= 1 && dayOfMonth <= 31;
  if (!isTime || hour > 23 || minute > 59 || second > 59) return unreadable(name, 'a time');
  return Date.UTC(digits(moment, 0, 4), month - 1, dayOfMonth, hour, minute, second, millisecond(moment));
}

/** The third digit after the point is the last that counts. */
function millisecond(moment: string): number {
  if (moment.length < 23) return moment.length > 20 ? Number(moment.slice(20).padEnd(3, '0')) : 0;
  return digits(moment, 20, 23);
}

/** DATETIME in UTC. */
function time(value: unknown, name: string): Date {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value : new Date(ms(value, name));
}

/** DATE, yyyy-MM-dd. */
function day(value: unknown, name: string): string {
  return DAY.exec(textOf(value) ?? '')?.[1] ?? unreadable(name, 'a day');
}

/** Any JSON; null of the column is null. Connections ask the driver for its text. */
function json(value: unknown, name: string): unknown {
  if (value === null) return null;
  const written = textOf(value) ?? unreadable(name, 'JSON');
  try {
    return JSON.parse(written);
  } catch {
    return unreadable(name, 'JSON');
  }
}

/** JSON of this form. */
function jsonOf<Schema extends ZodType>(schema: Schema): Column<z.output<Schema>> {
  return (value, name) => {
    const read = schema.safeParse(json(value, name));
    if (read.success) return read.data;
    return unreadable(name, `of its form: ${z.prettifyError(read.error)}`, read.error);
  };
}

/** One of these texts. */
function oneOf<const Word extends string>(words: readonly Word[]): Column<Word> {
  return (value, name) => {
    const found = text(value, name);
    return words.find((word) => word === found) ?? unreadable(name, `one of ${words.join(', ')}`);
  };
}

const inMs = { inMs: true };

export const column = {
  ...{ integer, bigint, decimal, flag, text, bytes, time, day, json, jsonOf, oneOf },
  ms: Object.assign(ms, inMs),
};

export function orNull<T>(read: Column<T>): Column<T | null> {
  const orNot = (value: unknown, name: string) => (value === null ? null : read(value, name));
  return read.inMs === true ? Object.assign(orNot, inMs) : orNot;
}

type Shape = Readonly<Record<string, Column<unknown>>>;
export type RowOf<Columns extends Shape> = { readonly [Name in keyof Columns]: ReturnType<Columns[Name]> };

/** What `read` returns, or `otherwise` for a row that cannot be read, because one such row must not block others. */
export function readableOr<T, U>(otherwise: U, read: () => T): T | U {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableColumn) return otherwise;
    throw error;
  }
}

export interface RowReader<Row> {
  /** The columns in SQL, in the order of the shape. */
  readonly names: readonly string[];
  /** The same for a SELECT. */
  readonly columns: string;
  /** @throws {TypeError} that names the first column that cannot be read. */
  readonly read: (record: SqlRecord) => Row;
  /** The same of what a Sequelize model gives, whose properties have our names. */
  readonly ofModel: (values: object) => Row;
}

export type ReadRow<Reader> = Reader extends RowReader<infer Row> ? Row : never;

/** A row by its columns, under our names: `userId` is the column user_id, `expiresAtMs` expires_at. */
export function rowOf<const Columns extends Shape>(shape: Columns): RowReader<RowOf<Columns>> {
  const columns = Object.entries(shape).map(([name, read]) => ({ name, sqlName: sqlNameOf(name), read }));
  const names = columns.map(({ sqlName }) => sqlName);
  // A copy has all properties in its order from the start, which is quicker than adding one after the other.
  const empty: Record<string, unknown> = Object.fromEntries(columns.map(({ name }) => [name, null]));
  const build = (record: SqlRecord, key: 'name' | 'sqlName') => {
    const row = { ...empty };
    for (const each of columns) row[each.name] = each.read(record[each[key]], each[key]);
    // Each property was read by the column of its name, whose type it has.
    return row as RowOf<Columns>;
  };
  return {
    names,
    columns: names.join(','),
    read: (record) => build(record, 'sqlName'),
    ofModel: (values) => build({ ...values }, 'name'),
  };
}

/** Our name for a column in SQL: a unit at its end is not part of the column's. */
export function sqlNameOf(name: string): string {
  return name.replace(/Ms$/, '').replace(/(?<!^)[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
