/** Access keys of all users, for ROOT: who has them, what they spend, and an end to one that leaks. */
import { z } from 'zod';
import type {
  AccessKeyAdministration,
  KeyMask,
  OwnedAccessKey,
} from '../../core/accounts/access-key-administration.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import { BUDGET_PERIODS } from '../../infra/calendar.ts';
import type { Config } from '../../infra/config.ts';
import { idInput, idParams, optional, optionalText, shownText, switchInput } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { cursorPage, cursorPageOf, cursorQuery } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { isoTime, timeOutput } from '../http/times.ts';
import { userFilter, userIdOf } from './user-filter.ts';

const TAG = 'Access keys';
const ROOT = { roles: ['ROLE_ROOT_ADMIN'] } as const;

const ownedKey = z
  .object({
    id: z.number().int().describe('Id of the access key'),
    userId: z.number().int().describe('Id of its owner'),
    username: z.string().describe('Name of its owner'),
    name: z.string().describe('Its name, empty without one'),
    tag: z.string().nullable().describe('What it is for; null without one'),
    maskedKeyValue: z.string().describe('The key with its middle left out'),
    isActive: z.boolean().describe('Whether the key works'),
    expiresAt: timeOutput.nullable().describe('When it stops working; null for never'),
    budget: decimalOutput.nullable().describe('The most that it may spend in its period; null for no limit'),
    budgetPeriod: z.enum(BUDGET_PERIODS).nullable().describe('How often the budget begins anew; total is never'),
    budgetUsed: decimalOutput.nullable().describe('Spent and held in the running period; null without a budget'),
    lastUsedAt: timeOutput.nullable().describe('Its last call, to the minute or so; null for none'),
    createdAt: timeOutput.describe('When it was created'),
    deletedAt: timeOutput.nullable().describe('When it was deleted or revoked; null while it is there'),
  })
  .meta({ id: 'OwnedAccessKey' });

const MASK = /^ak-([A-Za-z0-9_-]{4,16})(?:(?:…|\.{2,3}|\*+)([A-Za-z0-9_-]{4})?)?$/;

const maskInput = z
  .string()
  .trim()
  .max(60)
  .transform((text, context): KeyMask => {
    const [match, begin = '', end] = MASK.exec(text) ?? [];
    if (match !== undefined) return { begin, end };
    context.addIssue(
      'must be a masked key such as ak-abcd…wxyz, or the beginning of one: ak- and at least 4 characters',
    );
    return z.NEVER;
  });

interface AccessKeyServices {
  readonly accessKeyAdministration: AccessKeyAdministration;
  readonly userList: Pick<UserList, 'idOf'>;
}

export function adminAccessKeyRoutes(
  { accessKeyAdministration, userList }: AccessKeyServices,
  { APP_TIME_ZONE }: Pick<Config, 'APP_TIME_ZONE'>,
): Route[] {
  const time = (date: Date) => isoTime(date, APP_TIME_ZONE);
  const answerOf = (key: OwnedAccessKey): z.input<typeof ownedKey> => {
    const { id, userId, username, name, tag, masked, isActive, budgetPeriod } = key;
    return {
      ...{ id, userId, username, name, tag, maskedKeyValue: masked, isActive, budgetPeriod },
      expiresAt: key.expiresAt && time(key.expiresAt),
      budget: key.budget === null ? null : money(key.budget),
      budgetUsed: key.budgetUsed === null ? null : money(key.budgetUsed),
      lastUsedAt: key.lastUsedAt && time(key.lastUsedAt),
      createdAt: time(key.createdAt),
      deletedAt: key.deletedAt && time(key.deletedAt),
    };
  };
  return [
    route({
      method: 'get',
      path: '/v1/admin/access-keys',
      operationId: 'listAllAccessKeys',
      summary: 'Access keys of all users, newest first',
      tag: TAG,
      access: ROOT,
      query: cursorQuery(idInput).extend({
        ...userFilter('keys'),
        id: optionalText(idInput).describe('Only the key with this id'),
        mask: optionalText(maskInput).describe(
          'Only keys that look like this, as lists and screenshots show them: ak-abcd…wxyz, or only their beginning',
        ),
        deleted: optionalText(switchInput).describe('Deleted and revoked ones, too'),
      }),
      success: cursorPageOf(ownedKey),
      handler: async ({ caller, query }) => {
        const { cursor, pageSize, id, mask, deleted = false } = query;
        const userId = await userIdOf(userList, query, caller.role);
        const filter = { id, userId, mask, deleted, before: cursor, limit: pageSize + 1 };
        return cursorPage(await accessKeyAdministration.list(filter), pageSize, ({ id }) => id, answerOf);
      },
    }),
    route({
      method: 'post',
      path: '/v1/admin/access-keys/find',
      operationId: 'findAccessKey',
      summary: 'The access key with this text, deleted or not: whose is a key that was found somewhere?',
      description: 'In a body, because an address is kept by proxies and browsers. Nothing keeps or logs the text.',
      tag: TAG,
      access: ROOT,
      body: z.object({ keyValue: z.string().trim().min(1).max(200).describe('The whole key') }),
      success: ownedKey,
      handler: async ({ body }) => answerOf(await accessKeyAdministration.find(body.keyValue)),
    }),
    route({
      method: 'post',
      path: '/v1/admin/access-keys/{id}/revoke',
      operationId: 'revokeAccessKey',
      summary: 'End a key for good, at once on every process; its owner cannot switch it on again',
      tag: TAG,
      access: ROOT,
      params: idParams('access key'),
      body: z.object({ reason: optional(shownText(255)).describe('Why; the audit log keeps it') }),
      success: ownedKey,
      handler: async (input) =>
        answerOf(await accessKeyAdministration.revoke(input.params.id, input.body.reason, by(input))),
    }),
  ];
}
