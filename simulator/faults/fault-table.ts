/**
 * Every fault the simulator can play, in one table: switched by the control endpoint (`{"fault": "429"}`) or written
 * behind a model's name (`sim-chat!429`, `sim-chat!slow-chunks=20!cut=3`). `GET /control/faults/table` serves it.
 */
import { ANSWER_FAULTS } from './answer-faults.ts';
import type { ErrorKind, Fault } from './fault.ts';
import { REQUEST_FAULTS } from './request-faults.ts';
import { STREAM_FAULTS } from './stream-faults.ts';
import { USAGE_FAULTS } from './usage-faults.ts';
import { WIRE_FAULTS } from './wire-faults.ts';

/** Those that the code of replies and streams plays by name. */
const BASIC_FAULTS = {
  // An error reply before any work.
  '429': {
    does: 'rate limited, with Retry-After',
    error: 'rate_limited',
    value: { means: 'Retry-After in seconds', default: 1 },
  },
  '429-bare': { does: 'rate limited, without Retry-After', error: 'rate_limited' },
  quota: { does: 'quota used up: the 429 that no waiting cures', error: 'quota_exhausted' },
  '400': { does: 'the request is invalid', error: 'bad_request' },
  '401': { does: 'the key is invalid', error: 'invalid_key' },
  '403': { does: 'the key may not use the model', error: 'no_permission' },
  overdue: { does: 'the account is overdue', error: 'overdue' },
  '404': { does: 'the model does not exist', error: 'model_not_found' },
  refused: { does: 'the content is refused by moderation', error: 'content_refused' },
  '500': { does: 'internal error', error: 'server_error' },
  '503': { does: 'overloaded: 503, with Ark its 429 ServerOverloaded', error: 'unavailable' },
  '504': { does: 'the vendor gave up waiting for its model', error: 'timeout' },
  '502-html': { does: 'a proxy in between answers 502 with an HTML page' },
  '200-error': { does: 'status 200 with an error as body' },
  // The connection.
  hang: { does: 'takes the request and never answers' },
  reset: { does: 'closes the connection instead of answering' },
  cut: { does: 'closes the connection in the middle of the answer', value: { means: 'chunks before it', default: 3 } },
  'clean-cut': {
    does: 'ends a stream early as if it were whole: no finish_reason, no [DONE]',
    value: { means: 'chunks before it', default: 3 },
  },
  // Time, in milliseconds.
  latency: { does: 'waits before the reply begins', value: { means: 'milliseconds', default: 1_000 } },
  'slow-first-token': {
    does: 'sends the headers of a stream at once, its first chunk late',
    value: { means: 'milliseconds', default: 2_000 },
  },
  'slow-chunks': { does: 'waits before each further chunk', value: { means: 'milliseconds', default: 50 } },
  // The body.
  malformed: { does: 'broken JSON: the whole reply, or the second event of a stream' },
  empty: { does: 'an answer without any text or image' },
  'no-choices': { does: 'a reply whose list of choices or images is empty' },
  'error-in-stream': {
    does: 'an error event inside a stream that began well',
    value: { means: 'chunks before it', default: 1 },
  },
  length: { does: 'sets the length of the answer', value: { means: 'tokens, roughly', default: 400 } },
  // The usage reported; the journal keeps the true one.
  'negative-usage': { does: 'reports minus a thousand tokens or images' },
  'zero-usage': { does: 'reports 0 tokens or images' },
  'huge-usage': { does: 'reports 9,007,199,254,740,991 tokens or images' },
  'fractional-usage': { does: 'reports half tokens or images' },
  'text-usage': { does: 'reports counts as words instead of numbers' },
  'no-usage': { does: 'reports no usage although it was asked for' },
  cached: { does: 'counts prompt tokens as served from the cache', value: { means: 'tokens', default: 32 } },
  // Images and tasks.
  partial: { does: 'some of the images fail, the first always succeeds' },
  'gone-images': { does: 'the images are reported, but their URLs answer 404' },
  'failed-task': { does: 'the task is accepted and ends FAILED' },
  'lost-task': { does: 'the task is accepted and then UNKNOWN' },
  'slow-task': { does: 'sets how long a task takes', value: { means: 'milliseconds', default: 5_000 } },
} as const satisfies Record<string, Fault>;

export const FAULTS = {
  ...BASIC_FAULTS,
  ...REQUEST_FAULTS,
  ...USAGE_FAULTS,
  ...ANSWER_FAULTS,
  ...STREAM_FAULTS,
  ...WIRE_FAULTS,
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** The faults of one call with their values; 0 where a fault has none. */
export type ActiveFaults = ReadonlyMap<FaultName, number>;

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

export function defaultValue(name: FaultName): number {
  return faultOf(name).value?.default ?? 0;
}

/** The error a fault replies with, or undefined where it plays out otherwise. */
export function errorOf(name: FaultName): ErrorKind | undefined {
  return faultOf(name).error;
}

/** What the faults of one call do, in the order of the model's name. */
export function* played(faults: ActiveFaults): Generator<{ fault: Fault; value: number }> {
  for (const [name, value] of faults) yield { fault: faultOf(name), value };
}

function faultOf(name: FaultName): Fault {
  return FAULTS[name];
}

export type SuffixedModel =
  | { ok: true; model: string; faults: Map<FaultName, number> }
  | { ok: false; model: string; unknown: string };

/** Splits the name a caller asked for into the model and its faults. */
export function parseModelName(name: string): SuffixedModel {
  const [model = '', ...suffixes] = name.split(/[!+]/);
  const faults = new Map<FaultName, number>();
  for (const suffix of suffixes) {
    const [fault = '', text] = suffix.split('=');
    const value = text === undefined || text === '' ? undefined : Number(text);
    if (!isFaultName(fault) || (value !== undefined && !Number.isFinite(value))) {
      return { ok: false, model, unknown: suffix };
    }
    faults.set(fault, value ?? defaultValue(fault));
  }
  return { ok: true, model, faults };
}
