/** What is thrown while a request is answered → an error that its caller may see. */
import { AppError } from '../../infra/errors.ts';
import { isDatabaseUnavailable } from '../../infra/mysql/unavailable.ts';

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
