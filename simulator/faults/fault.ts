/**
 * What a fault is. Most of those that vendors really show are data: a change of the request's check, the reported usage,
 * the whole answer, the stream, or the bytes on the wire. The rest is played by the code that it concerns.
 */
import type { CountedUsage } from '../journal/call-record.ts';

export type Json = Readonly<Record<string, unknown>>;

/** What an error means, whatever the vendor calls it; each vendor's errors.ts gives its own status, code and text. */
export type ErrorKind =
  | 'bad_request'
  | 'context_exceeded'
  | 'invalid_key'
  | 'no_permission'
  | 'overdue'
  | 'model_not_found'
  | 'rate_limited'
  | 'quota_exhausted'
  | 'content_refused'
  | 'server_error'
  | 'unavailable'
  | 'timeout';

/** Why a request is not taken; `kind` is `bad_request` unless it is said. */
export interface RequestRefusal {
  readonly message: string;
  readonly param?: string;
  readonly kind?: ErrorKind;
}

/** One step of a stream. */
export type StreamItem =
  /** A chat.completion.chunk. */
  | { readonly chunk: Json }
  /** Text that is written as it is. */
  | { readonly raw: string }
  | { readonly pauseMs: number }
  /** The connection breaks, or it stays open without a word. */
  | { readonly connection: 'breaks' | 'stays open' };

/** The answer as bytes, in one piece. */
export interface Wire {
  /** What comes whatever was asked for; otherwise what was asked for. */
  readonly as?: 'stream' | 'whole' | 'lines';
  readonly contentType?: string;
  readonly coding?: 'gzip' | 'deflate' | 'br';
  /** Written before everything. */
  readonly before?: string;
}

export interface Fault {
  readonly does: string;
  /** Which vendor or gateway did it. */
  readonly seen?: string;
  /** The error to answer with, for faults that are an error reply. */
  readonly error?: ErrorKind;
  /** What `=number` sets, and its default. */
  readonly value?: { readonly means: string; readonly default: number };
  /** Refuses a request that the model does not take. */
  readonly request?: (body: Json, value: number) => RequestRefusal | undefined;
  /** The usage that is reported, of chats and images; undefined = none. `reported` is what the vendor would say. */
  readonly usage?: (reported: Json, counted: CountedUsage, value: number) => Json | undefined;
  /** The chat.completion object. */
  readonly completion?: (completion: Json, value: number) => Json;
  /** Everything that a stream sends: the chunks in order, then usage where it was asked for, then `DONE`. */
  readonly stream?: (items: readonly StreamItem[], value: number) => readonly StreamItem[];
  readonly wire?: Wire;
}

/** The last item of a whole stream. */
export const DONE = { raw: 'data: [DONE]\n\n' } satisfies StreamItem;
