/** One user as an administrator looks at it: balance, spend, keys and the last calls. */
import { z } from 'zod';
import type { AccessKeys } from '../../core/accounts/access-keys.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import type { CallLog } from '../../core/usage/call-log.ts';
import type { Statistics } from '../../core/usage/statistics.ts';
import { localDay } from '../../infra/calendar.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { idParams } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { addDays, startOfDay } from '../http/times.ts';
import { callAnswer, loggedCall } from './usage-log.ts';
import { userRecord, userSchema } from './user-fields.ts';

const SPEND_DAYS = 30;
const LAST_CALLS = 10;

export interface OverviewServices {
  readonly userList: UserList;
  readonly accessKeys: Pick<AccessKeys, 'list'>;
  readonly statistics: Pick<Statistics, 'usage'>;
  readonly callLog: Pick<CallLog, 'newest'>;
}

const spent = z.object({
  requests: z.number().int().describe('Charged calls'),
  cost: decimalOutput.describe('What they cost'),
});

const overviewSchema = z.object({
  user: userSchema.describe('The user'),
  today: spent.describe('Spent today'),
  last30Days: spent.describe(`Spent in the last ${SPEND_DAYS} days, today included`),
  accessKeys: z.number().int().describe('Access keys that are not deleted'),
  lastCalls: z
    .array(loggedCall)
    .nullable()
    .describe(`The newest ${LAST_CALLS} calls, newest first; null while the log of calls is away`),
});

export function userOverviewRoute(
  { userList, accessKeys, statistics, callLog }: OverviewServices,
  { APP_TIME_ZONE: zone }: Pick<Config, 'APP_TIME_ZONE'>,
): Route {
  /** What is here does not depend on MongoDB. */
  const lastCalls = async (userId: number) => {
    try {
      return await callLog.newest({ userId }, LAST_CALLS);
    } catch (error) {
      if (error instanceof AppError && error.kind === 'databaseUnavailable') return null;
      throw error;
    }
  };
  return route({
    method: 'get',
    path: '/v1/users/{id}',
    operationId: 'getUser',
    summary: 'One user with balance, spend, number of access keys and last calls',
    tag: 'Users',
    access: { roles: ['ROLE_ROOT_ADMIN'] },
    params: idParams('user'),
    success: overviewSchema,
    handler: async ({ params: { id } }) => {
      const user = await userList.find(id);
      if (user === undefined) throw new AppError('notFound', `there is no user ${id}`);
      const today = localDay(Date.now(), zone);
      const [days, keys, calls] = await Promise.all([
        statistics.usage({
          ...{ userId: id, groupBy: 'day' },
          from: startOfDay(addDays(today, 1 - SPEND_DAYS), zone),
          until: startOfDay(addDays(today, 1), zone),
        }),
        accessKeys.list(id),
        lastCalls(id),
      ]);
      return {
        user: userRecord(user, zone),
        today: sumOf(days.filter(({ day }) => day === today)),
        last30Days: sumOf(days),
        accessKeys: keys.length,
        lastCalls: calls?.map((call) => callAnswer(call, zone, true)) ?? null,
      };
    },
  });
}

function sumOf(days: readonly { readonly requests: number; readonly cost: bigint }[]): z.input<typeof spent> {
  const cost = days.reduce((sum, day) => sum + day.cost, 0n);
  return { requests: days.reduce((sum, day) => sum + day.requests, 0), cost: money(cost) };
}
