/** Login token → caller, with role and state from the database (cached for 30 s, invalidated at once by a change). */
import { createCachedLookup } from '../../infra/cached-lookup.ts';
import { AppError } from '../../infra/errors.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import type { UserCaller } from './caller.ts';
import type { LoginTokens } from './login-tokens.ts';
import type { User } from './user.ts';
import type { UserStore } from './user-store.ts';

const REMEMBERED_USERS = 10_000;

export interface Sessions {
  /** @throws {AppError} invalidToken, expiredToken, accountDisabled. */
  authenticateToken(token: string): Promise<UserCaller>;
}

export function createSessions(users: UserStore, tokens: LoginTokens, invalidation: Invalidation): Sessions {
  const known = createCachedLookup({ load: (id: number) => users.find(id), maxEntries: REMEMBERED_USERS });
  invalidation.on('user', (id) => known.forget((user) => id === undefined || String(user.id) === id));
  // A token with another version than the cached one is older or newer: the row decides.
  const current = async (userId: number, version: number): Promise<User | undefined> => {
    const user = await known.get(userId);
    if (user === undefined || user.tokenVersion === version) return user;
    known.forget(({ id }) => id === userId);
    return known.get(userId);
  };
  return {
    async authenticateToken(token) {
      const { userId, version } = await tokens.read(token);
      const user = await current(userId, version);
      if (user === undefined) throw new AppError('invalidToken', 'the user of this login token does not exist');
      if (!user.active) throw new AppError('accountDisabled', 'the user is disabled');
      if (user.tokenVersion !== version) {
        throw new AppError('invalidToken', 'the login token was ended: sign in again');
      }
      return { kind: 'user', userId, username: user.username, role: user.role, tokenVersion: version };
    },
  };
}
