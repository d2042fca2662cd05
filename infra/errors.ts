/**
 * The one error class of the product and its closed list of codes (for callers: docs/api-guide.md). A thrown AppError is
 * an answer that the caller may see; anything else that is thrown is a bug and answered as 500 without its text.
 */
const ERRORS = {
  invalidParameter: { code: 400001, status: 400, openai: 'invalid_request_error' },
  missingParameter: { code: 400002, status: 400, openai: 'invalid_request_error' },
  malformedBody: { code: 400003, status: 400, openai: 'invalid_request_error' },
  wrongType: { code: 400004, status: 400, openai: 'invalid_request_error' },
  invalidBinding: { code: 400005, status: 400, openai: 'invalid_request_error' },
  notAuthenticated: { code: 401, status: 401, openai: 'authentication_error' },
  badCredentials: { code: 401001, status: 401, openai: 'authentication_error' },
  invalidToken: { code: 401002, status: 401, openai: 'authentication_error' },
  expiredToken: { code: 401003, status: 401, openai: 'authentication_error' },
  loginRequired: { code: 401004, status: 401, openai: 'authentication_error' },
  accountLocked: { code: 401005, status: 401, openai: 'authentication_error' },
  accountDisabled: { code: 401006, status: 401, openai: 'authentication_error' },
  insufficientBalance: { code: 402001, status: 402, openai: 'insufficient_quota' },
  budgetSpent: { code: 402002, status: 402, openai: 'insufficient_quota' },
  forbidden: { code: 403001, status: 403, openai: 'permission_error' },
  noSuchPath: { code: 404, status: 404, openai: 'invalid_request_error' },
  methodNotAllowed: { code: 405, status: 405, openai: 'invalid_request_error' },
  notFound: { code: 500002, status: 404, openai: 'invalid_request_error' },
  modelNotFound: { code: 600001, status: 404, openai: 'invalid_request_error' },
  alreadyExists: { code: 500003, status: 409, openai: 'invalid_request_error' },
  illegalState: { code: 500006, status: 409, openai: 'invalid_request_error' },
  idempotencyInUse: { code: 409001, status: 409, openai: 'idempotency_error' },
  idempotencyMismatch: { code: 409002, status: 422, openai: 'idempotency_error' },
  tooLarge: { code: 800002, status: 413, openai: 'invalid_request_error' },
  unsupportedFileType: { code: 800003, status: 413, openai: 'invalid_request_error' },
  unsupportedMediaType: { code: 415, status: 415, openai: 'invalid_request_error' },
  tooManyRequests: { code: 429, status: 429, openai: 'rate_limit_error' },
  modelOffline: { code: 600002, status: 503, openai: 'server_error' },
  modelIncapable: { code: 600003, status: 409, openai: 'invalid_request_error' },
  inferenceFailed: { code: 600004, status: 500, openai: 'server_error' },
  proxyFailed: { code: 700001, status: 502, openai: 'upstream_error' },
  modelCallFailed: { code: 700003, status: 502, openai: 'upstream_error' },
  upstreamError: { code: 700004, status: 502, openai: 'upstream_error' },
  upstreamTimeout: { code: 504, status: 504, openai: 'upstream_error' },
  internal: { code: 500, status: 500, openai: 'server_error' },
  unavailable: { code: 503, status: 503, openai: 'server_error' },
  databaseUnavailable: { code: 900001, status: 503, openai: 'server_error' },
} as const;

export type ErrorKind = keyof typeof ERRORS;

export const ERROR_CODES: readonly number[] = Object.values(ERRORS).map(({ code }) => code);

/** One wrong field of a request. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export interface AppErrorDetails {
  /** Wrong fields, for `data.errors`. */
  readonly errors?: readonly FieldError[];
  /** Seconds for the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
  /** OpenAI's own `code` and `param`, where the provider or a check named them. */
  readonly openaiCode?: string;
  readonly param?: string;
  readonly cause?: unknown;
}

/** An outcome the caller is told about. `message` must be fit for the caller: no keys, no stack, no SQL. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly kind: ErrorKind;
  readonly details: AppErrorDetails;

  constructor(kind: ErrorKind, message: string, details: AppErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.details = details;
  }

  get code(): number {
    return ERRORS[this.kind].code;
  }

  get status(): number {
    return ERRORS[this.kind].status;
  }

  get openaiType(): string {
    return ERRORS[this.kind].openai;
  }
}

/** Bytes of a field's name; names of an own schema in a tool are shorter. */
export const MOST_FIELD_NAME = 500;

/** A refusal names this many wrong fields at most, and says that there are more. */
export const MOST_ERRORS = 20;

/** Bad input with the fields that are wrong; of more than `MOST_ERRORS` only the first. */
export function invalid(errors: readonly FieldError[], kind: ErrorKind = 'invalidParameter'): AppError {
  const told = errors.slice(0, MOST_ERRORS);
  const texts = told.map((error) => (error.path === '' ? error.message : `${error.path}: ${error.message}`));
  const text = [...texts, ...(errors.length >= MOST_ERRORS ? ['there may be more'] : [])].join('; ');
  return new AppError(kind, text, { errors: told, ...(errors[0] ? { param: errors[0].path } : {}) });
}
