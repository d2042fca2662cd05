/** The log: JSON lines on standard output, without secrets. */
import { type Logger, pino } from 'pino';

export type { Logger };

const BLANK = '[hidden]';

/** Names under which secrets travel through this code, at the top of a logged object or one level down. */
const SECRET_FIELDS = [
  'authorization',
  'access-key',
  'x-api-key',
  'password',
  'oldPassword',
  'newPassword',
  'apiKey',
  'keyValue',
  'token',
  'secret',
];

/** Access keys, provider keys and bearer tokens as they may stand inside a text of somebody else. */
const SECRET_TEXT = /\b(ak|sk)-[\w-]{6,}|\b(bearer)\s+[\w.~+/=-]{6,}/gi;

/** Blanks keys and tokens inside a text. */
export function scrub(text: string): string {
  return text.replace(SECRET_TEXT, (_match, prefix?: string, scheme?: string) =>
    prefix === undefined ? `${scheme} ${BLANK}` : `${prefix}-${BLANK}`,
  );
}

function scrubError(error: unknown): unknown {
  const plain = pino.stdSerializers.err(error instanceof Error ? error : new Error(String(error)));
  return { type: plain.type, message: scrub(plain.message), stack: scrub(plain.stack) };
}

/** `destination` is for tests; a write to it is one line. */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [`["${field}"]`, `*["${field}"]`]);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: BLANK },
      serializers: { err: scrubError, error: scrubError },
      hooks: { logMethod: scrubMessage },
    },
    destination ?? pino.destination({ sync: false }),
  );
}

function scrubMessage(this: Logger, parameters: Parameters<pino.LogFn>, method: pino.LogFn): void {
  method.apply(this, parameters.map((part) => (typeof part === 'string' ? scrub(part) : part)) as typeof parameters);
}
