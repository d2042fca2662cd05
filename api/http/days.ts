/** Local days and months in requests. */
import { z } from 'zod';
import { localDay } from '../../infra/calendar.ts';
import { parseTime, timeInput } from './times.ts';

const DAY_MS = 86_400_000;

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
