/** What was used: sums by day, model and key from MySQL, and the log of single calls. */
import { z } from 'zod';
import { type Statistics, USAGE_GROUPS, type UsageSum } from '../../core/usage/statistics.ts';
import type { UsageStore } from '../../core/usage/usage-store.ts';
import { localDay } from '../../infra/calendar.ts';
import type { Config } from '../../infra/config.ts';
import { invalid } from '../../infra/errors.ts';
import { idInput, optional, optionalText } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { addDays, dayInput, startOfDay } from '../http/times.ts';
import { usageLogRoutes } from './usage-log.ts';

const TAG = 'Statistics';
const ADMINISTRATORS = { roles: ['ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] } as const;
const USAGE_DAYS = 30;
const MAX_USAGE_DAYS = 366;

const modelStatistics = z.object({
  modelId: z.number(),
  modelIdentifier: z.string(),
  date: z.string(),
  statDate: z.string(),
  totalRequests: z.number(),
  successCount: z.number(),
  failureCount: z.number(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  imageCount: z.number(),
  cost: decimalOutput,
});

const usageSum = z.object({
  date: z.string().optional(),
  modelId: z.number().optional(),
  modelIdentifier: z.string().optional(),
  accessKeyId: z.number().nullable().optional(),
  accessKeyName: z.string().optional(),
  requests: z.number(),
  promptTokens: z.number(),
  cachedTokens: z.number(),
  completionTokens: z.number(),
  imageCount: z.number(),
  cost: decimalOutput,
});

export interface StatisticsServices {
  readonly statistics: Statistics;
  readonly usageLog: Pick<UsageStore, 'newest'>;
}

export function statisticsRoutes(
  { statistics, usageLog }: StatisticsServices,
  { APP_TIME_ZONE: zone }: Pick<Config, 'APP_TIME_ZONE'>,
): Route[] {
  const today = () => localDay(Date.now(), zone);
  return [
    route({
      method: 'post',
      path: '/v1/statistics/models',
      summary: 'Calls, tokens, images and cost by day and model; today by default',
      tag: TAG,
      access: ADMINISTRATORS,
      body: z.object({
        modelId: optional(idInput),
        modelIdentifier: optional(z.string().max(150)),
        date: optional(dayInput(zone)).meta({ description: 'One day; startDate and endDate are then not looked at.' }),
        startDate: optional(dayInput(zone)),
        endDate: optional(dayInput(zone)),
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
      summary: "Charged calls by day, model or access key: one's own, for ROOT everyone's; the last 30 days by default",
      tag: TAG,
      access: 'jwt',
      query: z.object({
        groupBy: optionalText(z.enum(USAGE_GROUPS)),
        startDate: optionalText(dayInput(zone)),
        endDate: optionalText(dayInput(zone)),
      }),
      success: z.array(usageSum),
      handler: async ({ caller, query: { groupBy = 'day', startDate, endDate } }) => {
        const last = endDate ?? today();
        const first = startDate ?? addDays(last, 1 - USAGE_DAYS);
        if (first > last) throw invalid([{ path: 'startDate', message: 'must not be after endDate' }]);
        const until = addDays(last, 1);
        if (addDays(first, MAX_USAGE_DAYS) < until) {
          throw invalid([{ path: 'startDate', message: `must be at most ${MAX_USAGE_DAYS} days before endDate` }]);
        }
        const sums = await statistics.usage({
          userId: caller.role === 'ROLE_ROOT_ADMIN' ? undefined : caller.userId,
          groupBy,
          from: startOfDay(first, zone),
          until: startOfDay(until, zone),
        });
        return sums.map(usageAnswer);
      },
    }),
    ...usageLogRoutes(usageLog, zone),
  ];
}

function usageAnswer({ day, images, cost, ...rest }: UsageSum): z.input<typeof usageSum> {
  return { ...(day === undefined ? {} : { date: day }), ...rest, imageCount: images, cost: money(cost) };
}
