/** Who calls: reads the credentials of a request as its route's `access` asks. */
import type { AccessKeyCaller, Caller, UserCaller } from '../../core/accounts/caller.ts';
import { AppError, type ErrorKind, invalid } from '../../infra/errors.ts';
import { checkCsrf, chooseSession, KEY_ID_HEADER, sessionTokenOf } from '../http/console-session.ts';
import type { Access } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';

export interface Authenticator {
  /** @throws {AppError} 401 for a token that is malformed, forged, expired, outdated or of a disabled user. */
  authenticateToken(token: string): UserCaller | Promise<UserCaller>;
  /** @throws {AppError} 401 for a key that is unknown, disabled, expired or of a disabled user. */
  authenticateKey(key: string): AccessKeyCaller | Promise<AccessKeyCaller>;
  /** A key of the user by its id. @throws {AppError} as `authenticateKey`; notFound for a key of another user. */
  authenticateKeyOf(userId: number, keyId: number): Promise<AccessKeyCaller>;
}

export interface Credentials {
  readonly token: string | undefined;
  readonly accessKey: string | undefined;
  /** The token came in the console's cookie, which a browser sends by itself. */
  readonly fromCookie: boolean;
}

const KEY_PREFIX = 'ak-';

/** Login token and access key of a request, as far as it shows them. */
export function credentialsOf(ctx: ApiContext): Credentials {
  const { headers } = ctx.req;
  const bearer = bearerOf(headers.authorization);
  const bearerIsKey = bearer?.startsWith(KEY_PREFIX) === true;
  const header = headers['access-key'] || headers['x-api-key'] || (bearerIsKey ? bearer : undefined);
  const accessKey = typeof header === 'string' && header !== '' ? header.trim() : undefined;
  if (bearer !== undefined) return { token: bearerIsKey ? undefined : bearer, accessKey, fromCookie: false };
  // What a client says itself comes before what its browser adds.
  const token = accessKey === undefined ? sessionTokenOf(ctx) : undefined;
  return { token, accessKey, fromCookie: token !== undefined };
}

function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || !/^bearer /i.test(authorization)) return undefined;
  const value = authorization.slice(7).trim();
  return value === '' ? undefined : value;
}

/** @throws {AppError} 401 when the route's credentials are missing or bad, 403 when the role does not suffice. */
export async function resolveCaller(
  access: Access,
  ctx: ApiContext,
  authenticator: Authenticator,
): Promise<Caller | undefined> {
  if (access === 'open') return undefined;
  if (credentialsOf(ctx).fromCookie) await chooseSession(ctx, (token) => authenticator.authenticateToken(token));
  const { token, accessKey, fromCookie } = credentialsOf(ctx);
  if (fromCookie && token !== undefined) checkCsrf(ctx, token);
  switch (access) {
    case 'optional-jwt':
      return token === undefined ? undefined : authenticator.authenticateToken(token);
    case 'access-key':
      if (accessKey !== undefined) return authenticator.authenticateKey(accessKey);
      if (token !== undefined && ctx.get(KEY_ID_HEADER) !== '') return ownKey(ctx, token, authenticator);
      throw new AppError('notAuthenticated', 'an access key is required: send it as ACCESS-KEY, x-api-key or bearer');
    case 'jwt-or-access-key':
      if (accessKey !== undefined) return authenticator.authenticateKey(accessKey);
      if (token !== undefined) return authenticator.authenticateToken(token);
      throw new AppError('notAuthenticated', 'a login token or an access key is required');
    case 'anyone-signed-in':
      if (token !== undefined) return authenticator.authenticateToken(token);
      if (accessKey !== undefined) return authenticator.authenticateKey(accessKey);
      throw new AppError('notAuthenticated', 'a login token or an access key is required');
    default:
      if (token === undefined) throw new AppError('loginRequired', 'a login token is required: send it as bearer');
  }
  const caller = await authenticator.authenticateToken(token);
  if (access !== 'jwt' && !access.roles.includes(caller.role)) {
    throw new AppError('forbidden', `this needs one of the roles ${access.roles.join(', ')}`);
  }
  return caller;
}

const REFUSALS: ReadonlySet<ErrorKind> = new Set([
  ...(['notAuthenticated', 'loginRequired', 'invalidToken', 'expiredToken', 'accountDisabled', 'forbidden'] as const),
]);

/** Whether a request that is being answered would still be let in. While that cannot be known, it goes on. */
export async function isStillAdmitted(access: Access, ctx: ApiContext, authenticator: Authenticator): Promise<boolean> {
  try {
    await resolveCaller(access, ctx, authenticator);
    return true;
  } catch (error) {
    return !(error instanceof AppError && REFUSALS.has(error.kind));
  }
}

const ADMITTED_AGAIN_MS = 2_000;

/**
 * For an answer that goes on: runs `use` with a signal that aborts as `signal` does, and within seconds after the caller has
 * signed out, or its account, its role or its access key has gone.
 */
export async function whileAdmitted<Result>(
  isAdmitted: () => Promise<boolean>,
  signal: AbortSignal,
  use: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const ended = new AbortController();
  const timer = setInterval(async () => {
    if (!(await isAdmitted())) ended.abort();
  }, ADMITTED_AGAIN_MS);
  try {
    return await use(AbortSignal.any([signal, ended.signal]));
  } finally {
    clearInterval(timer);
  }
}

/** A person calls a model with the limits of one of its access keys, whose text nobody needs to know. */
async function ownKey(ctx: ApiContext, token: string, authenticator: Authenticator): Promise<AccessKeyCaller> {
  const id = ctx.get(KEY_ID_HEADER);
  if (!/^[1-9]\d{0,9}$/.test(id)) throw invalid([{ path: KEY_ID_HEADER, message: 'must be the id of an access key' }]);
  const { userId } = await authenticator.authenticateToken(token);
  return authenticator.authenticateKeyOf(userId, Number(id));
}
