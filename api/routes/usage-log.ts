/** The log of single calls, from MongoDB: while it is away these routes answer 503. */
import { z } from 'zod';
import { shownFields, type UsageRecord } from '../../core/usage/usage-record.ts';
import type { UsageFilter, UsageStore } from '../../core/usage/usage-store.ts';
import { idInput, integerInput, optional, optionalText, switchInput } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { isoTime, timeInput, timeOutput } from '../http/times.ts';

const TAG = 'Statistics';
const ADMINISTRATORS = { roles: ['ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] } as const;
/** What "no limit" gives, and the most that one answer holds. */
const LOG_LIMIT = 1_000;
const MAX_LOG_LIMIT = 10_000;

const limitInput = integerInput.transform((value) => (value <= 0 ? LOG_LIMIT : Math.min(value, MAX_LOG_LIMIT)));
const logId = z.string().max(36);

const shownCall = z.object(shownFields);
const loggedCall = z.object({ id: z.string(), ...shownFields, cost: decimalOutput, createTime: timeOutput });

interface LogRequest extends UsageFilter {
  readonly limit?: number | undefined;
  readonly sortDesc?: boolean | undefined;
}

export function usageLogRoutes(usageLog: Pick<UsageStore, 'newest'>, zone: string): Route[] {
  const logQuery = logQueryOf(zone);
  const logs = async ({ limit = LOG_LIMIT, sortDesc = false, ...filter }: LogRequest) => {
    const newest = await usageLog.newest(filter, limit);
    return (sortDesc ? newest : newest.reverse()).map((record) => answerOf(record, zone));
  };
  return [
    route({
      method: 'get',
      path: '/v1/statistics/logs/me',
      summary: "One's own calls: the newest 1,000 or `limit`, oldest first; `before=` an id goes on",
      tag: TAG,
      access: 'jwt',
      query: logQuery,
      success: z.array(loggedCall),
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
      success: z.array(loggedCall),
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
      success: z.array(loggedCall),
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
      success: z.array(loggedCall),
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

function answerOf(record: UsageRecord, zone: string): z.input<typeof loggedCall> {
  const shown = shownCall.parse(record);
  return { id: shown.requestId, ...shown, cost: money(shown.cost), createTime: isoTime(shown.createTime, zone) };
}
