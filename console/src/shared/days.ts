/** Days of statements and statistics: those of the installation, wherever the viewer is. */
import dayjs from 'dayjs';
import { SETTINGS } from '../settings.ts';

const DAY = 'YYYY-MM-DD';

/** The installation's day as yyyy-MM-dd, the form in which Swedish writes it. */
export function today(): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: SETTINGS.timeZone, dateStyle: 'short' }).format(new Date());
}

/** The last `count` days up to today, oldest first. */
export function lastDays(count: number): string[] {
  const last = dayjs(today());
  return Array.from({ length: count }, (_, index) => last.subtract(count - 1 - index, 'day').format(DAY));
}
