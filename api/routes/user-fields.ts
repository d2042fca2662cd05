/** Fields that the routes about users share. */
import { z } from 'zod';
import { ROLES } from '../../core/accounts/caller.ts';
import type { UserWithBalance } from '../../core/accounts/user.ts';
import { optional } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { isoTime, timeOutput } from '../http/times.ts';

const username = z.string().trim().min(3).max(50).meta({
  description:
    'Latin, Chinese, Japanese or Korean letters, digits and the signs of ASCII; it must not look like the name of another',
});
export const passwordInput = z.string().min(6).max(100);
export const roleInput = z.enum(ROLES);

/** An empty address is none, as forms send it. */
const emailInput = optional(z.union([z.literal('').transform(() => undefined), z.email().max(254)]));

export const signUpFields = { username, password: passwordInput, email: emailInput };

export const userSchema = z
  .object({
    id: z.number().int(),
    username: z.string(),
    email: z.string().nullable(),
    role: roleInput,
    status: z.number().int().meta({ description: '1 active, 0 disabled' }),
    balance: decimalOutput.meta({ description: 'Free to spend' }),
    held: decimalOutput.meta({ description: 'Reserved by running calls and jobs' }),
    createdAt: timeOutput,
    updatedAt: timeOutput,
  })
  .meta({ id: 'User' });

export function userRecord(user: UserWithBalance, zone: string): z.input<typeof userSchema> {
  const { id, username, email, role } = user;
  return {
    ...{ id, username, email, role },
    status: user.active ? 1 : 0,
    balance: money(user.available),
    held: money(user.held),
    createdAt: isoTime(user.createdAt, zone),
    updatedAt: isoTime(user.updatedAt, zone),
  };
}
