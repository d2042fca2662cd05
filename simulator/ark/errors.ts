/** Volcengine Ark's errors and ids. */
import { randomBytes } from 'node:crypto';
import type { ErrorKind } from '../faults/fault.ts';
import { type Vendor, VendorError } from '../vendor.ts';

const ERRORS: Record<ErrorKind, { status: number; code: string; type: string; message: string }> = {
  bad_request: {
    status: 400,
    code: 'InvalidParameter',
    type: 'BadRequest',
    message: 'One or more parameters specified in the request are not valid.',
  },
  context_exceeded: {
    status: 400,
    code: 'OutofContextError',
    type: 'BadRequest',
    message: 'The request failed because the input exceeds the context length of the model.',
  },
  invalid_key: {
    status: 401,
    code: 'AuthenticationError',
    type: 'Unauthorized',
    message: 'The API key or AK/SK in the request is missing or invalid.',
  },
  no_permission: {
    status: 403,
    code: 'AccessDenied',
    type: 'Forbidden',
    message: 'The request failed because you do not have access to the requested resource.',
  },
  overdue: {
    status: 403,
    code: 'AccountOverdueError',
    type: 'Forbidden',
    message: 'The request failed because your account has an overdue balance.',
  },
  model_not_found: {
    status: 404,
    code: 'InvalidEndpointOrModel.NotFound',
    type: 'NotFound',
    message: 'The model or endpoint does not exist or you do not have access to it.',
  },
  rate_limited: {
    status: 429,
    code: 'ModelAccountRpmRateLimitExceeded',
    type: 'TooManyRequests',
    message:
      'The request failed because the requests per minute (RPM) limit of the model for your account is exceeded.',
  },
  quota_exhausted: {
    status: 429,
    code: 'QuotaExceeded',
    type: 'TooManyRequests',
    message: 'The request failed because the free trial quota of your account is used up.',
  },
  content_refused: {
    status: 400,
    code: 'InputTextSensitiveContentDetected',
    type: 'BadRequest',
    message: 'The request failed because the input text may contain sensitive information.',
  },
  server_error: {
    status: 500,
    code: 'InternalServiceError',
    type: 'InternalServerError',
    message: 'The service encountered an unexpected internal error.',
  },
  unavailable: {
    status: 429,
    code: 'ServerOverloaded',
    type: 'TooManyRequests',
    message: 'The service is currently unable to handle additional requests due to server overload.',
  },
  timeout: {
    status: 504,
    code: 'InternalServiceError',
    type: 'InternalServerError',
    message: 'The service did not answer in time.',
  },
};

export const ARK: Vendor = {
  name: 'ark',
  sendsRetryAfter: false,
  newRequestId: () => `02${Date.now()}${randomBytes(16).toString('hex')}`,
  headers: (requestId) => ({ 'x-request-id': requestId }),
  error: (kind, message, param) => {
    const error = ERRORS[kind];
    return new VendorError({ ...error, message: message ?? error.message, param: param ?? '' });
  },
  errorBody: (error, requestId) => ({
    error: {
      code: error.code,
      message: `${error.message} Request id: ${requestId}`,
      param: error.param ?? '',
      type: error.type,
    },
  }),
};
