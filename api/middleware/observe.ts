/** What is seen of a request: its trace id, its span, and a log line and a measurement when its answer has ended. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Middleware } from 'koa';
import type { Logger } from '../../infra/logger.ts';
import type { Metrics } from '../../infra/metrics.ts';
import { pathWithoutSecrets } from '../../infra/secrets.ts';
import type { Attributes, Tracer } from '../../infra/telemetry/spans.ts';
import { newTraceId, traceIdOf } from '../../infra/telemetry/trace-id.ts';
import type { ApiContext, ApiState } from '../http/route-input.ts';

/** Requests that no route took share one label, whatever their path. */
const NO_ROUTE = 'none';

/** One log line and one measurement for every request, when its answer has ended. */
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
  const { traceId, caller, routePath, call } = ctx.state;
  return {
    traceId,
    method: ctx.method,
    // A declared path without parameters is what it is declared as.
    path: ctx.path === routePath ? routePath : pathWithoutSecrets(ctx.path),
    status: ctx.res.statusCode,
    durationMs: Math.round(durationMs * 1000) / 1000,
    userId: caller?.userId,
    accessKeyId: caller?.kind === 'access-key' ? caller.accessKeyId : undefined,
    ...call,
    complete: ctx.res.writableFinished,
  };
}

const TRACE_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** Proxies set `x-request-id` on everything, so a caller's `traceparent` comes before it. */
const INCOMING = ['x-trace-id', 'traceparent', 'x-request-id', 'trace-id'] as const;

/** Gives every request its trace id, and every answer the header with it. */
export function traceIds(): Middleware<ApiState> {
  return (ctx, next) => {
    const traceId = incomingTraceId(ctx.req.headers) ?? newTraceId();
    ctx.state.traceId = traceId;
    ctx.set('X-Trace-Id', traceId);
    return next();
  };
}

/** A caller's own id is for tracing only, and ignored when it is not of the allowed form. */
function incomingTraceId(headers: IncomingHttpHeaders): string | undefined {
  for (const name of INCOMING) {
    const value = headers[name];
    if (typeof value !== 'string') continue;
    const traceId = name === 'traceparent' ? traceIdOf(value) : value;
    if (traceId !== undefined && TRACE_ID.test(traceId)) return traceId;
  }
  return undefined;
}

/** Probes ask these every few seconds; traces of them are of no use. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

/** One span for every request, in the trace of its trace id, until its answer has ended. */
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
