/** Gives every request its trace id, and every answer the header that tells it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Middleware } from 'koa';
import { newTraceId, traceIdOf } from '../../infra/telemetry/trace-id.ts';
import type { ApiState } from '../http/route-input.ts';

const TRACE_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** Proxies set `x-request-id` on everything, so a caller's `traceparent` comes before it. */
const INCOMING = ['x-trace-id', 'traceparent', 'x-request-id', 'trace-id'] as const;

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
