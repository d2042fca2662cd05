/** OpenAI's errors, headers and ids. */
import { randomBytes } from 'node:crypto';
import type { ErrorKind } from '../faults/fault.ts';
import type { KeyCheck } from '../keys.ts';
import { type Vendor, VendorError } from '../vendor.ts';

const ERRORS: Record<ErrorKind, { status: number; code: string | null; type: string; message: string }> = {
  bad_request: {
    status: 400,
    code: 'invalid_value',
    type: 'invalid_request_error',
    message: 'The request is invalid.',
  },
  context_exceeded: {
    status: 400,
    code: 'context_length_exceeded',
    type: 'invalid_request_error',
    message: 'Your messages exceed the context length of this model. Please reduce their length.',
  },
  invalid_key: {
    status: 401,
    code: 'invalid_api_key',
    type: 'invalid_request_error',
    message: 'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.',
  },
  no_permission: {
    status: 403,
    code: 'unsupported_country_region_territory',
    type: 'request_forbidden',
    message: 'Country, region, or territory not supported',
  },
  overdue: {
    status: 429,
    code: 'billing_not_active',
    type: 'billing_not_active',
    message: 'Your account is not active, please check your billing details on our website.',
  },
  model_not_found: {
    status: 404,
    code: 'model_not_found',
    type: 'invalid_request_error',
    message: 'The model does not exist or you do not have access to it.',
  },
  rate_limited: {
    status: 429,
    code: 'rate_limit_exceeded',
    type: 'requests',
    message: 'Rate limit reached for requests per min (RPM). Please try again later.',
  },
  quota_exhausted: {
    status: 429,
    code: 'insufficient_quota',
    type: 'insufficient_quota',
    message: 'You exceeded your current quota, please check your plan and billing details.',
  },
  content_refused: {
    status: 400,
    code: 'content_policy_violation',
    type: 'invalid_request_error',
    message: 'Your request was rejected as a result of our safety system.',
  },
  server_error: {
    status: 500,
    code: null,
    type: 'server_error',
    message: 'The server had an error while processing your request. Sorry about that!',
  },
  unavailable: {
    status: 503,
    code: null,
    type: 'server_error',
    message: 'The engine is currently overloaded, please try again later.',
  },
  timeout: { status: 504, code: null, type: 'server_error', message: 'The model did not answer in time.' },
};

const TOKENS_PER_MINUTE = 2_000_000;

export const OPENAI: Vendor = {
  name: 'openai',
  sendsRetryAfter: true,
  newRequestId: () => `req_${randomBytes(16).toString('hex')}`,
  headers: (requestId, check) => ({
    'x-request-id': requestId,
    'openai-version': '2020-10-01',
    ...rateLimitHeaders(check),
  }),
  error: (kind, message, param) => {
    const error = ERRORS[kind];
    return new VendorError({ ...error, message: message ?? error.message, param: param ?? null });
  },
  errorBody: (error) => ({
    error: { message: error.message, type: error.type, param: error.param, code: error.code },
  }),
};

function rateLimitHeaders(check: KeyCheck | undefined): Record<string, string> {
  if (check?.kind !== 'accepted' && check?.kind !== 'limited') return {};
  const remaining = check.kind === 'accepted' ? check.remaining : 0;
  return {
    'x-ratelimit-limit-requests': String(check.limit),
    'x-ratelimit-remaining-requests': String(remaining),
    'x-ratelimit-reset-requests': duration(check.resetMs),
    'x-ratelimit-limit-tokens': String(TOKENS_PER_MINUTE),
    'x-ratelimit-remaining-tokens': String(TOKENS_PER_MINUTE),
    'x-ratelimit-reset-tokens': '0s',
  };
}

/** OpenAI's spelling: `820ms`, `1s`, `6m0s`. */
function duration(durationMs: number): string {
  if (durationMs < 1_000) return `${durationMs}ms`;
  const seconds = Math.ceil(durationMs / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
