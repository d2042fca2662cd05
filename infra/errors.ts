/**
 * The one error class of the product and its closed list of kinds, each with the code that callers know it by. A thrown
 * AppError is an answer that the caller may see; anything else that is thrown is a bug, whose text stays in the log.
 */
const CODES = {
  invalidParameter: 400001,
  missingParameter: 400002,
  malformedBody: 400003,
  wrongType: 400004,
  invalidBinding: 400005,
  notAuthenticated: 401,
  badCredentials: 401001,
  invalidToken: 401002,
  expiredToken: 401003,
  loginRequired: 401004,
  accountLocked: 401005,
  accountDisabled: 401006,
  insufficientBalance: 402001,
  budgetSpent: 402002,
  forbidden: 403001,
  noSuchPath: 404,
  methodNotAllowed: 405,
  notFound: 500002,
  modelNotFound: 600001,
  alreadyExists: 500003,
  illegalState: 500006,
  idempotencyInUse: 409001,
  idempotencyMismatch: 409002,
  tooLarge: 800002,
  unsupportedFileType: 800003,
  unsupportedMediaType: 415,
  tooManyRequests: 429,
  modelOffline: 600002,
  modelIncapable: 600003,
  inferenceFailed: 600004,
  proxyFailed: 700001,
  modelCallFailed: 700003,
  upstreamError: 700004,
  upstreamTimeout: 504,
  internal: 500,
  unavailable: 503,
  databaseUnavailable: 900001,
} as const;

export type ErrorKind = keyof typeof CODES;

export const ERROR_CODES: readonly number[] = Object.values(CODES);

/** By which callers know it. */
export function codeOf(kind: ErrorKind): number {
  return CODES[kind];
}

/** One wrong field of a request. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export interface AppErrorDetails {
  /** Wrong fields, for `data.errors`. */
  readonly errors?: readonly FieldError[];
  /** After how many seconds the caller may try again. */
  readonly retryAfterSeconds?: number;
  /** False where the same request again would cost without doing better; clients read it in a header. */
  readonly repeatable?: false;
  /** The provider's own word for the failure. */
  readonly providerCode?: string;
  /** The field of the request that is to blame. */
  readonly param?: string;
  readonly cause?: unknown;
}

/** An outcome for the caller. `message` must be fit for the caller: no keys, no stack, no SQL. */
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
    return codeOf(this.kind);
  }
}

/** Bytes of a field's name; names of an own schema in a tool are shorter. */
export const MOST_FIELD_NAME = 500;

/** A refusal names this many wrong fields at most, and says that there are more. */
export const MOST_ERRORS = 20;

/** Bad input with the fields that are wrong; of more than `MOST_ERRORS` only the first. */
export function invalid(errors: readonly FieldError[], kind: ErrorKind = 'invalidParameter'): AppError {
  const named = errors.slice(0, MOST_ERRORS);
  const texts = named.map((error) => (error.path === '' ? error.message : `${error.path}: ${error.message}`));
  const text = [...texts, ...(errors.length >= MOST_ERRORS ? ['there may be more'] : [])].join('; ');
  return new AppError(kind, text, { errors: named, ...(errors[0] ? { param: errors[0].path } : {}) });
}
