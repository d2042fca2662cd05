/** Login tokens (RFC 8725: one pinned algorithm, issuer, audience, expiry). What the bearer may do is not in them. */
import { randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { AppError } from '../../infra/errors.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'llm-gateway';
const AUDIENCE = 'llm-gateway-management';
/** Clocks of two processes may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 5;

export interface TokenClaims {
  readonly userId: number;
  /** The user's `token_version` when it was issued. */
  readonly version: number;
}

export interface LoginTokens {
  issue(claims: TokenClaims): Promise<string>;
  /** @throws {AppError} expiredToken or invalidToken. */
  read(token: string): Promise<TokenClaims>;
}

const payloadSchema = z.object({
  sub: z
    .string()
    .regex(/^[1-9]\d{0,9}$/)
    .transform(Number),
  ver: z.number().int().min(1),
});

/** @param lifeMs how long a token is valid, at least a second. */
export function createLoginTokens(secret: string, lifeMs: number): LoginTokens {
  const key = new TextEncoder().encode(secret);
  const lifeSeconds = Math.max(1, Math.floor(lifeMs / 1000));
  return {
    issue({ userId, version }) {
      const now = Math.floor(Date.now() / 1000);
      return (
        new SignJWT({ ver: version })
          .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
          .setSubject(String(userId))
          .setIssuer(ISSUER)
          .setAudience(AUDIENCE)
          .setIssuedAt(now)
          .setExpirationTime(now + lifeSeconds)
          // Two of one second are two, so that one can be ended.
          .setJti(randomUUID())
          .sign(key)
      );
    },
    async read(token) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [ALGORITHM],
          issuer: ISSUER,
          audience: AUDIENCE,
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          requiredClaims: ['exp', 'sub'],
        });
        const { sub, ver } = payloadSchema.parse(payload);
        return { userId: sub, version: ver };
      } catch (cause) {
        if (cause instanceof errors.JWTExpired) {
          throw new AppError('expiredToken', 'the login token has expired: sign in again', { cause });
        }
        throw new AppError('invalidToken', 'the login token is not valid: sign in again', { cause });
      }
    },
  };
}
