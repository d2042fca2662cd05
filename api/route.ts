/** How a resource declares its routes. The same declarations make the router, the OpenAPI document and the access table. */
import { z } from 'zod';
import type { AccessKeyCaller, Caller, Role, UserCaller } from '../activities/accounts/caller.ts';
import type { Logger } from '../infra/logger.ts';
import { DECIMAL_FORMAT } from './money.ts';
import { type ApiContext, RouteInput } from './route-input.ts';
import { parseInput } from './validation.ts';

/**
 * Who may call.
 * - `open`: anyone; credentials are not looked at.
 * - `optional-jwt`: anyone; a login token, when there is one, must be valid and gives the caller.
 * - `jwt`, `roles`: a login token; `access-key`: an access key, a login token beside it is ignored.
 * - `anyone-signed-in`: both are good, the login token counts when both come (management).
 * - `jwt-or-access-key`: both are good, the access key counts when both come (inference and its jobs).
 */
export type Access =
  | 'open'
  | 'optional-jwt'
  | 'anyone-signed-in'
  | 'jwt'
  | 'access-key'
  | 'jwt-or-access-key'
  | { readonly roles: readonly Role[] };

export type CallerOf<A extends Access> = A extends 'open'
  ? undefined
  : A extends 'optional-jwt'
    ? UserCaller | undefined
    : A extends 'access-key'
      ? AccessKeyCaller
      : A extends 'jwt' | { readonly roles: readonly Role[] }
        ? UserCaller
        : Caller;

/** Returned by a handler that has written its answer to `ctx` itself (a stream, a file, OpenAI's form). */
export const ANSWERED: Answered = { answered: true };
export interface Answered {
  readonly answered: true;
}

/** An answer beside the success and the failures that every route has, for the document. */
export interface OtherAnswer {
  readonly status: number | 'default';
  readonly description: string;
  readonly mediaType: string;
  readonly schema: z.ZodType;
}

export interface RouteDeclaration<
  A extends Access,
  P extends z.ZodType,
  Q extends z.ZodType,
  B extends z.ZodType,
  S extends z.ZodType,
> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** OpenAPI form: `/v1/models/{id}`. */
  readonly path: string;
  /** The last parameter of the path may hold slashes as they are, not only as %2F. */
  readonly slashes?: true;
  readonly summary: string;
  /** What a caller must know beyond the schemas, for the document. */
  readonly description?: string;
  readonly tag: string;
  readonly access: A;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** `json` by default; `bytes` leaves the body to the handler (`rawBody`), whatever its type. */
  readonly bodyForm?: 'json' | 'bytes';
  /** The schema of `data`. */
  readonly success: S;
  /** What an access key alone is answered instead, in OpenAI's form, as its errors are then; for the document. */
  readonly successForKey?: z.ZodType;
  /** Status of success, 200 by default. */
  readonly status?: 200 | 201 | 202;
  /** `openai`: the answer is the data itself, without the envelope. */
  readonly answer?: 'envelope' | 'openai';
  /** Media type of a success that is not JSON, for the document. */
  readonly mediaType?: string;
  readonly otherAnswers?: readonly OtherAnswer[];
  /** Whether an Idempotency-Key makes a repeated call answer as the first did, or must be given. */
  readonly idempotent?: true | 'required';
  /** An Idempotency-Key does so too, but the handler itself claims it, together with the call's hold; for the document. */
  readonly claimsKey?: true;
  /** What of the data is kept for a repeated call; all of it by default. */
  readonly kept?: (data: z.input<S>) => unknown;
  readonly handler: (
    input: RouteInput<z.output<P>, z.output<Q>, z.output<B>, CallerOf<A>>,
  ) => NoInfer<z.input<S>> | Answered | Promise<NoInfer<z.input<S>> | Answered>;
}

/** A request that may run: its caller is of the kind that `access` asks for, its body is read. */
export interface RouteCall {
  readonly ctx: ApiContext;
  readonly logger: Logger;
  readonly caller: Caller | undefined;
  readonly rawBody: Buffer;
  readonly json: unknown;
  /** Of a keyed request: the same when it is run again after a crash. */
  readonly operationId?: string;
}

/** A declaration whose types are closed over: what the application, the document and the tests work with. */
export interface Route {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  readonly path: string;
  readonly slashes: boolean;
  readonly summary: string;
  readonly description: string | undefined;
  readonly tag: string;
  readonly access: Access;
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly bodyForm: 'json' | 'bytes';
  readonly success: z.ZodType;
  readonly successForKey: z.ZodType | undefined;
  readonly status: number;
  readonly answer: 'envelope' | 'openai';
  readonly mediaType: string;
  readonly otherAnswers: readonly OtherAnswer[];
  readonly idempotent: boolean | 'required';
  readonly claimsKey: boolean;
  /** The body declares money, so that its long numbers stay text. */
  readonly exactNumbers: boolean;
  /** Checks the input, then runs the handler. */
  run(call: RouteCall): Promise<RouteResult>;
}

export type RouteResult = Answered | { readonly data: unknown; readonly kept: unknown };

/** Declares one route. Absent schemas give `undefined` to the handler. */
export function route<
  const A extends Access,
  S extends z.ZodType,
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(declaration: RouteDeclaration<A, P, Q, B, S>): Route {
  const { params, query, body, success, handler, kept } = declaration;
  return {
    method: declaration.method,
    path: declaration.path,
    slashes: declaration.slashes ?? false,
    summary: declaration.summary,
    description: declaration.description,
    tag: declaration.tag,
    access: declaration.access,
    params,
    query,
    body,
    bodyForm: declaration.bodyForm ?? 'json',
    success,
    successForKey: declaration.successForKey,
    status: declaration.status ?? 200,
    answer: declaration.answer ?? 'envelope',
    mediaType: declaration.mediaType ?? 'application/json',
    otherAnswers: declaration.otherAnswers ?? [],
    idempotent: declaration.idempotent ?? false,
    claimsKey: declaration.claimsKey ?? false,
    exactNumbers: body !== undefined && declaresDecimals(body),
    async run(call) {
      const { ctx } = call;
      const data = await handler(
        new RouteInput(
          call,
          // The dispatcher has resolved the caller by the same `access`.
          call.caller as CallerOf<A>,
          parsed(params, ctx.params),
          parsed(query, ctx.query),
          parsed(body, call.json),
        ),
      );
      if (isAnswered(data)) return ANSWERED;
      return { data, kept: kept === undefined ? data : kept(data) };
    },
  };
}

function isAnswered(data: unknown): data is Answered {
  return data === ANSWERED;
}

function parsed<S extends z.ZodType>(schema: S | undefined, value: unknown): z.output<S> {
  // An absent schema has the type ZodUndefined, whose output is undefined.
  return schema === undefined ? (undefined as z.output<S>) : parseInput(schema, value);
}

function declaresDecimals(body: z.ZodType): boolean {
  const document = JSON.stringify(z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }));
  return document.includes(`"format":"${DECIMAL_FORMAT}"`);
}
