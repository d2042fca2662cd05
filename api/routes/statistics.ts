/** Statistics from MySQL, and the log of single calls from MongoDB. */
import { z } from 'zod';
import { localDay } from '../../activities/billing/day.ts';
import { type Statistics, USAGE_GROUPS, type UsageSum } from '../../activities/usage/statistics.ts';
import type { UsageEntry } from '../../activities/usage/usage-entry.ts';
import type { UsageFilter, UsageStore } from '../../activities/usage/usage-store.ts';
import type { Config } from '../../infra/config.ts';
import { invalid } from '../../infra/errors.ts';
import { addDays, dayInput, startOfDay } from '../days.ts';
import { idInput, integerInput, optional, optionalText, switchInput } from '../lenient.ts';
import { decimalOutput, money } from '../money.ts';
import { type Route, route } from '../route.ts';
import { isoTime, timeInput } from '../times.ts';

const TAG = 'Statistics';
const ADMINISTRATORS = { roles: ['ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] } as const;
/** What "no limit" gives, and the most that one answer holds. */
const LOG_LIMIT = 1_000;
const MAX_LOG_LIMIT = 10_000;
const USAGE_DAYS = 30;
const MAX_USAGE_DAYS = 366;

const limitInput = integerInput.transform((value) => (value <= 0 ? LOG_LIMIT : Math.min(value, MAX_LOG_LIMIT)));
const logId = z.string().max(36);

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

const logEntry = z.object({
  id: z.string(),
  requestId: z.string(),
  userId: z.number(),
  accessKeyId: z.number().nullable(),
  modelId: z.number().nullable(),
  modelIdentifier: z.string(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  imageCount: z.number(),
  cost: decimalOutput,
  latencyMs: z.number(),
  ttftMs: z.number().nullable(),
  isAsync: z.boolean(),
  isSuccess: z.boolean(),
  errorCode: z.number().nullable(),
  createTime: z.string(),
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

interface LogRequest extends UsageFilter {
  readonly limit?: number | undefined;
  readonly sortDesc?: boolean | undefined;
}

export function statisticsRoutes(
  { statistics, usageLog }: StatisticsServices,
  { APP_TIME_ZONE: zone }: Pick<Config, 'APP_TIME_ZONE'>,
): Route[] {
  const today = () => localDay(Date.now(), zone);
  const logQuery = logQueryOf(zone);
  const logs = async ({ limit = LOG_LIMIT, sortDesc = false, ...filter }: LogRequest) => {
    const newest = await usageLog.newest(filter, limit);
    return (sortDesc ? newest : newest.reverse()).map((entry) => logAnswer(entry, zone));
  };
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
          days: { first, last },
          from: startOfDay(first, zone),
          until: startOfDay(until, zone),
        });
        return sums.map(usageAnswer);
      },
    }),
    route({
      method: 'get',
      path: '/v1/statistics/logs/me',
      summary: "One's own calls: the newest 1,000 or `limit`, oldest first; `before=` an id goes on",
      tag: TAG,
      access: 'jwt',
      query: logQuery,
      success: z.array(logEntry),
      handler: ({ caller, query }) => logs({ ...query, userId: caller.userId }),
    }),
    route({
      method: 'get',
      path: '/v1/statistics/logs/user/{userId}',
      summary: "A user's calls",
      tag: TAG,
      access: ADMINISTRATORS,
      params: z.object({ userId: idInput }),
      query: logQuery,
      success: z.array(logEntry),
      handler: ({ params, query }) => logs({ ...query, userId: params.userId }),
    }),
    route({
      method: 'get',
      path: '/v1/statistics/logs/model/{modelId}',
      summary: "A model's calls",
      tag: TAG,
      access: ADMINISTRATORS,
      params: z.object({ modelId: idInput }),
      query: logQuery,
      success: z.array(logEntry),
      handler: ({ params, query }) => logs({ ...query, modelId: params.modelId }),
    }),
    route({
      method: 'post',
      path: '/v1/statistics/logs/query',
      summary: 'Calls by user, access key, model, outcome and time: the newest 1,000 or `limit`, oldest first',
      tag: TAG,
      access: ADMINISTRATORS,
      body: logQuery.extend({
        userId: optional(idInput),
        accessKeyId: optional(idInput),
        modelId: optional(idInput),
      }),
      success: z.array(logEntry),
      handler: ({ body }) => logs(body),
    }),
  ];
}

/** The fields that every question to the log may have, in a query or a body. */
function logQueryOf(zone: string) {
  return z.object({
    isSuccess: optionalText(switchInput),
    isAsync: optionalText(switchInput),
    startTime: optionalText(timeInput(zone)),
    endTime: optionalText(timeInput(zone)),
    limit: optionalText(limitInput),
    sortDesc: optionalText(switchInput),
    before: optionalText(logId).meta({ description: 'Only calls before the one of this id.' }),
  });
}

function logAnswer(entry: UsageEntry, zone: string): z.input<typeof logEntry> {
  return {
    id: entry.requestId,
    requestId: entry.requestId,
    userId: entry.userId,
    accessKeyId: entry.accessKeyId,
    modelId: entry.modelId,
    modelIdentifier: entry.modelIdentifier,
    promptTokens: entry.promptTokens,
    completionTokens: entry.completionTokens,
    imageCount: entry.imageCount,
    cost: money(entry.cost),
    latencyMs: entry.latencyMs,
    ttftMs: entry.ttftMs,
    isAsync: entry.isAsync,
    isSuccess: entry.isSuccess,
    errorCode: entry.errorCode,
    createTime: isoTime(entry.createTime, zone),
  };
}

function usageAnswer({ day, images, cost, ...rest }: UsageSum): z.input<typeof usageSum> {
  return { ...(day === undefined ? {} : { date: day }), ...rest, imageCount: images, cost: money(cost) };
}
