/** Users, as ROOT administers them. */
import { z } from 'zod';
import type { Registration } from '../../core/accounts/registration.ts';
import { USER_SORT_KEYS } from '../../core/accounts/user.ts';
import type { UserAdministration } from '../../core/accounts/user-administration.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { idInput, idParams, optional, optionalText, switchInput } from '../http/fields.ts';
import { KEY_HEADER } from '../http/idempotency.ts';
import { decimalOutput, money, moneyInput } from '../http/money.ts';
import { page, pageOf, pageQuery } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { roleInput, signUpFields, userRecord, userSchema } from './user-fields.ts';

const TAG = 'Users';
const ROOT = { roles: ['ROLE_ROOT_ADMIN'] } as const;

export interface UserServices {
  readonly registration: Registration;
  readonly userAdministration: UserAdministration;
  readonly userList: UserList;
}

export function userRoutes(services: UserServices, config: Config): Route[] {
  const { registration, userAdministration, userList } = services;
  const record = async (userId: number) => {
    const user = await userList.find(userId);
    if (user === undefined) throw new AppError('notFound', `there is no user ${userId}`);
    return userRecord(user, config.APP_TIME_ZONE);
  };
  return [
    route({
      method: 'get',
      path: '/v1/users',
      operationId: 'listUsers',
      summary: 'All users',
      tag: TAG,
      access: ROOT,
      query: pageQuery(USER_SORT_KEYS).extend({ role: optionalText(roleInput).describe('Only users with this role') }),
      success: pageOf(userSchema),
      handler: async ({ query }) => {
        const { records, total } = await userList.page(query);
        return page(
          records.map((user) => userRecord(user, config.APP_TIME_ZONE)),
          total,
          query,
        );
      },
    }),
    route({
      method: 'post',
      path: '/v1/users',
      operationId: 'createUser',
      summary: 'Make a user with a role and an opening balance',
      tag: TAG,
      access: ROOT,
      body: z.object({
        ...signUpFields,
        role: optional(roleInput).describe('ROLE_USER by default'),
        balance: optional(moneyInput.refine((amount) => amount >= 0n, 'must not be negative')).describe(
          'The opening balance; 0 by default',
        ),
      }),
      success: userSchema,
      idempotent: true,
      handler: async (input) => {
        const { role, balance, ...signUp } = input.body;
        return record(await registration.createUser(signUp, role ?? 'ROLE_USER', balance ?? 0n, by(input)));
      },
    }),
    route({
      method: 'post',
      path: '/v1/users/assign-role',
      operationId: 'assignRole',
      summary: 'Give a user a role; ROOT users cannot be changed',
      tag: TAG,
      access: ROOT,
      body: z.object({ userId: idInput.describe('Id of the user'), role: roleInput.describe('The new role') }),
      success: userSchema,
      handler: async (input) => {
        await userAdministration.assignRole(input.body.userId, input.body.role, by(input));
        return record(input.body.userId);
      },
    }),
    route({
      method: 'post',
      path: '/v1/users/{id}/status',
      operationId: 'setUserStatus',
      summary: 'Disable (0) or enable (1) a user; disabling ends its login tokens and stops its access keys',
      tag: TAG,
      access: ROOT,
      params: idParams('user'),
      body: z.object({ status: switchInput.describe('1 active, 0 disabled') }),
      success: userSchema,
      handler: async (input) => {
        await userAdministration.setActive(input.params.id, input.body.status, by(input));
        return record(input.params.id);
      },
    }),
    route({
      method: 'post',
      path: '/v1/users/{id}/adjust-balance',
      operationId: 'adjustBalance',
      summary: 'Add to or take from a balance, never below zero',
      description: `An Idempotency-Key is for one change. Within 24 hours a repeat gets the first answer; later the same
change under the same key is refused (409), so that money never moves twice under one key.`,
      tag: TAG,
      access: ROOT,
      params: idParams('user'),
      body: z.object({
        amount: moneyInput
          .refine((amount) => amount !== 0n, 'must not be zero')
          .describe('What is added; negative to take it away'),
        reason: z.string().trim().min(1).max(255).describe('Why; the statement shows it'),
      }),
      success: decimalOutput.describe('The new balance'),
      idempotent: 'required',
      handler: async (input) => {
        const { amount, reason } = input.body;
        const key = input.ctx.get(KEY_HEADER);
        return money(
          await userAdministration.adjustBalance({ userId: input.params.id, amount, reason, key }, by(input)),
        );
      },
    }),
  ];
}
