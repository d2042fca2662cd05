/** Times, days and months on the wire. Times out: ISO-8601 with the offset of the installation's zone. In: also without offset, read there. */
import { z } from 'zod';
import { localDay } from '../../infra/calendar.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Offsets of all zones change on whole quarter hours. */
const QUARTER_MS = 900_000;

const formats = new Map<string, Intl.DateTimeFormat>();
let recent = { zone: '', quarter: Number.NaN, offsetMs: 0 };

/** How far the local time of a zone is ahead of UTC at an instant, in milliseconds. */
function offsetMs(ms: number, zone: string): number {
  const quarter = Math.floor(ms / QUARTER_MS);
  if (recent.quarter === quarter && recent.zone === zone) return recent.offsetMs;
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  const name = format.formatToParts(ms).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
  recent = { zone, quarter, offsetMs: parseOffset(name.slice(3)) };
  return recent.offsetMs;
}

/** "+08:00", "+0800", " 08:00" (a plus that a query string lost) or "Z" → milliseconds. */
function parseOffset(text: string): number {
  const match = /^([+\- ])(\d\d):?(\d\d)(?::\d\d)?$/.exec(text);
  if (!match) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === '-' ? -minutes : minutes) * MINUTE_MS;
}

/** What `isoTime` gives, for `success` schemas. */
export const timeOutput = z.string().meta({ format: 'date-time' });

/** When a record was made and last changed, which most records say. */
export const recordTimes = {
  createdAt: timeOutput.describe('When it was created'),
  updatedAt: timeOutput.describe('When it was last changed'),
};

/** An instant as `2026-11-24T19:42:00.207+08:00`. */
export function isoTime(date: Date, zone: string): string {
  const offset = offsetMs(date.getTime(), zone);
  const local = new Date(date.getTime() + offset).toISOString().slice(0, -1);
  const minutes = Math.abs(offset) / MINUTE_MS;
  const two = (value: number): string => String(Math.trunc(value)).padStart(2, '0');
  return `${local}${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+\- ]\d\d:?\d\d)?$/i;

const LAST_YEAR = 9998;
/** The last moment that a request may name. */
export const LATEST_MS = Date.UTC(LAST_YEAR + 1, 0, 1) - 1;
const LARGEST_OFFSET_MS = 14 * 60 * MINUTE_MS;

/** Reads an instant; without offset it is the local time of `zone`. @returns undefined when it is no such time. */
export function parseTime(text: string, zone: string): Date | undefined {
  const match = TIME.exec(text.trim());
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', offset] = match;
  const fields = [year, month, day, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = fields;
  const wall = Date.UTC(y, mo - 1, d, h, mi, s, Number(fraction.slice(0, 3).padEnd(3, '0')));
  // Date.UTC carries 31 February over to March; the text must name a day that exists.
  const read = new Date(wall);
  const readBack = [read.getUTCFullYear(), read.getUTCMonth() + 1, read.getUTCDate(), read.getUTCHours()];
  if (readBack.some((value, index) => value !== fields[index]) || mi > 59 || s > 59) return undefined;
  // Databases keep four digits of a year, and no offset may lead past them.
  if (y > LAST_YEAR || (offset !== undefined && Math.abs(parseOffset(offset)) > LARGEST_OFFSET_MS)) return undefined;
  if (offset !== undefined) return new Date(wall - parseOffset(offset));
  // The offset at the wall time read as UTC is right but around a change of clocks, where the second look is.
  const guess = wall - offsetMs(wall, zone);
  return new Date(wall - offsetMs(guess, zone));
}

/** A time in a request. */
export function timeInput(zone: string) {
  return z
    .string()
    .max(40)
    .transform((text, context): Date => {
      const time = parseTime(text, zone);
      if (time !== undefined) return time;
      context.addIssue('must be a time such as 2026-11-24T19:42:00+08:00 or 2026-11-24 19:42:00');
      return z.NEVER;
    });
}

/** A day, given as yyyy-MM-dd or as any time → the local day as yyyy-MM-dd. */
export function dayInput(zone: string) {
  return timeInput(zone).transform((time) => localDay(time.getTime(), zone));
}

/** The first instant of a local day (yyyy-MM-dd). */
export function startOfDay(day: string, zone: string): Date {
  const start = parseTime(day, zone);
  if (start === undefined) throw new RangeError(`${day} is not a day`);
  return start;
}

/** The local day `count` days after another. */
export function addDays(day: string, count: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);
}

/** A month as yyyy-MM → its first and the next month's first instant. */
export function monthInput(zone: string) {
  return z
    .string()
    .max(7)
    .regex(/^2\d{3}-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-11')
    .transform((month) => {
      const [year = 0, number = 0] = month.split('-').map(Number);
      const next = number === 12 ? `${year + 1}-01` : `${year}-${String(number + 1).padStart(2, '0')}`;
      return { month, from: startOfDay(`${month}-01`, zone), until: startOfDay(`${next}-01`, zone) };
    });
}
