/** Gives every request its trace id, and every answer the header that tells it. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Middleware } from 'koa';
import type { ApiState } from '../route-input.ts';

const TRACE_ID = /^[A-Za-z0-9._-]{1,64}$/;
const INCOMING = ['x-trace-id', 'x-request-id', 'trace-id'] as const;

export function traceIds(): Middleware<ApiState> {
  return (ctx, next) => {
    const traceId = incomingTraceId(ctx.req.headers) ?? randomUUID();
    ctx.state.traceId = traceId;
    ctx.set('X-Trace-Id', traceId);
    return next();
  };
}

/** A caller's own id is for tracing only, and ignored when it is not of the allowed form. */
function incomingTraceId(headers: IncomingHttpHeaders): string | undefined {
  for (const name of INCOMING) {
    const value = headers[name];
    if (typeof value === 'string' && TRACE_ID.test(value)) return value;
  }
  return undefined;
}
