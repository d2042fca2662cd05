/** Errors on the wire: their HTTP status, OpenAI's word for them, and how much of them a caller sees. */
import { AppError, type ErrorKind, type FieldError } from '../../infra/errors.ts';
import { isDatabaseUnavailable } from '../../infra/mysql/unavailable.ts';
import { scrub } from '../../infra/secrets.ts';

/** The HTTP status that an error is answered with. */
export function statusOf(kind: ErrorKind): number {
  switch (kind) {
    case 'invalidParameter':
    case 'missingParameter':
    case 'malformedBody':
    case 'wrongType':
    case 'invalidBinding':
    // SDKs repeat a 409.
    case 'modelIncapable':
      return 400;
    case 'notAuthenticated':
    case 'badCredentials':
    case 'invalidToken':
    case 'expiredToken':
    case 'loginRequired':
    case 'accountLocked':
    case 'accountDisabled':
      return 401;
    case 'insufficientBalance':
    case 'budgetSpent':
      return 402;
    case 'forbidden':
      return 403;
    case 'noSuchPath':
    case 'notFound':
    case 'modelNotFound':
      return 404;
    case 'methodNotAllowed':
      return 405;
    case 'alreadyExists':
    case 'illegalState':
    case 'idempotencyInUse':
      return 409;
    case 'idempotencyMismatch':
      return 422;
    case 'tooLarge':
      return 413;
    case 'unsupportedFileType':
    case 'unsupportedMediaType':
      return 415;
    case 'tooManyRequests':
      return 429;
    case 'modelOffline':
    case 'unavailable':
    case 'databaseUnavailable':
      return 503;
    case 'inferenceFailed':
    case 'internal':
      return 500;
    case 'proxyFailed':
    case 'modelCallFailed':
    case 'upstreamError':
      return 502;
    case 'upstreamTimeout':
      return 504;
  }
}

/** Whether the same request may do better by itself: not where it is what has to change. OpenAI's and Anthropic's SDKs repeat any 409. */
export function mayBeRepeated({ kind, details }: AppError): boolean {
  if (details.repeatable === false) return false;
  if (statusOf(kind) >= 500 || details.retryAfterSeconds !== undefined) return true;
  return kind === 'tooManyRequests' || kind === 'idempotencyInUse';
}

/** `error.type` in OpenAI's form. */
export function openAiTypeOf(kind: ErrorKind): string {
  switch (kind) {
    case 'invalidParameter':
    case 'missingParameter':
    case 'malformedBody':
    case 'wrongType':
    case 'invalidBinding':
    case 'noSuchPath':
    case 'methodNotAllowed':
    case 'notFound':
    case 'modelNotFound':
    case 'alreadyExists':
    case 'illegalState':
    case 'tooLarge':
    case 'unsupportedFileType':
    case 'unsupportedMediaType':
    case 'modelIncapable':
      return 'invalid_request_error';
    case 'notAuthenticated':
    case 'badCredentials':
    case 'invalidToken':
    case 'expiredToken':
    case 'loginRequired':
    case 'accountLocked':
    case 'accountDisabled':
      return 'authentication_error';
    case 'insufficientBalance':
    case 'budgetSpent':
      return 'insufficient_quota';
    case 'forbidden':
      return 'permission_error';
    case 'idempotencyInUse':
    case 'idempotencyMismatch':
      return 'idempotency_error';
    case 'tooManyRequests':
      return 'rate_limit_error';
    case 'modelOffline':
    case 'inferenceFailed':
    case 'internal':
    case 'unavailable':
    case 'databaseUnavailable':
      return 'server_error';
    case 'proxyFailed':
    case 'modelCallFailed':
    case 'upstreamError':
    case 'upstreamTimeout':
      return 'upstream_error';
  }
}

/** Makes an error of anything that was thrown. A bug or an outage is answered without its own text, which is logged. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isDatabaseUnavailable(error)) {
    return new AppError('databaseUnavailable', 'the database cannot be reached, try again shortly', {
      retryAfterSeconds: 5,
      cause: error,
    });
  }
  if (error instanceof URIError) return new AppError('invalidParameter', 'the address is not valid UTF-8');
  if (isClientError(error)) return new AppError('invalidParameter', error.message, { cause: error });
  return new AppError('internal', 'internal error', { cause: error });
}

/** Errors of koa and its middleware that are the caller's fault and say so (`expose`). */
function isClientError(error: unknown): error is Error {
  if (!(error instanceof Error) || !('status' in error) || !('expose' in error)) return false;
  return error.expose === true && typeof error.status === 'number' && error.status >= 400 && error.status < 500;
}

/** No error answer is larger, whatever was sent: an error must not cost more than the request. */
const MAX_BYTES = 16 * 1024;
const MAX_MESSAGE = 2_000;
const MAX_PATH = 200;
const MAX_FIELD_MESSAGE = 300;
/** Enough for the parts above at six bytes a character. */
const MOST_HALVINGS = 5;

/** The parts of an error that a caller sees: bounded, and without keys and tokens that stood in a wrong place. */
export interface VisibleError {
  readonly message: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly param: string | undefined;
}

/** The text that `render` makes of an error; it names fewer fields where the text would be too large. */
export function errorText(error: AppError, render: (visible: VisibleError) => string): string {
  const { errors, param } = error.details;
  let visible: VisibleError = {
    message: clipped(error.message, MAX_MESSAGE),
    errors: errors?.map(({ path, message }) => ({
      path: clipped(path, MAX_PATH),
      message: clipped(message, MAX_FIELD_MESSAGE),
    })),
    param: param === undefined ? undefined : clipped(param, MAX_PATH),
  };
  let text = render(visible);
  // Characters that JSON or UTF-8 writes with up to six bytes.
  for (let left = MOST_HALVINGS; left > 0 && Buffer.byteLength(text) > MAX_BYTES; left--) {
    const half = visible.errors?.slice(0, Math.floor(visible.errors.length / 2));
    visible = { ...visible, errors: half, message: clipped(visible.message, Math.floor(visible.message.length / 2)) };
    text = render(visible);
  }
  return text;
}

function clipped(text: string, most: number): string {
  const clean = scrub(text.slice(0, most + 1));
  return clean.length <= most ? clean : `${clean.slice(0, Math.max(most - 1, 0))}…`;
}
