/** The kinds of values that settings have, read from text. */
import { z } from 'zod';

const DURATION_UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** "30m", "2s", "500ms", "24h" → milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) return undefined;
  return Math.round(Number(match[1]) * DURATION_UNIT_MS[match[2] as keyof typeof DURATION_UNIT_MS]);
}

/** A password from `openssl rand -base64` may hold a `/`, which would end the host and be found out late. */
export const MONGODB_URI = (() => {
  const word = '(?:[^\\s:/?#[\\]@%]|%[0-9a-f]{2})+';
  const host = '(?:\\[[0-9a-f:.]+\\]|[^\\s:/?#[\\]@,]+)(?::\\d+)?';
  return new RegExp(`^mongodb(\\+srv)?://(${word}(:${word})?@)?${host}(,${host})*(/[^\\s/?#@]*)?(\\?\\S*)?$`, 'i');
})();

export const duration = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const ms = parseDurationMs(text);
      if (ms !== undefined && ms > 0) return ms;
      context.addIssue({ code: 'custom', message: `"${text}" is not a duration such as 500ms, 30s, 30m, 24h` });
      return z.NEVER;
    });
const BYTE_UNITS = { B: 1, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3, TB: 1_024 ** 4 } as const;
export const bytes = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const match = /^(\d{1,9})(B|KB|MB|GB|TB)?$/.exec(text.trim());
      const size = Number(match?.[1]) * BYTE_UNITS[(match?.[2] ?? 'B') as keyof typeof BYTE_UNITS];
      if (Number.isSafeInteger(size)) return size;
      context.addIssue({ code: 'custom', message: `"${text}" is not a size such as 0, 500MB, 1GB` });
      return z.NEVER;
    });
export const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);
export const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0', ''])
    .default(fallback ? 'true' : 'false')
    .transform((value) => value === 'true' || value === '1');
export const list = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    );
/** `host:port`, the port optional; IPv6 in brackets. */
export const endpoints = (defaultPort: number) =>
  list('').transform((entries, context) =>
    entries.flatMap((text) => {
      const url = URL.parse(`tcp://${text}`);
      if (url?.host === text)
        return [{ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || defaultPort) }];
      context.addIssue({ code: 'custom', message: `"${text}" is not host:port` });
      return [];
    }),
  );
export const serverName = z
  .string()
  .regex(/^[\w.-]{0,253}$/, 'is not a host name')
  .default('');
export const headers = z
  .string()
  .default('')
  .transform((text, context) => {
    const entries = text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.split(/=(.*)/s)]));
    try {
      return Object.fromEntries(
        entries.map(([name = '', value = '']) => [name.trim(), decodeURIComponent(value.trim())]),
      );
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a list of name=value with percent-encoded values' });
      return z.NEVER;
    }
  });
export const timeZone = z
  .string()
  .default('Asia/Shanghai')
  .refine((zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC', 'is not an IANA time zone');
