/** How a resource declares its routes. The same declarations make the router, the OpenAPI document and the access table. */
import { parse } from 'node:querystring';
import { z } from 'zod';
import type { AccessKeyCaller, Caller, Role, UserCaller } from '../../core/accounts/caller.ts';
import { invalid } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { type AnswerForm, ENVELOPE } from './forms.ts';
import { JsonText } from './large-answers.ts';
import { DECIMAL_FORMAT } from './money.ts';
import { type ApiContext, RouteInput } from './route-input.ts';
import { type Input, inputOf, type UnknownFields } from './validation.ts';

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
  /** Its name in generated clients: camelCase, of no other route, and never changed. */
  readonly operationId: string;
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
  /** Bodies of a `bytes` route by their media type, for the document. */
  readonly bodies?: Readonly<Record<string, z.ZodType>>;
  /** The largest body, 16 KB by default. */
  readonly bodyLimitBytes?: number;
  /**
   * Fields of query and body that the schemas do not name: `refused` by default, because a filter or a change that is
   * silently ignored does something else than was asked for. `ignored` where clients of OpenAI or of the earlier
   * service call.
   */
  readonly unknownFields?: UnknownFields;
  /** Calls of others' programs, whose unknown fields are ignored although the route refuses them. */
  readonly isForeign?: (call: RouteCall) => boolean;
  /** The schema of `data`. */
  readonly success: S;
  /** What an access key alone is answered instead, in OpenAI's form, as its errors are then; for the document. */
  readonly successForKey?: z.ZodType;
  /** Status of success, 200 by default. */
  readonly status?: 200 | 201 | 202;
  /** Of its answers, errors included; the envelope by default. */
  readonly form?: AnswerForm;
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
  ) => NoInfer<z.input<S>> | JsonText | Answered | Promise<NoInfer<z.input<S>> | JsonText | Answered>;
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
  readonly operationId: string;
  readonly slashes: boolean;
  readonly summary: string;
  readonly description: string | undefined;
  readonly tag: string;
  readonly access: Access;
  readonly params: Input | undefined;
  readonly query: Input | undefined;
  readonly body: Input | undefined;
  readonly bodyForm: 'json' | 'bytes';
  readonly bodies: Readonly<Record<string, z.ZodType>>;
  readonly bodyLimitBytes: number;
  readonly success: z.ZodType;
  readonly successForKey: z.ZodType | undefined;
  readonly status: number;
  readonly form: AnswerForm;
  readonly mediaType: string;
  readonly otherAnswers: readonly OtherAnswer[];
  readonly idempotent: boolean | 'required';
  readonly claimsKey: boolean;
  /** The body declares money, so that its long numbers stay text. */
  readonly exactNumbers: boolean;
  /** Clients of OpenAI or of the earlier service call, whose texts may hold half a character. */
  readonly repairsTexts: boolean;
  /** Checks the input, then runs the handler. */
  run(call: RouteCall): Promise<RouteResult>;
}

export type RouteResult = Answered | { readonly data: unknown; readonly kept: unknown };

const KILOBYTE = 1024;
const MOST_PARAMETERS = 100;
/** What a form of some fields has. */
const SMALL_BODY_BYTES = 16 * KILOBYTE;
/** A base64 image of the largest accepted size fits. */
export const IMAGE_BODY_BYTES = 20 * KILOBYTE * KILOBYTE;

/** Declares one route. Absent schemas give `undefined` to the handler. */
export function route<
  const A extends Access,
  S extends z.ZodType,
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
>(declaration: RouteDeclaration<A, P, Q, B, S>): Route {
  const { success, handler, kept, bodyForm = 'json', unknownFields = 'refused' } = declaration;
  const params = declaration.params && inputOf(declaration.params, 'refused');
  const query = declaration.query && inputOf(declaration.query, unknownFields);
  const body = declaration.body && inputOf(declaration.body, unknownFields);
  return {
    method: declaration.method,
    path: declaration.path,
    operationId: declaration.operationId,
    slashes: declaration.slashes ?? false,
    summary: declaration.summary,
    description: declaration.description,
    tag: declaration.tag,
    access: declaration.access,
    params,
    query,
    body,
    bodyForm,
    bodies: declaration.bodies ?? {},
    bodyLimitBytes: declaration.bodyLimitBytes ?? SMALL_BODY_BYTES,
    success,
    successForKey: declaration.successForKey,
    status: declaration.status ?? 200,
    form: declaration.form ?? ENVELOPE,
    mediaType: declaration.mediaType ?? 'application/json',
    otherAnswers: declaration.otherAnswers ?? [],
    idempotent: declaration.idempotent ?? false,
    claimsKey: declaration.claimsKey ?? false,
    exactNumbers: JSON.stringify(body?.json ?? null).includes(`"format":"${DECIMAL_FORMAT}"`),
    repairsTexts: unknownFields === 'ignored',
    async run(call) {
      const { ctx } = call;
      const unknown = declaration.isForeign?.(call) ? 'ignored' : unknownFields;
      const data = await handler(
        new RouteInput(
          call,
          // The dispatcher has resolved the caller by the same `access`.
          call.caller as CallerOf<A>,
          parsed(params, ctx.params, 'ignored'),
          parsed(query, queryOf(ctx), unknown),
          parsed(body, bodyForm === 'json' ? call.json : {}, unknown),
        ),
      );
      if (isAnswered(data)) return ANSWERED;
      if (data instanceof JsonText) return { data, kept: data };
      return { data, kept: kept === undefined ? data : kept(data) };
    },
  };
}

function isAnswered(data: unknown): data is Answered {
  return data === ANSWERED;
}

/** Koa's own reading takes a second for the six thousand parameters that a head has room for. */
function queryOf({ querystring }: ApiContext): object {
  if (querystring === '') return {};
  if (querystring.split('&', MOST_PARAMETERS + 1).length > MOST_PARAMETERS) {
    throw invalid([{ path: '', message: `the query must have at most ${MOST_PARAMETERS} parameters` }]);
  }
  return parse(querystring);
}

const noFields = inputOf(z.object({}), 'refused');

function parsed<S extends z.ZodType>(
  input: Input<S> | undefined,
  value: unknown,
  unknownFields: UnknownFields,
): z.output<S> {
  if (input !== undefined) return input.parse(value, unknownFields);
  if (unknownFields === 'refused') noFields.parse(value);
  // An absent schema has the type ZodUndefined, whose output is undefined.
  return undefined as z.output<S>;
}
