/**
 * A provider's failure: how it is read from a refusal or a broken connection, the gateway's own class for it, and what
 * the caller hears of it.
 */

import { AppError } from '../../infra/errors.ts';
import { type JsonObject, textOf } from '../../infra/json-object.ts';
import { type OutboundAnswer, outboundFailure } from '../../infra/outbound.ts';
import { scrub, withoutKeyParts } from '../../infra/secrets.ts';

export type FailureClass =
  /** The content was refused: never retried, never another provider. */
  | 'content'
  /** The caller's mistake. */
  | 'bad-request'
  /** The key or its account is out of order: another key may work. */
  | 'account'
  /** The provider does not know the model or the way it is called. */
  | 'model'
  | 'rate'
  /** 5xx, a broken connection, an answer that makes no sense. */
  | 'transient'
  | 'timeout'
  /** An answer that ended well and says neither anything nor why: another key or model may say more. */
  | 'empty'
  /** An answer that cannot be used: the provider was paid for it, and a second one would be the same. */
  | 'unusable'
  /** Our own caller gave up. */
  | 'cancelled';

export interface FailureDetails {
  /** HTTP status of the provider, 0 when there was none. */
  readonly status: number;
  /** The provider's own code and request id, kept apart from the message. */
  readonly code?: string;
  /** The field of the request that it names, as OpenAI does. */
  readonly param?: string;
  readonly upstreamRequestId?: string;
  readonly retryAfterMs?: number;
  /** What the provider has counted of an answer that has failed, as the usage of a chat. */
  readonly usage?: JsonObject;
  readonly cause?: unknown;
}

/** Thrown by adapters only. The message is the provider's own, without keys. */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';
  readonly failure: FailureClass;
  readonly details: FailureDetails;

  constructor(failure: FailureClass, message: string, details: FailureDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.failure = failure;
    this.details = details;
  }
}

/** Addresses and the connection's own words are for the log (`cause`), not for the caller. */
export function transportFailure(error: unknown, signal: AbortSignal): UpstreamFailure {
  if (signal.aborted) return abortedBy(signal, error);
  const details = { status: 0, cause: error };
  switch (outboundFailure(error)) {
    case 'timeout':
    // Not by the caller's signal, so by a timer on the way.
    case 'aborted':
      return new UpstreamFailure('timeout', 'the provider did not answer in time', details);
    case 'refused':
      // Another model may have an address that may be called.
      return new UpstreamFailure('model', "the provider's address must not be called", details);
    case 'unreachable':
      return new UpstreamFailure('transient', 'the provider could not be reached', details);
    case 'too-large':
      return new UpstreamFailure('unusable', "the provider's answer is too large", details);
    default:
      return new UpstreamFailure('transient', 'the connection to the provider broke', details);
  }
}

/** A deadline that was given with `AbortSignal.timeout` shows itself by its reason; any other abort is the caller's. */
function abortedBy(signal: AbortSignal, cause: unknown): UpstreamFailure {
  const reason: unknown = signal.reason;
  return reason instanceof DOMException && reason.name === 'TimeoutError'
    ? new UpstreamFailure('timeout', 'the provider did not answer in time', { status: 0, cause })
    : new UpstreamFailure('cancelled', 'the caller has left', { status: 0, cause });
}

export interface Refusal {
  /** HTTP status; 200 when the error came inside an answer. */
  readonly status: number;
  readonly code: string | undefined;
  /** OpenAI's `type`, which some vendors fill instead of the code. */
  readonly type: string | undefined;
  /** The field of the request that is wrong, where the provider names it. */
  readonly param: string | undefined;
  readonly message: string;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
}

export type Classify = (refusal: Refusal) => FailureClass;

const LONGEST_MESSAGE = 1_000;

/** The provider's own words, fit for a caller: without keys, and not endless. */
function cleanMessage(text: string, apiKey: string): string {
  return scrub(withoutKeyParts(text, apiKey)).slice(0, LONGEST_MESSAGE);
}

