/** When a provider wants to be asked again. Pure. */

export interface HeaderReader {
  get(name: string): string | null;
}

const HTTP_DATE = /^\s*[A-Za-z]{3,9}, .+ GMT\s*$/;

/**
 * `retry-after-ms` before `retry-after` in seconds or as an HTTP date (PROVIDERS.md, 4.3).
 * @returns milliseconds from `nowMs`, undefined when there is no hint or it makes no sense.
 */
export function retryAfterMs(headers: HeaderReader, nowMs: number): number | undefined {
  const ms = waitOf(headers.get('retry-after-ms'));
  if (ms !== undefined) return Math.ceil(ms);
  const text = headers.get('retry-after');
  const seconds = waitOf(text);
  if (seconds !== undefined) return Math.ceil(seconds * 1_000);
  // Date.parse alone takes nearly everything for a date, "-5" too.
  const dateMs = text !== null && HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

function waitOf(text: string | null): number | undefined {
  return text !== null && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}
