/** One log line and one measurement for every request, when its answer has ended. */
import type { Middleware } from 'koa';
import type { Logger } from '../../infra/logger.ts';
import type { Metrics } from '../../infra/metrics.ts';
import { pathWithoutSecrets } from '../../infra/secrets.ts';
import type { ApiContext, ApiState } from '../http/route-input.ts';

/** Requests that no route took share one label, whatever their path. */
const NO_ROUTE = 'none';

export function observe(logger: Logger, metrics: Metrics): Middleware<ApiState> {
  return (ctx, next) => {
    const startedAt = performance.now();
    ctx.res.once('close', () => {
      const durationMs = performance.now() - startedAt;
      const route = ctx.state.routePath ?? NO_ROUTE;
      metrics.observeHttp(ctx.method, route, ctx.res.statusCode, durationMs);
      if (logger.isLevelEnabled('info')) logger.info(lineOf(ctx, durationMs), 'request');
    });
    return next();
  };
}

/** No headers, no body, no query: any of them may carry a secret. So may a path. */
function lineOf(ctx: ApiContext, durationMs: number): object {
  const { traceId, caller } = ctx.state;
  return {
    traceId,
    method: ctx.method,
    path: pathWithoutSecrets(ctx.path),
    status: ctx.res.statusCode,
    durationMs: Math.round(durationMs * 1000) / 1000,
    userId: caller?.userId,
    accessKeyId: caller?.kind === 'access-key' ? caller.accessKeyId : undefined,
    complete: ctx.res.writableFinished,
  };
}
