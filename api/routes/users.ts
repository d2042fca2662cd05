/** Users, as ROOT administers them. */
import { z } from 'zod';
import type { PasswordResets } from '../../core/accounts/password-resets.ts';
import type { Registration } from '../../core/accounts/registration.ts';
import { USER_SORT_KEYS, type UserWithBalance } from '../../core/accounts/user.ts';
import type { UserAdministration } from '../../core/accounts/user-administration.ts';
import { placeOf, type UserPlace } from '../../core/accounts/user-list.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { idInput, idParams, optional, optionalText, shownText, switchInput } from '../http/fields.ts';
import { KEY_HEADER } from '../http/idempotency.ts';
import { decimalOutput, money, moneyInput } from '../http/money.ts';
import { longListQuery, longPage, longPageOf } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { isoTime, timeOutput } from '../http/times.ts';
import { roleInput, signUpFields, userRecord, userSchema } from './user-fields.ts';
import { type OverviewServices, userOverviewRoute } from './user-overview.ts';

const TAG = 'Users';
const ROOT = { roles: ['ROLE_ROOT_ADMIN'] } as const;

/** Id of the last user of a page, and its balance or role where the list is sorted by these. */
const placeInput = z.union([z.number(), z.string().max(32)]).transform((value, context): UserPlace => {
  const [, id = '', then] = /^(\d{1,10})(?:\.(-?\d{1,19}|[A-Z_]{1,20}))?$/.exec(String(value)) ?? [];
  const read = idInput.safeParse(id);
  if (read.success) return { id: read.data, value: then };
  context.addIssue('must be the `next` of a page');
  return z.NEVER;
});

export interface UserServices extends OverviewServices {
  readonly registration: Registration;
  readonly userAdministration: UserAdministration;
  readonly passwordResets: PasswordResets;
}

export function userRoutes(services: UserServices, config: Config): Route[] {
  const { registration, userAdministration, userList, passwordResets } = services;
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
      query: longListQuery(USER_SORT_KEYS, placeInput).extend({
        role: optionalText(roleInput).describe('Only users with this role'),
        search: optionalText(z.string().trim().max(100)).describe(
          'Only users whose name or email address begins with this, or who have this id',
        ),
      }),
      success: longPageOf(userSchema),
      handler: async ({ query }) => {
        const answerOf = (user: UserWithBalance) => userRecord(user, config.APP_TIME_ZONE);
        return longPage(await userList.page(query), query, (user) => placeOf(user, query.sortBy), answerOf);
      },
    }),
    userOverviewRoute(services, config),
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
      path: '/v1/users/{id}/reset-password',
      operationId: 'resetUserPassword',
      summary: 'Let somebody who has lost the password set a new one, or generate one',
      description: `The old password and all login tokens stop working at once, in either form. The token of a link is
good once, for 24 hours, and for POST /v1/auth/reset-password; another call replaces it. It, or the password, is in this
answer only. ROOT users are reset at the server's command line.`,
      tag: TAG,
      access: ROOT,
      params: idParams('user'),
      body: z.object({
        form: optional(z.enum(['link', 'password'])).describe(
          'link: a token with which the person sets a password, the default; password: a generated one',
        ),
      }),
      success: z.object({
        token: z.string().optional().describe('The token of the link, shown this once'),
        expiresAt: timeOutput.optional().describe('Until when it can be used'),
        password: z.string().optional().describe('The generated password, shown this once'),
      }),
      handler: async (input) => {
        const { id } = input.params;
        if (input.body.form === 'password') return { password: await passwordResets.generate(id, by(input)) };
        const { token, expiresAt } = await passwordResets.issue(id, by(input));
        return { token, expiresAt: isoTime(expiresAt, config.APP_TIME_ZONE) };
      },
    }),
    route({
      method: 'post',
      path: '/v1/users/{id}/close',
      operationId: 'closeUser',
      summary: 'Close an account for good: no sign-in, no call, all access keys deleted',
      description: `Money: calls and jobs that are running are settled as usual, jobs that have not begun end without a
charge. What is left stays on the account and is spent by nothing; return it by refunds of its orders, or take it off by
adjust-balance. A payment that still arrives is credited, never lost. Name and email address stay taken. Closing a closed
account again changes nothing.`,
      tag: TAG,
      access: ROOT,
      params: idParams('user'),
      body: z.object({ reason: shownText(255).min(1).describe('Why; the audit log keeps it') }),
      success: userSchema,
      handler: async (input) => {
        await userAdministration.close(input.params.id, input.body.reason, by(input));
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
        reason: shownText(255).min(1).describe('Why; the statement shows it'),
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
