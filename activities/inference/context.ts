/** What a core function is told about the call that it serves; Koa and Temporal each make one. */
import type { Logger } from 'pino';

export interface CallContext {
  /** Aborts when the caller has given up, the job was cancelled, or the deadline has passed. */
  readonly signal: AbortSignal;
  /** Tells whoever watches that the call is alive, in a sentence an operator can read. */
  readonly heartbeat: (detail: string) => void;
  readonly log: Logger;
  /** Id of the call or job; also the id of its hold. */
  readonly requestId: string;
}
