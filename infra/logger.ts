/** The log: JSON lines on standard output, without secrets. */
import cluster from 'node:cluster';
import { type Logger, pino } from 'pino';
import { membersWithoutSecrets, scrub } from './secrets.ts';

export type { Logger };

/** One write for dozens of lines: a write for each line cost as much as the rest of the API. */
const BUFFER_BYTES = 4096;
/** A quiet process writes its lines this late; errors are written at once, and an exit loses nothing. */
const FLUSH_EVERY_MS = 200;

/** `destination` is for tests; a write to it is one line. */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  return pino(
    {
      level,
      // Which of several API processes; the label `process` of its metrics is the same.
      base: cluster.worker ? { process: cluster.worker.id } : null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // pino's own `redact` takes 15 µs a line for two levels of ten names; this takes 1.
      formatters: { level: (label) => ({ level: label }), log: membersWithoutSecrets },
      // The formatter has dealt with errors already.
      serializers: { err: (error: unknown) => error },
      hooks: { logMethod: scrubMessage },
    },
    destination ?? pino.destination({ sync: false, minLength: BUFFER_BYTES, periodicFlush: FLUSH_EVERY_MS }),
  );
}

const ERROR_LEVEL = 50;

function scrubMessage(this: Logger, parameters: Parameters<pino.LogFn>, method: pino.LogFn, level: number): void {
  const [first] = parameters as readonly unknown[];
  // pino would not scrub the message of an error that is logged alone.
  if (first instanceof Error) method.call(this, { err: first }, scrub(first.message));
  else method.apply(this, parameters.map(scrubPart) as typeof parameters);
  if (level >= ERROR_LEVEL) this.flush();
}

function scrubPart(part: unknown): unknown {
  return typeof part === 'string' ? scrub(part) : part;
}
