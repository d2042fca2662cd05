/**
 * Days of statements, statistics and filters: those of the installation, wherever the viewer is. A day is yyyy-MM-dd,
 * and a table or chart writes it as UTC, in which no day is longer or begins at another hour.
 */
const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;

/** The day in a zone, in the form in which Swedish writes it. */
export function today(zone: string, now: number = Date.now()): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(now);
}

function midnight(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export function addDays(day: string, count: number): string {
  return new Date(midnight(day) + count * DAY_MS).toISOString().slice(0, 10);
}

/** How many days a time has, its first and its last among them. */
export function countDays(first: string, last: string): number {
  return (midnight(last) - midnight(first)) / DAY_MS + 1;
}

/** The last `count` days up to today, oldest first. */
export function lastDays(count: number, zone: string, now: number = Date.now()): string[] {
  const last = today(zone, now);
  return Array.from({ length: count }, (_, index) => addDays(last, index + 1 - count));
}

/** What stands in an address; undefined unless it is a day that exists. */
export function readDay(text: string | undefined): string | undefined {
  if (text === undefined || !/^[12]\d{3}-\d\d-\d\d$/.test(text)) return undefined;
  const ms = midnight(text);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text) ? text : undefined;
}

/** From the first day to the end of the last, as the API takes times: without an offset they are its own zone's. */
export function timesOf(from: string | undefined, until: string | undefined) {
  return {
    ...(from === undefined ? {} : { startTime: from }),
    ...(until === undefined ? {} : { endTime: addDays(until, 1) }),
  };
}

/** For a chart, whose days are those of UTC. */
export function secondsOf(day: string): number {
  return midnight(day) / SECOND_MS;
}

export function dayText(day: string, language: string): string {
  return new Date(midnight(day)).toLocaleDateString(language, { dateStyle: 'medium', timeZone: 'UTC' });
}
