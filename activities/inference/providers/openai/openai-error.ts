/** What an error of the `openai` package, or of the connection under it, means to the gateway. */
import OpenAI from 'openai';
import { outboundFailure } from '../../../../infra/outbound.ts';
import { scrub } from '../../../../infra/secrets.ts';
import { type FailureClass, UpstreamFailure } from '../failure.ts';

const MAX_MESSAGE = 1_000;

/** By the provider's own code, where the status alone would mislead. */
const BY_CODE: Readonly<Record<string, FailureClass>> = {
  insufficient_quota: 'account',
  billing_hard_limit_reached: 'account',
  invalid_api_key: 'account',
  account_deactivated: 'account',
  content_policy_violation: 'content',
  content_filter: 'content',
  model_not_found: 'model',
};

function byStatus(status: number): FailureClass {
  if (status === 429) return 'rate';
  if (status === 401 || status === 402 || status === 403) return 'account';
  if (status === 404) return 'model';
  if (status === 408 || status === 504) return 'timeout';
  if (status >= 400 && status < 500) return 'bad-request';
  return 'transient';
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfterMs(
  headers: { get(name: string): string | null } | undefined,
  nowMs: number,
): number | undefined {
  const exact = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(exact) && exact >= 0) return exact;
  const text = headers?.get('retry-after');
  if (text === null || text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** @param signal tells a caller who left from a provider that was slow. */
export function failureOf(error: unknown, signal: AbortSignal): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  if (signal.aborted && !isTimeout(signal)) {
    return new UpstreamFailure('cancelled', 'the caller gave up', { status: 0, cause: error });
  }
  if (error instanceof OpenAI.APIError && typeof error.status === 'number') return answered(error, error.status);
  const connection = outboundFailure(error);
  if (connection === 'timeout' || connection === 'aborted' || error instanceof OpenAI.APIConnectionTimeoutError) {
    return new UpstreamFailure('timeout', 'the provider did not answer in time', { status: 0, cause: error });
  }
  const text = connection === 'unreachable' ? 'the provider cannot be reached' : 'the provider broke the connection';
  return new UpstreamFailure('transient', text, { status: 0, cause: error });
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
}

function answered(error: InstanceType<typeof OpenAI.APIError>, status: number): UpstreamFailure {
  const code = typeof error.code === 'string' ? error.code : '';
  const wait = retryAfterMs(error.headers, Date.now());
  const upstreamRequestId = error.requestID;
  return new UpstreamFailure(BY_CODE[code] ?? byStatus(status), messageOf(error), {
    status,
    ...(code === '' ? {} : { code }),
    ...(typeof upstreamRequestId === 'string' ? { upstreamRequestId } : {}),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  });
}

/** The provider's own words; the package puts the status before them. */
function messageOf(error: InstanceType<typeof OpenAI.APIError>): string {
  const own = fieldText(error.error, 'message') ?? error.message;
  return scrub(own).slice(0, MAX_MESSAGE);
}

/** An error that comes as an ordinary answer or as an event in the middle of a stream. */
export function failureInBody(error: unknown): UpstreamFailure {
  const message = fieldText(error, 'message') ?? (typeof error === 'string' ? error : 'the provider reported an error');
  const code = fieldText(error, 'code');
  return new UpstreamFailure((code && BY_CODE[code]) || 'transient', scrub(message).slice(0, MAX_MESSAGE), {
    status: 200,
    ...(code ? { code } : {}),
  });
}

function fieldText(value: unknown, field: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const text: unknown = Reflect.get(value, field);
  return typeof text === 'string' ? text : undefined;
}
