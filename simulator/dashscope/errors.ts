/** DashScope's errors, in its native form and in that of its OpenAI-compatible mode. */
import { randomUUID } from 'node:crypto';
import type { ErrorKind } from '../faults/fault.ts';
import { type Vendor, VendorError } from '../vendor.ts';

interface DashscopeError {
  status: number;
  /** Native code, and the one of the compatible mode. */
  native: string;
  compatible: string;
  message: string;
}

const ERRORS: Record<ErrorKind, DashscopeError> = {
  bad_request: {
    status: 400,
    native: 'InvalidParameter',
    compatible: 'invalid_parameter_error',
    message: 'Required parameter(s) missing or invalid, please check the request parameters.',
  },
  context_exceeded: {
    status: 400,
    native: 'InvalidParameter',
    compatible: 'invalid_parameter_error',
    message: 'Range of input length should be [1, 129024]',
  },
  invalid_key: {
    status: 401,
    native: 'InvalidApiKey',
    compatible: 'invalid_api_key',
    message: 'Invalid API-key provided.',
  },
  no_permission: {
    status: 403,
    native: 'Model.AccessDenied',
    compatible: 'access_denied',
    message: 'Model access denied.',
  },
  overdue: {
    status: 400,
    native: 'Arrearage',
    compatible: 'Arrearage',
    message: 'Access denied, please make sure your account is in good standing.',
  },
  model_not_found: {
    status: 404,
    native: 'ModelNotFound',
    compatible: 'model_not_found',
    message: 'The model does not exist or you do not have access to it.',
  },
  rate_limited: {
    status: 429,
    native: 'Throttling.RateQuota',
    compatible: 'limit_requests',
    message: 'Requests rate limit exceeded, please try again later.',
  },
  quota_exhausted: {
    status: 429,
    native: 'Throttling.AllocationQuota',
    compatible: 'insufficient_quota',
    message: 'Free allocated quota exceeded.',
  },
  content_refused: {
    status: 400,
    native: 'DataInspectionFailed',
    compatible: 'data_inspection_failed',
    message: 'Input data may contain inappropriate content.',
  },
  server_error: {
    status: 500,
    native: 'InternalError',
    compatible: 'internal_error',
    message: 'An internal error has occured, please try again later or contact service support.',
  },
  unavailable: {
    status: 503,
    native: 'ModelUnavailable',
    compatible: 'ModelUnavailable',
    message: 'Model is unavailable, please try again later.',
  },
  timeout: {
    status: 500,
    native: 'RequestTimeOut',
    compatible: 'RequestTimeOut',
    message: 'Request timed out, please try again later.',
  },
};

const common = {
  name: 'dashscope',
  sendsRetryAfter: false,
  newRequestId: () => randomUUID(),
  headers: (requestId: string) => ({ 'x-request-id': requestId }),
} as const;

export const DASHSCOPE: Vendor = {
  ...common,
  error: (kind, message) => {
    const error = ERRORS[kind];
    return dashscopeError(error.status, error.native, message ?? error.message);
  },
  errorBody: (error, requestId) => ({ code: error.code, message: error.message, request_id: requestId }),
};

export const DASHSCOPE_COMPATIBLE: Vendor = {
  ...common,
  error: (kind, message, param) => {
    const { status, compatible, message: usual } = ERRORS[kind];
    // The vendor repeats some codes as type.
    const type = status === 400 && compatible.endsWith('_error') ? 'invalid_request_error' : compatible;
    return new VendorError({ status, code: compatible, type, message: message ?? usual, param: param ?? null });
  },
  errorBody: (error, requestId) => ({
    error: { message: error.message, type: error.type, param: error.param, code: error.code },
    request_id: requestId,
  }),
};

/** An error with a native code that is used for one case only. */
export function dashscopeError(status: number, code: string, message: string): VendorError {
  return new VendorError({ status, code, type: null, message });
}
