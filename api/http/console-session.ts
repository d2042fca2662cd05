/**
 * The console's session: the login token in a cookie that no script can read, and a CSRF token that every change must
 * bring along (docs/decisions/0040-console-session.md).
 */
import { createHmac } from 'node:crypto';
import { sameBytes } from '../../infra/crypto.ts';
import { AppError } from '../../infra/errors.ts';
import type { ApiContext } from './route-input.ts';

export const SESSION_COOKIE = 'gateway_session';
export const CSRF_HEADER = 'X-CSRF-Token';
/** With a login token instead of an access key: the id of the own access key that the call is made with. */
export const KEY_ID_HEADER = 'X-Access-Key-Id';

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Only who knows the session's token can make it, and no script knows that. */
export function csrfTokenOf(token: string): string {
  return createHmac('sha256', token).update('csrf token of the console').digest('base64url');
}

/** The login token of the session; undefined without one. */
export function sessionTokenOf(ctx: ApiContext): string | undefined {
  if (ctx.req.headers.cookie === undefined) return undefined;
  const token = ctx.cookies.get(SESSION_COOKIE);
  return token === undefined || token === '' ? undefined : token;
}

/** @throws {AppError} forbidden for a change without the session's CSRF token. */
export function checkCsrf(ctx: ApiContext, token: string): void {
  if (READING.has(ctx.method)) return;
  const given = ctx.get(CSRF_HEADER);
  if (!sameBytes(Buffer.from(given), Buffer.from(csrfTokenOf(token)))) {
    throw new AppError('forbidden', `a session's changes need its ${CSRF_HEADER}: GET /v1/auth/session has it`);
  }
}

/** @param publicUrl decides whether the cookie is for encrypted connections only. @param lifeMs 0 ends the session. */
export function setSession(ctx: ApiContext, token: string, publicUrl: string, lifeMs: number): void {
  const parts = [
    `${SESSION_COOKIE}=${token}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Strict',
    `Max-Age=${Math.floor(lifeMs / 1000)}`,
    ...(publicUrl.startsWith('https:') ? ['Secure'] : []),
  ];
  ctx.append('Set-Cookie', parts.join('; '));
}
