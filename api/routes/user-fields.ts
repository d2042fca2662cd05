/** Fields that the routes about users share. */
import { z } from 'zod';
import { ROLES } from '../../core/accounts/caller.ts';
import type { UserWithBalance } from '../../core/accounts/user.ts';
import { optional } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { isoTime, recordTimes, timeOutput } from '../http/times.ts';

const username = z
  .string()
  .trim()
  .min(3)
  .max(50)
  .describe(
    'Latin, Chinese, Japanese or Korean letters, digits and the signs of ASCII; it must not look like the name of another',
  );
export const passwordInput = z.string().min(6).max(100).describe('The password');
export const roleInput = z.enum(ROLES).describe('What the user may do');

/** An empty address is none, as forms send it. */
const emailInput = optional(z.union([z.literal('').transform(() => undefined), z.email().max(254)])).describe(
  'An email address that no other user has',
);

export const signUpFields = { username, password: passwordInput, email: emailInput };

export const userSchema = z
  .object({
    id: z.number().int().describe('Id of the user'),
    username: z.string().describe('The name to sign in with'),
    email: z.string().nullable().describe('The email address; null for none'),
    role: roleInput,
    status: z.number().int().describe('1 active, 0 disabled'),
    balance: decimalOutput.describe('Free to spend'),
    held: decimalOutput.describe('Reserved by running calls and jobs'),
    closedAt: timeOutput.optional().describe('When the account was closed; absent while it is open'),
    ...recordTimes,
  })
  .meta({ id: 'User' });

export function userRecord(user: UserWithBalance, zone: string): z.input<typeof userSchema> {
  const { id, username, email, role } = user;
  return {
    ...{ id, username, email, role },
    status: user.active ? 1 : 0,
    balance: money(user.available),
    held: money(user.held),
    ...(user.closedAt === null ? {} : { closedAt: isoTime(user.closedAt, zone) }),
    createdAt: isoTime(user.createdAt, zone),
    updatedAt: isoTime(user.updatedAt, zone),
  };
}
