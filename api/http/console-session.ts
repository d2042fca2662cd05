/**
 * The console's session: the login token in a cookie that no script can read, and a CSRF token that every change must
 * bring along (docs/decisions/0040-console-session.md).
 */
import { createHmac } from 'node:crypto';
import { sameBytes } from '../../infra/crypto.ts';
import { statusOf } from '../../infra/error-answers.ts';
import { AppError } from '../../infra/errors.ts';
import type { ApiContext } from './route-input.ts';

export const SESSION_COOKIE = 'gateway_session';
export const CSRF_HEADER = 'X-CSRF-Token';
/** With a login token instead of an access key: the id of the own access key that the call is made with. */
export const KEY_ID_HEADER = 'X-Access-Key-Id';

const MOST_COOKIES = 5;
const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Only who knows the session's token can make it, and no script knows that. */
export function csrfTokenOf(token: string): string {
  return createHmac('sha256', token).update('csrf token of the console').digest('base64url');
}

/** A browser takes `__Host-` from this very host alone and encrypted, so that no neighbour domain can plant a session. */
export function sessionCookieOf(publicUrl: string): string {
  return publicUrl.startsWith('https:') ? `__Host-${SESSION_COOKIE}` : SESSION_COOKIE;
}

/** All that a request has brought: without the prefix, another program on the same host may have set one, too. */
function sessionTokensOf(ctx: ApiContext): string[] {
  const { cookie } = ctx.req.headers;
  if (cookie === undefined) return [];
  const start = `${ctx.state.sessionCookie ?? SESSION_COOKIE}=`;
  const pairs = cookie.split(';').map((pair) => pair.trim());
  const tokens = pairs.filter((pair) => pair.startsWith(start)).map((pair) => pair.slice(start.length));
  return tokens.filter((token) => token !== '').slice(0, MOST_COOKIES);
}

/** The login token of the session; undefined without one. */
export function sessionTokenOf(ctx: ApiContext): string | undefined {
  return ctx.state.sessionToken ?? sessionTokensOf(ctx)[0];
}

/** Of several tokens the one that is good is the session's from here on. */
export async function chooseSession(ctx: ApiContext, check: (token: string) => unknown): Promise<void> {
  const tokens = sessionTokensOf(ctx);
  if (tokens.length < 2) return;
  for (const token of tokens) {
    try {
      await check(token);
      ctx.state.sessionToken = token;
      return;
    } catch (error) {
      if (!(error instanceof AppError) || statusOf(error.kind) >= 500) throw error;
    }
  }
}

/** @throws {AppError} forbidden for a change without the session's CSRF token. */
export function checkCsrf(ctx: ApiContext, token: string): void {
  if (READING.has(ctx.method)) return;
  const given = ctx.get(CSRF_HEADER);
  if (!sameBytes(Buffer.from(given), Buffer.from(csrfTokenOf(token)))) {
    throw new AppError('forbidden', `a session's changes need its ${CSRF_HEADER}: GET /v1/auth/session has it`);
  }
}

/** @param publicUrl decides the cookie's name, and whether it is for encrypted connections only. @param lifeMs 0 ends the session. */
export function setSession(ctx: ApiContext, token: string, publicUrl: string, lifeMs: number): void {
  const parts = [
    `${sessionCookieOf(publicUrl)}=${token}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Strict',
    `Max-Age=${Math.floor(lifeMs / 1000)}`,
    ...(publicUrl.startsWith('https:') ? ['Secure'] : []),
  ];
  ctx.append('Set-Cookie', parts.join('; '));
}
