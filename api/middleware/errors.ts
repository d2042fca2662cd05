/** The one place where an error becomes an answer. */
import type { Middleware } from 'koa';
import type { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { toAppError } from '../http/client-errors.ts';
import { errorText } from '../http/envelope.ts';
import { answersAsOpenAi, openAiErrorText } from '../http/openai-error.ts';
import type { ApiContext, ApiState } from '../http/route-input.ts';
import { credentialsOf } from './caller.ts';

/** No cache keeps it. */
export const NOT_STORED = 'no-store';

export function errorAnswers(logger: Logger): Middleware<ApiState> {
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.status >= 500) {
        const err = error.details.cause ?? error;
        logger.error({ err, traceId: ctx.state.traceId, route: ctx.state.routePath }, 'request failed');
      }
      writeError(ctx, error);
    }
  };
}

function writeError(ctx: ApiContext, error: AppError): void {
  // Past the first byte of a stream only its own writer can still say something.
  if (ctx.res.headersSent) {
    ctx.res.destroy();
    return;
  }
  const { token, accessKey } = credentialsOf(ctx);
  const openAi = answersAsOpenAi(ctx.method, ctx.path, accessKey !== undefined && token === undefined);
  ctx.status = error.status;
  ctx.body = openAi ? openAiErrorText(error) : errorText(error, ctx.state.traceId);
  ctx.set('Content-Type', 'application/json; charset=utf-8');
  ctx.set('Cache-Control', NOT_STORED);
  if (error.details.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(error.details.retryAfterSeconds));
}
