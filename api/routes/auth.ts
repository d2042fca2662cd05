/** Registration, sign-in and the own account. */
import { z } from 'zod';
import type { EndedSessions } from '../../core/accounts/ended-sessions.ts';
import type { PasswordResets } from '../../core/accounts/password-resets.ts';
import type { Registration } from '../../core/accounts/registration.ts';
import type { SignIn } from '../../core/accounts/sign-in.ts';
import type { SignInLimits } from '../../core/accounts/sign-in-limits.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { csrfTokenOf, setSession } from '../http/console-session.ts';
import { type Route, route } from '../http/route.ts';
import { clientAddress } from '../http/route-input.ts';
import { credentialsOf } from '../middleware/caller.ts';
import { passwordInput, roleInput, signUpFields, userRecord, userSchema } from './user-fields.ts';

const TAG = 'Auth';

const signInBody = z.object({
  username: z.string().trim().min(1).max(50).describe('In upper or lower case'),
  password: z.string().min(1).max(100).describe('The password'),
});

const sessionSchema = z.object({
  userId: z.number().int().describe('Id of the user'),
  username: z.string().describe('The name as it was registered'),
  role: roleInput.describe('What the user may do'),
  csrfToken: z.string().describe('For the header X-CSRF-Token of every request that changes something'),
});

export interface AuthServices {
  readonly registration: Registration;
  readonly signIn: SignIn;
  readonly signInLimits: SignInLimits;
  readonly passwordResets: PasswordResets;
  readonly endedSessions: Pick<EndedSessions, 'end'>;
  readonly userList: UserList;
}

export function authRoutes(services: AuthServices, config: Config): Route[] {
  const { registration, signIn, signInLimits, userList, passwordResets, endedSessions } = services;
  return [
    route({
      method: 'post',
      path: '/v1/auth/register',
      operationId: 'register',
      summary: 'Register; the new user has the opening balance',
      tag: TAG,
      access: 'open',
      body: z.object(signUpFields),
      success: z.string().meta({ description: 'The username' }),
      handler: async ({ ctx, body }) => {
        await signInLimits.beforeRegistration(clientAddress(ctx));
        return registration.register(body);
      },
    }),
    route({
      method: 'post',
      path: '/v1/auth/login',
      operationId: 'signIn',
      summary: 'Sign in',
      tag: TAG,
      access: 'open',
      body: signInBody,
      success: z.object({
        token: z.string().describe('For `Authorization: Bearer`'),
        username: z.string().describe('The name as it was registered'),
        role: roleInput.describe('What the user may do'),
        expiresIn: z.number().int().describe('Seconds until the token expires'),
      }),
      handler: async ({ ctx, body }) => {
        const { token, user } = await signIn.login(body.username, body.password, clientAddress(ctx));
        return { token, username: user.username, role: user.role, expiresIn: Math.floor(config.JWT_TTL / 1000) };
      },
    }),
    route({
      method: 'post',
      path: '/v1/auth/session',
      operationId: 'openSession',
      summary: 'Sign in a browser: the login token goes into a cookie that no script can read',
      description: `The cookie is HttpOnly and SameSite=Strict, and Secure, with the prefix __Host-, where PUBLIC_URL is https. It is good wherever a
login token is, and ends with it. Every request that changes something must bring \`csrfToken\` in the header X-CSRF-Token.
With the header X-Access-Key-Id, the id of an own access key, a session calls models with the limits of that key.`,
      tag: TAG,
      access: 'open',
      body: signInBody,
      success: sessionSchema,
      handler: async ({ ctx, body }) => {
        const { token, user } = await signIn.login(body.username, body.password, clientAddress(ctx));
        setSession(ctx, token, config.publicUrl, config.JWT_TTL);
        return { userId: user.id, username: user.username, role: user.role, csrfToken: csrfTokenOf(token) };
      },
    }),
    route({
      method: 'get',
      path: '/v1/auth/session',
      operationId: 'getSession',
      summary: 'Who is signed in, and the CSRF token of the session, for a page that was loaded again',
      tag: TAG,
      access: 'jwt',
      success: sessionSchema,
      handler: ({ ctx, caller: { userId, username, role } }) => {
        const { token = '' } = credentialsOf(ctx);
        return { userId, username, role, csrfToken: csrfTokenOf(token) };
      },
    }),
    route({
      method: 'delete',
      path: '/v1/auth/session',
      operationId: 'closeSession',
      summary:
        'Sign out: the login token of this request ends, wherever there is a copy of it, and the cookie is removed',
      tag: TAG,
      access: 'jwt',
      success: z.null(),
      handler: async ({ ctx, caller }) => {
        const { token = '' } = credentialsOf(ctx);
        await endedSessions.end(caller.userId, token);
        setSession(ctx, '', config.publicUrl, 0);
        return null;
      },
    }),
    route({
      method: 'get',
      path: '/v1/auth/me',
      operationId: 'getMe',
      summary: 'The own user and balance',
      tag: TAG,
      access: 'jwt',
      success: userSchema,
      handler: async ({ caller }) => {
        const user = await userList.find(caller.userId);
        if (user === undefined) throw new AppError('notFound', 'the user does not exist any more');
        return userRecord(user, config.APP_TIME_ZONE);
      },
    }),
    route({
      method: 'post',
      path: '/v1/auth/change-password',
      operationId: 'changePassword',
      summary: 'Change the own password; all login tokens stop working',
      tag: TAG,
      access: 'jwt',
      body: z.object({
        oldPassword: z.string().min(1).max(100).describe('The present password'),
        newPassword: passwordInput.describe('The new password'),
      }),
      success: z.null(),
      handler: async ({ ctx, caller, body }) => {
        await signIn.changePassword(caller.userId, body.oldPassword, body.newPassword, clientAddress(ctx));
        return null;
      },
    }),
    route({
      method: 'post',
      path: '/v1/auth/reset-password',
      operationId: 'resetPassword',
      summary: 'Set a password with the token of a link that an administrator has made; it is good once',
      tag: TAG,
      access: 'open',
      body: z.object({
        token: z.string().min(1).max(100).describe('The token of the link'),
        newPassword: passwordInput.describe('The new password'),
      }),
      success: z.null(),
      handler: async ({ body }) => {
        await passwordResets.redeem(body.token, body.newPassword);
        return null;
      },
    }),
  ];
}
