/** A user as the rest of the product sees it, and the wire form of one. */
import type { Role } from './caller.ts';

/** The name of the first administrator, made at the first start. */
export const ROOT_USERNAME = 'root';

export interface User {
  readonly id: number;
  readonly username: string;
  readonly email: string | null;
  readonly role: Role;
  readonly active: boolean;
  readonly tokenVersion: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Closed for good; null while it is open. */
  readonly closedAt: Date | null;
}

/** A user with what its account has, in nano-units. */
export interface UserWithBalance extends User {
  readonly accountId: number;
  /** Free to spend. */
  readonly available: bigint;
  /** Reserved by running calls and jobs. */
  readonly held: bigint;
}

export const USER_SORT_KEYS = ['id', 'name', 'username', 'email', 'role', 'balance', 'createdAt'] as const;
export type UserSortKey = (typeof USER_SORT_KEYS)[number];
