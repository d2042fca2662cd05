/** From a request to the declared route that answers it, and through its steps: caller, body, checks, handler, answer. */
import { Router } from '@koa/router';
import type Koa from 'koa';
import type { Middleware } from 'koa';
import type { RefusedCalls } from '../../core/usage/refused-calls.ts';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { type Authenticator, credentialsOf, resolveCaller } from '../middleware/caller.ts';
import { ANTHROPIC, isAnthropicClient } from './anthropic-form.ts';
import { EMPTY_BODY, readBody } from './body.ts';
import { type AnswerForm, ENVELOPE, OPENAI } from './forms.ts';
import { type Idempotency, idempotencyKey, idempotencyScope, KEY_HEADER, requestFingerprint } from './idempotency.ts';
import { isJsonType, parseJson } from './json.ts';
import { admitLargeAnswer, JsonText, LARGE_ANSWER_BYTES } from './large-answers.ts';
import { noteRefusal } from './refusals.ts';
import type { Route, RouteCall } from './route.ts';
import type { ApiContext, ApiState } from './route-input.ts';

export interface DispatchServices {
  readonly authenticator: Authenticator;
  readonly idempotency: Idempotency;
  readonly refusedCalls: Pick<RefusedCalls, 'note'>;
  readonly logger: Logger;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * The router tries every pattern in turn, 40 µs a request with all of ours; every inference path is a fixed one and
 * found by one look into a map. So `/v1/providers/presets` also comes before `/v1/providers/{id}`.
 */
export function useRoutes(app: Koa<ApiState>, routes: readonly Route[], services: DispatchServices): void {
  const router = new Router<ApiState>({ sensitive: true });
  const fixed = new Map<string, Middleware<ApiState>>();
  for (const route of routes) {
    const method = route.method.toUpperCase();
    const middleware = dispatch(route, services);
    const pattern = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    router.register(route.slashes ? pattern.replace(/:(\w+)$/, '*$1') : pattern, [method], middleware);
    if (!route.path.includes('{')) fixed.set(`${method} ${route.path}`, middleware);
  }
  app.use(fixedPaths(fixed));
  app.use(router.routes());
  app.use(noRoute(router));
}

/** Paths under which OpenAI's clients call, beside those of the routes. */
const OPENAI_PREFIXES = [
  ...['assistants', 'audio', 'batches', 'chat', 'completions', 'embeddings', 'files', 'fine_tuning', 'images'],
  ...['moderations', 'realtime', 'responses', 'threads', 'uploads', 'vector_stores', 'videos'],
].map((name) => `/v1/${name}`);

function isOpenAi(path: string): boolean {
  return OPENAI_PREFIXES.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}

/** Anthropic's: below it stand what its clients count tokens and run batches with. */
const MESSAGES_PATH = '/v1/messages';

/** The form of an answer that no route gives: nothing at the path, or nothing for the method. */
export function unmatchedForms(routes: readonly Route[]): (path: string) => AnswerForm {
  const paths = new Map(routes.map(({ path, form }) => [path, form]));
  return (path) => {
    if (path.startsWith(`${MESSAGES_PATH}/`)) return paths.get(path) ?? ANTHROPIC;
    return paths.get(path) ?? (isOpenAi(path) ? OPENAI : ENVELOPE);
  };
}

function fixedPaths(fixed: ReadonlyMap<string, Middleware<ApiState>>): Middleware<ApiState> {
  return (ctx, next) => {
    const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
    const middleware = fixed.get(`${method} ${ctx.path}`);
    return middleware === undefined ? next() : middleware(ctx, next);
  };
}

/** Longest path that an error message repeats. */
const MOST_PATH_CHARACTERS = 100;

/** 404, or 405 with the methods that the path has. */
function noRoute(router: Router<ApiState>): Middleware<ApiState> {
  return (ctx) => {
    const layers = router.match(ctx.path, ctx.method).path;
    const methods = [...new Set(layers.flatMap((layer) => layer.methods))];
    // What OpenAI's clients send where we have ids is the name of a method that we do not have: /v1/responses/compact.
    const isName =
      ctx.method === 'POST' && isOpenAi(ctx.path) && layers.every(({ path }) => /:\w+$/.test(String(path)));
    if (methods.length === 0 || isName) {
      // Clients of OpenAI call by a method's name and may not know the path.
      throw new AppError('noSuchPath', `there is nothing at ${ctx.path.slice(0, MOST_PATH_CHARACTERS)}`);
    }
    ctx.set('Allow', methods.join(', '));
    if (ctx.method !== 'OPTIONS') throw new AppError('methodNotAllowed', `allowed here: ${methods.join(', ')}`);
    ctx.status = 204;
  };
}

export function dispatch(route: Route, services: DispatchServices): Middleware<ApiState> {
  const hasBody = route.method !== 'get' && route.method !== 'delete';
  return async (ctx) => {
    const startedAtMs = Date.now();
    ctx.state.routePath = route.path;
    ctx.state.form = formOf(route, ctx);
    const { requestIdHeader } = ctx.state.form;
    if (requestIdHeader !== undefined) ctx.set(requestIdHeader, ctx.state.traceId);
    const caller = await resolveCaller(route.access, ctx, services.authenticator);
    if (caller !== undefined) ctx.state.caller = caller;
    const limits = { bytes: route.bodyLimitBytes, userId: caller?.userId };
    let json: unknown;
    try {
      const rawBody = hasBody ? await readBody(ctx.req, ctx.res, limits) : EMPTY_BODY;
      if (route.bodyForm === 'json') json = jsonOf(route, ctx, rawBody);
      const call: RouteCall = { ctx, logger: services.logger, caller, rawBody, json };
      const key = route.idempotent === false ? undefined : keyOf(route, ctx);
      if (key === undefined) await answer(route, call);
      else await answerOnce(route, call, services.idempotency, key);
    } catch (error) {
      noteRefusal(services.refusedCalls, route, ctx, { caller, json, startedAtMs }, error);
      throw error;
    }
  };
}

/** A caller that shows an access key alone is answered in its clients' form where the route has one for it. */
function formOf(route: Route, ctx: ApiContext): AnswerForm {
  if (route.successForKey === undefined) return route.form;
  const { token, accessKey } = credentialsOf(ctx);
  if (accessKey === undefined || token !== undefined) return route.form;
  return isAnthropicClient(ctx) ? ANTHROPIC : OPENAI;
}

function jsonOf(route: Route, ctx: ApiContext, rawBody: Buffer): unknown {
  if (rawBody.length > 0 && !isJsonType(typeOf(ctx))) {
    throw new AppError('unsupportedMediaType', 'the request body must be JSON: send Content-Type: application/json');
  }
  return parseJson(rawBody, route.exactNumbers ? 'exact' : 'plain', route.repairsTexts ? 'repaired' : 'refused');
}

/**
 * A program may leave the type out. A page may not: without a type a browser sends a body to other sites unasked, with
 * their cookies.
 */
function typeOf({ req: { headers } }: ApiContext): string | undefined {
  const fromPage = [headers.cookie, headers.origin, headers['sec-fetch-site']].some((header) => header !== undefined);
  return headers['content-type'] ?? (fromPage ? '' : undefined);
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
    requestFingerprint(ctx, call.rawBody),
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
  return data instanceof JsonText ? data.text : (JSON.stringify(data) ?? 'null');
}

function write(route: Route, ctx: ApiContext, status: number, dataText: string): void {
  const { caller } = ctx.state;
  // What has changed or cost something is answered in any case.
  if (route.method === 'get' && caller && dataText.length > LARGE_ANSWER_BYTES)
    admitLargeAnswer(ctx.res, caller.userId);
  ctx.status = status;
  ctx.body = route.form.success(dataText, ctx.state.traceId);
  ctx.set('Content-Type', JSON_TYPE);
}
