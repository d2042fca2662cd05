/** Who calls, proved by a login token or an access key. */
import type { BudgetPeriod } from '../../infra/calendar.ts';

export const ROLES = ['ROLE_USER', 'ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] as const;
export type Role = (typeof ROLES)[number];

/** A person with a login token. `role` is the database's, never the token's. */
export interface UserCaller {
  readonly kind: 'user';
  readonly userId: number;
  readonly username: string;
  readonly role: Role;
  readonly tokenVersion: number;
}

/** A program with an access key. A limit of null is no limit; `budget` is nano-units a period. */
export interface AccessKeyCaller {
  readonly kind: 'access-key';
  readonly userId: number;
  readonly accountId: number;
  readonly accessKeyId: number;
  readonly allowedModels: readonly string[] | null;
  readonly rpmLimit: number | null;
  readonly tpmLimit: number | null;
  readonly parallelLimit: number | null;
  readonly budget: bigint | null;
  readonly budgetPeriod: BudgetPeriod | null;
}

export type Caller = UserCaller | AccessKeyCaller;