/** @param apiKey the call's own key, which a provider may echo. */
export function refused(refusal: Refusal, classify: Classify, apiKey: string): UpstreamFailure {
  const { status, code, param, requestId, retryAfterMs } = refusal;
  return new UpstreamFailure(classify(refusal), cleanMessage(refusal.message, apiKey), {
    status,
    ...(code === undefined ? {} : { code: cleanMessage(code, apiKey) }),
    ...(param === undefined ? {} : { param: cleanMessage(param, apiKey) }),
    ...(requestId === undefined ? {} : { upstreamRequestId: requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

export interface Rule {
  /** Tried on the code in lower case without `.`, `_` and `-`, and then on OpenAI's `type` in the same spelling. */
  readonly code: RegExp;
  /** The rule holds only for such a message; for codes that mean two things. */
  readonly message?: RegExp;
  readonly failure: FailureClass;
}

/** What a refusal of the key itself, or of whom it belongs to, names. */
const NAMES_ACCOUNT =
  /(?<![a-z])(api)?key(?![a-z])|account|credential|unauthori[sz]ed|authenticat|billing|balance|credits?\b|subscription|organi[sz]ation|overdue|arrear/i;

/** By code first, because statuses mislead: the first rule that fits decides, and without one the status. */
export function classifier(rules: readonly Rule[]): Classify {
  return ({ code, type, status, message }) => {
    for (const name of [code, type]) {
      if (name === undefined) continue;
      const spelling = name.toLowerCase().replace(/[._-]/g, '');
      const rule = rules.find((one) => one.code.test(spelling) && (one.message?.test(message) ?? true));
      if (rule) return rule.failure;
    }
    // Also said of a request that its filters do not like: one caller's request must not take a key from all others.
    if (status === 403 && !NAMES_ACCOUNT.test([code, type, message].join(' '))) return 'transient';
    return classOfStatus(status);
  };
}

function classOfStatus(status: number): FailureClass {
  switch (status) {
    case 401:
    case 402:
    case 403:
      return 'account';
    case 404:
    case 405:
      return 'model';
    case 408:
    case 504:
      return 'timeout';
    case 409:
    case 424:
    case 425:
      return 'transient';
    case 429:
      return 'rate';
    default:
      if (status >= 400 && status < 500) return 'bad-request';
      // A redirect is never followed: the base URL is not the provider's own.
      return status >= 300 && status < 400 ? 'model' : 'transient';
  }
}

export type AnswerHeaders = OutboundAnswer['headers'];

export function headerIn(headers: AnswerHeaders, name: string): string | undefined {
  return textOf(headers[name]);
}

const HTTP_DATE = /^\s*[A-Za-z]{3,9}, .+ GMT\s*$/;

/**
 * `retry-after-ms` before `retry-after` in seconds or as an HTTP date. OpenAI sends both; its packages prefer the first.
 * @returns milliseconds from `nowMs`, undefined when there is no hint or it makes no sense.
 */
export function retryAfterMs(headers: AnswerHeaders, nowMs: number): number | undefined {
  const ms = waitOf(headerIn(headers, 'retry-after-ms'));
  if (ms !== undefined) return Math.ceil(ms);
  const text = headerIn(headers, 'retry-after');
  const seconds = waitOf(text);
  if (seconds !== undefined) return Math.ceil(seconds * 1_000);
  // Date.parse alone takes nearly everything for a date, "-5" too.
  const dateMs = text !== undefined && HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

function waitOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

/** A caller is never told to wait longer than this for a rate limit: by then another key is likely to be free. */
const LONGEST_RATE_WAIT_SECONDS = 60;

/**
 * @param waitSeconds until some key may be used again.
 * @returns the failure itself when the caller has left: nobody is left to hear it.
 */
export function errorOf(failure: UpstreamFailure, waitSeconds: number): AppError | UpstreamFailure {
  const { message, details } = failure;
  switch (failure.failure) {
    case 'content':
      return new AppError('invalidParameter', message, {
        ...field(details),
        providerCode: 'content_policy_violation',
        cause: failure,
      });
    case 'bad-request':
      return new AppError('invalidParameter', message, {
        ...field(details),
        ...(details.code === undefined ? {} : { providerCode: details.code }),
        cause: failure,
      });
    case 'account':
      // Never 401: the caller's own key is fine. The provider's words about our account are not the caller's business.
      return new AppError('modelOffline', "the provider refuses the gateway's key; the operator has been told", {
        retryAfterSeconds: waitSeconds,
        cause: failure,
      });
    case 'model':
      return new AppError('modelIncapable', `the provider does not serve this model as it is set up: ${message}`, {
        cause: failure,
      });
    case 'rate': {
      const asked = details.retryAfterMs === undefined ? waitSeconds : Math.ceil(details.retryAfterMs / 1_000);
      const retryAfterSeconds = Math.min(Math.max(asked, 1), LONGEST_RATE_WAIT_SECONDS);
      return new AppError('tooManyRequests', message, { retryAfterSeconds, cause: failure });
    }
    case 'transient':
      return new AppError('modelCallFailed', message, { cause: failure });
    // Paid for, as another try would be.
    case 'empty':
    case 'unusable':
      return new AppError('modelCallFailed', message, { repeatable: false, cause: failure });
    case 'timeout':
      return new AppError('upstreamTimeout', message, { cause: failure });
    case 'cancelled':
      return failure;
  }
}

/** The field that the provider named: callers of OpenAI's interface look for it. */
function field({ param }: FailureDetails): { param?: string } {
  return param === undefined ? {} : { param };
}
