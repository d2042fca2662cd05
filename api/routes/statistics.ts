/** What was used: sums by day, model and key from MySQL, and the log of single calls. */
import { z } from 'zod';
import type { UserList } from '../../core/accounts/user-list.ts';
import type { CallLog } from '../../core/usage/call-log.ts';
import type { CallNames } from '../../core/usage/call-names.ts';
import { performanceBy } from '../../core/usage/performance.ts';
import { type Statistics, USAGE_GROUPS } from '../../core/usage/statistics.ts';
import type { UsageStore } from '../../core/usage/usage-store.ts';
import { localDay } from '../../infra/calendar.ts';
import type { Config } from '../../infra/config.ts';
import { invalid } from '../../infra/errors.ts';
import { idInput, optional, optionalText } from '../http/fields.ts';
import { money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { addDays, dayInput, startOfDay } from '../http/times.ts';
import { spendRoute } from './spend.ts';
import { CALL_SUMS, usageAnswer, usageSum } from './usage-fields.ts';
import { usageLogRoutes } from './usage-log.ts';

const TAG = 'Statistics';
const ADMINISTRATORS = { roles: ['ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] } as const;
const USAGE_DAYS = 30;
const MAX_USAGE_DAYS = 366;

const modelStatistics = z.object({
  modelId: z.number().describe('Id of the model'),
  modelIdentifier: z.string().describe('The name that callers use for it'),
  date: z.string().describe('The day, yyyy-MM-dd'),
  statDate: z.string().describe('The same day'),
  totalRequests: z.number().describe('Calls'),
  successCount: z.number().describe('Calls that succeeded'),
  failureCount: z.number().describe('Calls that failed'),
  ...CALL_SUMS,
});

/** More than a person makes in a month; the newest are looked at. */
const MAX_OUTCOMES = 20_000;

const performanceSchema = z.object({
  isComplete: z.boolean().describe(`Whether all calls were looked at; the newest ${MAX_OUTCOMES} are`),
  groups: z
    .array(
      z.object({
        date: z.string().optional().describe('The day, yyyy-MM-dd, when grouped by day'),
        modelId: z
          .number()
          .nullable()
          .optional()
          .describe('Id of the model, when grouped by it; null where none was chosen'),
        modelIdentifier: z.string().optional().describe('The name that callers use for it, when grouped by model'),
        accessKeyId: z.number().nullable().optional().describe('Id of the access key, when grouped by it'),
        requests: z.number().describe('Calls, failed ones included'),
        failures: z.number().describe('Calls that failed'),
        latencyP50Ms: z.number().nullable().describe('Half of those that succeeded took at most as many milliseconds'),
        latencyP95Ms: z
          .number()
          .nullable()
          .describe('95 of 100 took at most as many milliseconds; null where none succeeded'),
      }),
    )
    .describe('Days in their order; models and keys with the most calls first'),
});

export interface StatisticsServices {
  readonly statistics: Statistics;
  readonly usageLog: Pick<UsageStore, 'outcomes'>;
  readonly callLog: Pick<CallLog, 'newest'>;
  readonly userList: Pick<UserList, 'names' | 'idOf'>;
  readonly callNames: CallNames;
}

export function statisticsRoutes(
  { statistics, usageLog, callLog, userList, callNames }: StatisticsServices,
  config: Pick<Config, 'APP_TIME_ZONE' | 'CURRENCY'>,
): Route[] {
  const { APP_TIME_ZONE: zone } = config;
  const today = () => localDay(Date.now(), zone);
  const usageQuery = z.object({
    groupBy: optionalText(z.enum(USAGE_GROUPS)).describe('day by default'),
    startDate: optionalText(dayInput(zone)).describe(
      `The first day; ${USAGE_DAYS} days before the last by default, at most ${MAX_USAGE_DAYS}`,
    ),
    endDate: optionalText(dayInput(zone)).describe('The last day; today by default'),
  });
  /** @throws {AppError} invalidInput for a last day before the first, and for too many days. */
  const timeOf = (startDate: string | undefined, endDate: string | undefined) => {
    const last = endDate ?? today();
    const first = startDate ?? addDays(last, 1 - USAGE_DAYS);
    if (first > last) throw invalid([{ path: 'startDate', message: 'must not be after endDate' }]);
    const until = addDays(last, 1);
    if (addDays(first, MAX_USAGE_DAYS) < until) {
      throw invalid([{ path: 'startDate', message: `must be at most ${MAX_USAGE_DAYS} days before endDate` }]);
    }
    return { from: startOfDay(first, zone), until: startOfDay(until, zone) };
  };
  return [
    route({
      method: 'post',
      path: '/v1/statistics/models',
      operationId: 'getModelStatistics',
      summary: 'Calls, tokens, images and cost by day and model; today by default',
      tag: TAG,
      access: ADMINISTRATORS,
      body: z.object({
        modelId: optional(idInput).describe('Only this model'),
        modelIdentifier: optional(z.string().max(150)).describe('Only the model that callers know by this name'),
        date: optional(dayInput(zone)).describe('One day; startDate and endDate are then not looked at'),
        startDate: optional(dayInput(zone)).describe('The first day'),
        endDate: optional(dayInput(zone)).describe('The last day; today by default'),
      }),
      success: z.array(modelStatistics),
      handler: async ({ body: { modelId, modelIdentifier, date, startDate, endDate } }) => {
        const last = date ?? endDate ?? today();
        const first = date ?? startDate ?? last;
        const found = await statistics.models({ modelId, modelIdentifier, first, last });
        return found.map(({ day, requests, successes, failures, images, cost, ...rest }) => ({
          ...rest,
          date: day,
          statDate: day,
          totalRequests: requests,
          successCount: successes,
          failureCount: failures,
          imageCount: images,
          cost: money(cost),
        }));
      },
    }),
    route({
      method: 'get',
      path: '/v1/statistics/usage',
      operationId: 'getUsage',
      summary: "Charged calls by day, model or access key: one's own, for ROOT everyone's; the last 30 days by default",
      tag: TAG,
      access: 'jwt',
      query: usageQuery,
      success: z.array(usageSum),
      handler: async ({ caller, query: { groupBy = 'day', startDate, endDate } }) => {
        const { from, until } = timeOf(startDate, endDate);
        const sums = await statistics.usage({
          userId: caller.role === 'ROLE_ROOT_ADMIN' ? undefined : caller.userId,
          groupBy,
          from,
          until,
        });
        return sums.map(usageAnswer);
      },
    }),
    route({
      method: 'get',
      path: '/v1/statistics/performance',
      operationId: 'getPerformance',
      summary: 'How the own calls went by day, model or access key: failures and latency; the last 30 days by default',
      tag: TAG,
      access: 'jwt',
      query: usageQuery,
      success: performanceSchema,
      handler: async ({ caller, query: { groupBy = 'day', startDate, endDate } }) => {
        const { from, until } = timeOf(startDate, endDate);
        const filter = { userId: caller.userId, startTime: from, endTime: new Date(until.getTime() - 1) };
        const calls = await usageLog.outcomes(filter, MAX_OUTCOMES);
        const groups = performanceBy(groupBy, calls).map(({ day, ...rest }) => ({
          ...(day === undefined ? {} : { date: day }),
          ...rest,
        }));
        return { isComplete: calls.length < MAX_OUTCOMES, groups };
      },
    }),
    spendRoute({ statistics, userList }, config),
    ...usageLogRoutes({ callLog, userList, callNames }, zone),
  ];
}
