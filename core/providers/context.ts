/** What a core function is told about the call that it serves; Koa and Temporal each make one. */
import type { Logger } from 'pino';

export interface CallContext {
  /** Aborts when the caller has given up, the job was cancelled, or the deadline has passed. */
  readonly signal: AbortSignal;
  /**
   * Whether an abort means that nobody wants the result any more. False while the work only goes on elsewhere (a worker
   * that stops): then what a provider has begun must not be called off. Absent: an abort always means it.
   */
  readonly isCancelled?: () => boolean;
  /**
   * Aborts when nobody wants the result any more while the call goes on, because the provider is paid for it all the
   * same. What the provider lets be called off for free is called off; everything else is waited for.
   */
  readonly calledOff?: AbortSignal;
  /** Tells whoever watches that the call is alive, in a sentence an operator can read. */
  readonly heartbeat: (detail: string) => void;
  readonly log: Logger;
  /** Id of the call or job; also the id of its hold. */
  readonly requestId: string;
}
