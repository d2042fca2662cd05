/** Anthropic's errors, headers and ids. */
import { randomBytes } from 'node:crypto';
import type { ErrorKind } from '../faults/fault.ts';
import { type Vendor, VendorError } from '../vendor.ts';

const ERRORS: Record<ErrorKind, { status: number; type: string; message: string }> = {
  bad_request: { status: 400, type: 'invalid_request_error', message: 'The request is invalid.' },
  context_exceeded: {
    status: 400,
    type: 'invalid_request_error',
    message: 'prompt is too long: 204000 tokens > 200000 maximum',
  },
  invalid_key: { status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
  no_permission: {
    status: 403,
    type: 'permission_error',
    message: 'Your API key does not have permission to use the specified resource.',
  },
  overdue: {
    status: 400,
    type: 'invalid_request_error',
    message: 'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade.',
  },
  model_not_found: { status: 404, type: 'not_found_error', message: 'model: unknown' },
  rate_limited: {
    status: 429,
    type: 'rate_limit_error',
    message: 'This request would exceed the rate limit of your organization. Please try again later.',
  },
  quota_exhausted: {
    status: 400,
    type: 'invalid_request_error',
    message: 'You have reached your specified API usage limits.',
  },
  content_refused: {
    status: 400,
    type: 'invalid_request_error',
    message: 'Output blocked by content filtering policy',
  },
  server_error: { status: 500, type: 'api_error', message: 'Internal server error' },
  unavailable: { status: 529, type: 'overloaded_error', message: 'Overloaded' },
  timeout: { status: 504, type: 'timeout_error', message: 'Request timed out.' },
};

export const ANTHROPIC: Vendor = {
  name: 'anthropic',
  sendsRetryAfter: true,
  newRequestId: () => `req_${randomBytes(12).toString('hex')}`,
  headers: (requestId) => ({ 'request-id': requestId, 'anthropic-organization-id': 'simulator' }),
  error: (kind, message, param) => {
    const { status, type, message: usual } = ERRORS[kind];
    return new VendorError({ status, type, code: null, message: message ?? usual, param: param ?? null });
  },
  errorBody: (error, requestId) => ({
    type: 'error',
    error: { type: error.type, message: error.message },
    request_id: requestId,
  }),
};
