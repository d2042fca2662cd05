/** What was spent, by whom and on what: sums over the ledger, as JSON or as a file. */
import { z } from 'zod';
import type { UserList } from '../../core/accounts/user-list.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import {
  type ChargeSum,
  SPEND_GROUPS,
  type Spend,
  type Statistics,
  type UsageSum,
} from '../../core/usage/statistics.ts';
import { localDay } from '../../infra/calendar.ts';
import type { Config } from '../../infra/config.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { inert, sendCsv } from '../http/csv.ts';
import { idInput, integerInput, optionalText } from '../http/fields.ts';
import { money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { addDays, dayInput, startOfDay } from '../http/times.ts';
import { CHARGE_SUMS, maskOf, usageAnswer, usageSum } from './usage-fields.ts';
import { userFilter, userIdOf } from './user-filter.ts';

const DAYS = 30;
const MOST_DAYS = 366;
const GROUPS = 1_000;
const MOST_GROUPS = 10_000;

const chargeSum = z.object(CHARGE_SUMS);

const spendSchema = z.object({
  groupBy: z.enum(SPEND_GROUPS).describe('What was asked for'),
  startDate: z.string().describe('The first day, yyyy-MM-dd'),
  endDate: z.string().describe('The last day'),
  currency: z.string().describe('Currency of all amounts'),
  groups: z.array(usageSum).describe('The dearest first; days in their order'),
  rest: chargeSum.describe('Groups beyond `limit` together'),
  total: chargeSum.describe('All of it: the charges of the ledger in this time'),
});

const SUM_COLUMNS = ['requests', 'promptTokens', 'cachedTokens', 'completionTokens', 'imageCount', 'cost', 'currency'];
/** What names a group in a file. */
const GROUP_COLUMNS = {
  day: ['date'],
  model: ['modelId', 'modelIdentifier'],
  accessKey: ['accessKeyId', 'accessKeyName', 'accessKeyMask', 'userId', 'username'],
  user: ['userId', 'username'],
  provider: ['providerId', 'providerName'],
  tag: ['tag'],
} as const satisfies Record<(typeof SPEND_GROUPS)[number], readonly string[]>;

export function spendRoute(
  {
    statistics,
    userList,
  }: { readonly statistics: Pick<Statistics, 'spend'>; readonly userList: Pick<UserList, 'idOf'> },
  { APP_TIME_ZONE: zone, CURRENCY: currency }: Pick<Config, 'APP_TIME_ZONE' | 'CURRENCY'>,
): Route {
  return route({
    method: 'get',
    path: '/v1/statistics/spend',
    operationId: 'getSpend',
    summary:
      "What was spent by user, access key, model, provider, day or tag: one's own, for administrators everyone's",
    description: `Sums of the ledger's charges, so that \`groups\` and \`rest\` are exactly \`total\`, and the total of a month
is that of the statements. A tag is the one that the access key has now; charges without one have an empty tag. By provider
only for administrators. With format=csv the rest is a line of its own.`,
    tag: 'Statistics',
    access: 'jwt',
    query: z.object({
      groupBy: optionalText(z.enum(SPEND_GROUPS)).describe('day by default'),
      startDate: optionalText(dayInput(zone)).describe(
        `The first day; ${DAYS} days before the last by default, at most ${MOST_DAYS}`,
      ),
      endDate: optionalText(dayInput(zone)).describe('The last day; today by default'),
      ...userFilter('charges'),
      accessKeyId: optionalText(idInput).describe('Only charges of this access key'),
      modelId: optionalText(idInput).describe('Only charges of this model'),
      limit: optionalText(integerInput.pipe(z.number().int().min(1).max(MOST_GROUPS))).describe(
        `How many groups; ${GROUPS} by default, at most ${MOST_GROUPS}`,
      ),
      format: optionalText(z.enum(['json', 'csv'])).describe('json by default'),
    }),
    success: spendSchema,
    otherAnswers: [{ status: 200, description: 'With format=csv', mediaType: 'text/csv', schema: z.string() }],
    handler: async ({ ctx, caller, query }) => {
      const { groupBy = 'day', accessKeyId, modelId, limit = GROUPS } = query;
      const isOwn = caller.role === 'ROLE_USER';
      if (isOwn && groupBy === 'provider') throw new AppError('forbidden', 'groupBy provider is for administrators');
      const userId = (await userIdOf(userList, query, caller.role)) ?? (isOwn ? caller.userId : undefined);
      // Somebody who is not there is refused as others are.
      if (isOwn && userId !== caller.userId) {
        throw new AppError('forbidden', 'userId and user of somebody else are for administrators');
      }
      const endDate = query.endDate ?? localDay(Date.now(), zone);
      const startDate = query.startDate ?? addDays(endDate, 1 - DAYS);
      const until = addDays(endDate, 1);
      if (startDate > endDate) throw invalid([{ path: 'startDate', message: 'must not be after endDate' }]);
      if (addDays(startDate, MOST_DAYS) < until) {
        throw invalid([{ path: 'startDate', message: `must be at most ${MOST_DAYS} days before endDate` }]);
      }
      const spend = await statistics.spend({
        ...{
          userId,
          groupBy,
          accessKeyId,
          modelId,
          limit,
          from: startOfDay(startDate, zone),
          until: startOfDay(until, zone),
        },
      });
      if (query.format === 'csv') {
        const columns = [...GROUP_COLUMNS[groupBy], ...SUM_COLUMNS];
        return sendCsv(ctx, `spend-by-${groupBy}-${startDate}-${endDate}`, columns, linesOf(spend, columns, currency));
      }
      const { groups, rest, total } = spend;
      const sums = { rest: sumAnswer(rest), total: sumAnswer(total) };
      return { groupBy, startDate, endDate, currency, groups: groups.map(usageAnswer), ...sums };
    },
  });
}

function sumAnswer({ images, cost, ...counts }: ChargeSum): z.input<typeof chargeSum> {
  return { ...counts, imageCount: images, cost: money(cost) };
}

function linesOf({ groups, rest }: Spend, [name = '']: readonly string[], currency: string) {
  const lineOf = ({ day, images, cost, accessKeyEnds, ...group }: Partial<UsageSum> & ChargeSum) => ({
    ...Object.fromEntries(
      Object.entries(group).map(([field, value]) => [field, typeof value === 'string' ? inert(value) : value]),
    ),
    ...maskOf(accessKeyEnds),
    ...{ date: day, imageCount: images, cost: formatMoney(cost), currency },
  });
  if (rest.requests === 0 && rest.cost === 0n) return groups.map(lineOf);
  return [...groups.map(lineOf), { ...lineOf(rest), [name]: '(rest)' }];
}
