/** Login token → caller, with role and state from the database (cached for 30 s, invalidated at once by a change). */
import { createCachedLookup } from '../../infra/cached-lookup.ts';
import { AppError } from '../../infra/errors.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import type { UserCaller } from './caller.ts';
import { type EndedSessions, sessionHash } from './ended-sessions.ts';
import type { LoginTokens } from './login-tokens.ts';
import type { User } from './user.ts';
import type { UserStore } from './user-store.ts';

const REMEMBERED_USERS = 10_000;

export interface Sessions {
  /** @throws {AppError} invalidToken, expiredToken, accountDisabled. */
  authenticateToken(token: string): Promise<UserCaller>;
}

interface Known {
  readonly user: User;
  /** Hashes of login tokens that signing out has ended. */
  readonly ended: ReadonlySet<string>;
}

export function createSessions(
  users: Pick<UserStore, 'find'>,
  tokens: LoginTokens,
  endedSessions: Pick<EndedSessions, 'of'>,
  invalidation: Pick<Invalidation, 'on'>,
): Sessions {
  const load = async (id: number): Promise<Known | undefined> => {
    const [user, ended] = await Promise.all([users.find(id), endedSessions.of(id)]);
    return user && { user, ended };
  };
  const known = createCachedLookup({ load, maxEntries: REMEMBERED_USERS });
  invalidation.on('user', (id) => known.forget(({ user }) => id === undefined || String(user.id) === id));
  // A token with another version than the cached one is older or newer: the row decides.
  const current = async (userId: number, version: number): Promise<Known | undefined> => {
    const found = await known.get(userId);
    if (found === undefined || found.user.tokenVersion === version) return found;
    known.forget(({ user }) => user.id === userId);
    return known.get(userId);
  };
  return {
    async authenticateToken(token) {
      const { userId, version } = await tokens.read(token);
      const found = await current(userId, version);
      if (found === undefined) throw new AppError('invalidToken', 'the user of this login token does not exist');
      const { user, ended } = found;
      if (!user.active) throw new AppError('accountDisabled', 'the user is disabled');
      if (user.tokenVersion !== version || (ended.size > 0 && ended.has(sessionHash(token).toString('hex')))) {
        throw new AppError('invalidToken', 'the login token was ended: sign in again');
      }
      return { kind: 'user', userId, username: user.username, role: user.role, tokenVersion: version };
    },
  };
}
