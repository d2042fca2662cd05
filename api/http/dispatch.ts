/** Runs a declared route as a middleware: caller, body, checks, idempotence, handler, answer. */
import type { Middleware } from 'koa';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { type Authenticator, resolveCaller } from '../middleware/caller.ts';
import { EMPTY_BODY, readBody } from './body.ts';
import { successTextOf } from './envelope.ts';
import { type Idempotency, idempotencyKey, idempotencyScope, KEY_HEADER, requestFingerprint } from './idempotency.ts';
import { isJsonType, parseJson } from './json.ts';
import type { Route, RouteCall } from './route.ts';
import type { ApiContext, ApiState } from './route-input.ts';

export interface DispatchServices {
  readonly authenticator: Authenticator;
  readonly idempotency: Idempotency;
  readonly logger: Logger;
}

const JSON_TYPE = 'application/json; charset=utf-8';

export function dispatch(route: Route, services: DispatchServices): Middleware<ApiState> {
  const hasBody = route.method !== 'get' && route.method !== 'delete';
  return async (ctx) => {
    ctx.state.routePath = route.path;
    const caller = await resolveCaller(route.access, ctx, services.authenticator);
    if (caller !== undefined) ctx.state.caller = caller;
    const limits = { bytes: route.bodyLimitBytes, userId: caller?.userId };
    const rawBody = hasBody ? await readBody(ctx.req, ctx.res, limits) : EMPTY_BODY;
    const json = route.bodyForm === 'json' ? jsonOf(route, ctx, rawBody) : undefined;
    const call: RouteCall = { ctx, logger: services.logger, caller, rawBody, json };
    const key = route.idempotent === false ? undefined : keyOf(route, ctx);
    if (key === undefined) await answer(route, call);
    else await answerOnce(route, call, services.idempotency, key);
  };
}

function jsonOf(route: Route, ctx: ApiContext, rawBody: Buffer): unknown {
  if (rawBody.length > 0 && !isJsonType(ctx.req.headers['content-type'])) {
    throw new AppError('unsupportedMediaType', 'the request body must be JSON: send Content-Type: application/json');
  }
  return parseJson(rawBody, route.exactNumbers ? 'exact' : 'plain');
}

function keyOf(route: Route, ctx: ApiContext): string | undefined {
  return idempotencyKey(ctx.get(KEY_HEADER), route.idempotent === 'required');
}

async function answer(route: Route, call: RouteCall): Promise<void> {
  const result = await route.run(call);
  if ('data' in result) write(route, call.ctx, route.status, textOf(result.data));
}

async function answerOnce(route: Route, call: RouteCall, idempotency: Idempotency, key: string): Promise<void> {
  const { ctx } = call;
  let fresh: string | undefined;
  const kept = await idempotency.run(
    idempotencyScope(call.caller),
    key,
    requestFingerprint(ctx.method, ctx.path, call.rawBody),
    async (operationId) => {
      const result = await route.run({ ...call, operationId });
      if (!('data' in result)) throw new TypeError(`${route.path}: an idempotent route must return its data`);
      fresh = textOf(result.data);
      return { status: route.status, dataText: result.kept === result.data ? fresh : textOf(result.kept) };
    },
  );
  write(route, ctx, kept.status, fresh ?? kept.dataText);
}

function textOf(data: unknown): string {
  return JSON.stringify(data) ?? 'null';
}

function write(route: Route, ctx: ApiContext, status: number, dataText: string): void {
  ctx.status = status;
  ctx.body = route.answer === 'openai' ? dataText : successTextOf(dataText, ctx.state.traceId);
  ctx.set('Content-Type', JSON_TYPE);
}
