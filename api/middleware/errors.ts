/** The one place where an error becomes an answer. */
import type { Middleware } from 'koa';
import { mayBeRepeated, statusOf } from '../../infra/error-answers.ts';
import type { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { toAppError } from '../http/errors.ts';
import { type AnswerForm, ENVELOPE } from '../http/forms.ts';
import type { ApiContext, ApiState } from '../http/route-input.ts';

/** No cache keeps it. */
export const NOT_STORED = 'no-store';

/** @param unmatched the form of an error at a path, where no route has matched. */
export function errorAnswers(
  logger: Logger,
  unmatched: (path: string) => AnswerForm = () => ENVELOPE,
): Middleware<ApiState> {
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const error = toAppError(thrown);
      if (statusOf(error.kind) >= 500) {
        const err = error.details.cause ?? error;
        logger.error({ err, traceId: ctx.state.traceId, route: ctx.state.routePath }, 'request failed');
      }
      writeError(ctx, error, ctx.state.form ?? unmatched(ctx.path));
    }
  };
}

function writeError(ctx: ApiContext, error: AppError, form: AnswerForm): void {
  // Past the first byte of a stream only its own writer can still say something.
  if (ctx.res.headersSent) {
    ctx.res.destroy();
    return;
  }
  ctx.status = form.statusOf?.(error) ?? statusOf(error.kind);
  ctx.body = form.error(error, ctx.state.traceId);
  if (form.requestIdHeader !== undefined) ctx.set(form.requestIdHeader, ctx.state.traceId);
  ctx.set('Content-Type', 'application/json; charset=utf-8');
  ctx.set('Cache-Control', NOT_STORED);
  // OpenAI's and Anthropic's clients ask for it before they repeat a request by themselves.
  if (!mayBeRepeated(error)) ctx.set('x-should-retry', 'false');
  if (error.details.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(error.details.retryAfterSeconds));
}
