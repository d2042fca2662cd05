/** What goes into an outbound call and what comes out of it. */
import type { IncomingHttpHeaders } from 'node:http';

/** Limits of one call. Times are milliseconds from the moment the call is given to the client. */
export interface CallLimits {
  /** Until the answer's head is there. */
  readonly firstByteMs: number;
  /** Silence allowed between two chunks of the answer. */
  readonly idleMs: number;
  /** Until the answer's end. */
  readonly totalMs: number;
  /** Largest answer that is read as a whole; 32 MB by default. A stream may have 256 MB. */
  readonly maxBytes?: number;
}

export interface OutboundCall {
  readonly method?: string;
  /** By name, or flat: name, value, name, value. */
  readonly headers?: Record<string, string> | string[];
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly limits: CallLimits;
}

/** Sends a call under limits that are settled. @throws as `Outbound.request`. */
export type Send = (url: string, call: Omit<OutboundCall, 'limits'>) => Promise<OutboundAnswer>;

/** An answer whose head has come. Its body must be read to the end, in one of the ways, or discarded. */
export interface OutboundAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Its chunks; who leaves before the end ends the call. */
  readonly stream: AsyncIterable<Uint8Array>;
  /** Without a byte order mark. */
  text(): Promise<string>;
  bytes(): Promise<Uint8Array>;
  discard(): void;
}
