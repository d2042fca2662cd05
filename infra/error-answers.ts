/** Errors on the wire: their HTTP status, OpenAI's words for them, and how much of them a caller sees. Pure. */
import type { AppError, ErrorKind, FieldError } from './errors.ts';
import { scrub } from './secrets.ts';

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
function openAiTypeOf(kind: ErrorKind): string {
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

/** A provider's own code may be any text. */
const MAX_CODE = 100;

/** The words that clients of OpenAI look for in `code`; other kinds carry our own number. */
const OPENAI_CODES: Partial<Record<ErrorKind, string>> = {
  notAuthenticated: 'invalid_api_key',
  invalidToken: 'invalid_api_key',
  modelNotFound: 'model_not_found',
  tooManyRequests: 'rate_limit_exceeded',
  insufficientBalance: 'insufficient_quota',
  budgetSpent: 'insufficient_quota',
};

/** OpenAI's word for a failure, or the provider's own. */
export function openAiCodeOf({ kind, details }: AppError): string | undefined {
  return (details.providerCode ?? OPENAI_CODES[kind])?.slice(0, MAX_CODE);
}

/** `{"error":{message,type,param,code}}`, as OpenAI answers. */
export function openAiErrorText(error: AppError): string {
  const code = openAiCodeOf(error) ?? String(error.code);
  return errorText(error, ({ message, param }) =>
    JSON.stringify({ error: { message, type: openAiTypeOf(error.kind), param: param ?? null, code } }),
  );
}
