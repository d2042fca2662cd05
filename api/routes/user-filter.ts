/** Whose things a list of all users shows: by id, or by what people know of a user. */
import { z } from 'zod';
import type { Role } from '../../core/accounts/caller.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import { idInput, optionalText } from '../http/fields.ts';

/** No user has it. */
const NOBODY = 0;

/** @param what the list has: `jobs`. */
export function userFilter(what: string) {
  return {
    userId: optionalText(idInput).describe(`Only ${what} of this user`),
    user: optionalText(
      z
        .string()
        .trim()
        .max(254)
        .transform((text) => (text === '' ? undefined : text)),
    ).describe(`Only ${what} of the user with this id, email address (for ROOT) or name; digits are an id first`),
  };
}

interface Asked {
  readonly userId?: number | undefined;
  readonly user?: string | undefined;
}

/**
 * @param role of who asks: model administrators know users by their names only.
 * @returns the id that both fields mean; of nobody where there is no such user; undefined: no filter.
 */
export async function userIdOf(
  userList: Pick<UserList, 'idOf'>,
  { userId, user }: Asked,
  role: Role,
): Promise<number | undefined> {
  if (user === undefined) return userId;
  const found = await userList.idOf(user, role !== 'ROLE_MODEL_ADMIN');
  return found === undefined || (userId !== undefined && userId !== found) ? NOBODY : found;
}
