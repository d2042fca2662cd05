/** Local days and budget periods: what "today" is, in the installation's time zone. Pure. */

export const BUDGET_PERIODS = ['day', 'month', 'total'] as const;
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

const formats = new Map<string, Intl.DateTimeFormat>();
let cached = { zone: '', quarter: -1, day: '' };

/** Offsets of all zones are whole quarter hours, so a day cannot change within one. */
const QUARTER_MS = 900_000;

/** The local date of an instant as yyyy-MM-dd. */
export function localDay(ms: number, timeZone: string): string {
  const quarter = Math.floor(ms / QUARTER_MS);
  if (cached.quarter === quarter && cached.zone === timeZone) return cached.day;
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
    formats.set(timeZone, format);
  }
  const day = format.format(ms);
  cached = { zone: timeZone, quarter, day };
  return day;
}

/** First day of the budget period that a local day belongs to. */
export function periodStart(day: string, period: BudgetPeriod): string {
  if (period === 'day') return day;
  return period === 'month' ? `${day.slice(0, 7)}-01` : '2000-01-01';
}
