/** The log: JSON lines on standard output, without secrets. */
import { type Logger, pino } from 'pino';
import { membersWithoutSecrets, scrub } from './secrets.ts';

export type { Logger };

/** `destination` is for tests; a write to it is one line. */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // pino's own `redact` takes 15 µs a line for two levels of ten names; this takes 1.
      formatters: { level: (label) => ({ level: label }), log: membersWithoutSecrets },
      // The formatter has dealt with errors already.
      serializers: { err: (error: unknown) => error },
      hooks: { logMethod: scrubMessage },
    },
    destination ?? pino.destination({ sync: false }),
  );
}

function scrubMessage(this: Logger, parameters: Parameters<pino.LogFn>, method: pino.LogFn): void {
  const [first] = parameters as readonly unknown[];
  // pino would take the message of a lone error as it is.
  if (first instanceof Error) method.call(this, { err: first }, scrub(first.message));
  else method.apply(this, parameters.map(scrubPart) as typeof parameters);
}

function scrubPart(part: unknown): unknown {
  return typeof part === 'string' ? scrub(part) : part;
}
