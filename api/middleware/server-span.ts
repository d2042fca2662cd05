/** One span for every request, in the trace of its trace id, until its answer has ended. */
import type { Middleware } from 'koa';
import type { Attributes, Tracer } from '../../infra/telemetry/spans.ts';
import type { ApiContext, ApiState } from '../http/route-input.ts';

/** Asked every few seconds by whoever watches; a trace of them tells nothing. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

export function serverSpans(tracer: Tracer): Middleware<ApiState> {
  return (ctx, next) => {
    if (UNTRACED.has(ctx.path)) return next();
    const { traceparent } = ctx.req.headers;
    const span = tracer.serverSpan(ctx.state.traceId, typeof traceparent === 'string' ? traceparent : undefined);
    ctx.res.once('close', () => {
      const { routePath } = ctx.state;
      const name = routePath === undefined ? ctx.method : `${ctx.method} ${routePath}`;
      span.end(name, attributesOf(ctx), ctx.res.statusCode >= 500);
    });
    return span.run(next);
  };
}

/** No path, no query, no headers: any of them may carry a secret. */
function attributesOf(ctx: ApiContext): Attributes {
  const { routePath, caller } = ctx.state;
  return {
    'http.request.method': ctx.method,
    'http.response.status_code': ctx.res.statusCode,
    ...(routePath === undefined ? {} : { 'http.route': routePath }),
    ...(caller === undefined ? {} : { 'gateway.user.id': caller.userId }),
    ...(caller?.kind === 'access-key' ? { 'gateway.access_key.id': caller.accessKeyId } : {}),
    ...(ctx.res.writableFinished ? {} : { 'error.type': 'client_gone' }),
  };
}
