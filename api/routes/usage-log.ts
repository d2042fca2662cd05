/** The log of single calls, from MongoDB: while it is away these routes answer 503. */
import { z } from 'zod';
import { maskedAccessKey } from '../../core/accounts/access-key.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import { CALL_STATUSES, type CallFilter, type CallLog, type LoggedCall } from '../../core/usage/call-log.ts';
import type { CallNames } from '../../core/usage/call-names.ts';
import { shownFields, USAGE_DOUBTS } from '../../core/usage/usage-record.ts';
import { idInput, integerInput, optionalText, switchInput, textIdInput, traceIdInput } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { isoTime, timeInput, timeOutput } from '../http/times.ts';
import { maskedApiKey } from './provider-keys.ts';
import { userFilter, userIdOf } from './user-filter.ts';

const TAG = 'Statistics';
const ADMINISTRATORS = { roles: ['ROLE_MODEL_ADMIN', 'ROLE_ROOT_ADMIN'] } as const;
/** What "no limit" gives, and the most that one answer holds. */
const LOG_LIMIT = 1_000;
const MAX_LOG_LIMIT = 10_000;

const limitInput = integerInput.transform((value) => (value <= 0 ? LOG_LIMIT : Math.min(value, MAX_LOG_LIMIT)));
const logId = z.string().max(36).pipe(z.uuid('must be the id of a call'));
const MOST_ATTEMPTS = 1_000;
const shownCall = z.object(shownFields);
export const loggedCall = z.object({
  id: z.string().describe('Id of the call, for `before`'),
  ...shownFields,
  providerId: z.number().nullable().optional().describe('Id of that provider; for administrators only'),
  providerKeyId: z
    .number()
    .nullable()
    .optional()
    .describe('Id of the key it was called with last; for administrators only'),
  cost: decimalOutput.describe('What was charged'),
  createTime: timeOutput.describe('When the call began'),
  status: z
    .enum(CALL_STATUSES)
    .describe(
      'REFUSED: before a provider was asked, such as for want of balance; of many alike only the first are kept',
    ),
});

interface LogRequest extends CallFilter {
  readonly limit?: number | undefined;
  readonly sortDesc?: boolean | undefined;
}

const namedCall = loggedCall.extend({
  username: z.string().optional().describe('Name of that user; left out for one that is not there'),
  accessKeyName: z.string().optional().describe('Name of that access key, empty without one; also of a deleted one'),
  accessKeyMask: z.string().optional().describe('Its beginning and end'),
  providerKeyName: z.string().optional().describe('Name of that provider key; for administrators, while it is there'),
  providerKeyMask: z.string().optional().describe('Its last four characters; for administrators, while it is there'),
});

export interface UsageLogServices {
  readonly callLog: Pick<CallLog, 'newest'>;
  readonly userList: Pick<UserList, 'names' | 'idOf'>;
  readonly callNames: CallNames;
}

export function usageLogRoutes({ callLog, userList, callNames }: UsageLogServices, zone: string): Route[] {
  const logQuery = logQueryOf(zone);
  const accessKeyId = optionalText(idInput).describe('Only calls with this access key');
  const modelId = optionalText(idInput).describe('Only calls of this model');
  const logs = async (
    { limit = LOG_LIMIT, sortDesc = false, ...filter }: LogRequest,
    forAdministrators = true,
  ): Promise<z.input<typeof namedCall>[]> => {
    const newest = await callLog.newest(filter, limit);
    const [users, keys, providerKeys] = await Promise.all([
      userList.names(idsOf(newest, 'userId')),
      callNames.accessKeys(idsOf(newest, 'accessKeyId')),
      forAdministrators ? callNames.providerKeys(idsOf(newest, 'providerKeyId')) : new Map<number, never>(),
    ]);
    return (sortDesc ? newest : newest.reverse()).map((record) => {
      const key = keys.get(record.accessKeyId ?? 0);
      const providerKey = providerKeys.get(record.providerKeyId ?? 0);
      return {
        ...callAnswer(record, zone, forAdministrators),
        username: users.get(record.userId),
        ...(key && { accessKeyName: key.name, accessKeyMask: maskedAccessKey(key.publicPart, key.lastFour) }),
        ...(providerKey && { providerKeyName: providerKey.name, providerKeyMask: maskedApiKey(providerKey.lastFour) }),
      };
    });
  };
  return [
    route({
      method: 'get',
      path: '/v1/statistics/logs/me',
      operationId: 'listMyCalls',
      summary: "One's own calls: the newest 1,000 or `limit`, oldest first; `before=` an id goes on",
      tag: TAG,
      access: 'jwt',
      query: logQuery.extend({ accessKeyId, modelId }),
      success: z.array(namedCall),
      handler: ({ caller, query }) => logs({ ...query, userId: caller.userId }, caller.role !== 'ROLE_USER'),
    }),
    route({
      method: 'get',
      path: '/v1/statistics/logs/user/{userId}',
      operationId: 'listUserCalls',
      summary: "A user's calls",
      tag: TAG,
      access: ADMINISTRATORS,
      params: z.object({ userId: idInput.describe('Id of the user') }),
      query: logQuery.extend({ accessKeyId, modelId }),
      success: z.array(namedCall),
      handler: ({ params, query }) => logs({ ...query, userId: params.userId }),
    }),
    route({
      method: 'get',
      path: '/v1/statistics/logs/model/{modelId}',
      operationId: 'listModelCalls',
      summary: "A model's calls",
      tag: TAG,
      access: ADMINISTRATORS,
      params: z.object({ modelId: idInput.describe('Id of the model') }),
      query: logQuery.extend({ accessKeyId }),
      success: z.array(namedCall),
      handler: ({ params, query }) => logs({ ...query, modelId: params.modelId }),
    }),
    route({
      method: 'post',
      path: '/v1/statistics/logs/query',
      operationId: 'queryCalls',
      summary:
        'Calls by user, key, model, provider, trace, outcome and time: the newest 1,000 or `limit`, oldest first',
      tag: TAG,
      access: ADMINISTRATORS,
      body: logQuery.extend({
        ...userFilter('calls'),
        ...{ accessKeyId, modelId },
        providerKeyId: optionalText(idInput).describe("Only calls with this provider's key"),
      }),
      success: z.array(namedCall),
      handler: async ({ caller, body: { user, ...filter } }) => {
        const userId = await userIdOf(userList, { ...filter, user }, caller.role);
        return logs({ ...filter, userId });
      },
    }),
  ];
}

/** The fields that every question to the log may have, in a query or a body. */
function logQueryOf(zone: string) {
  return z.object({
    status: optionalText(z.enum(CALL_STATUSES)).describe('Only calls that went like this'),
    isSuccess: optionalText(switchInput).describe(
      'Only calls that succeeded, or only those that failed or were refused',
    ),
    isAsync: optionalText(switchInput).describe('Only calls of jobs, or only others'),
    requestId: optionalText(textIdInput).describe('Only the call with this id'),
    traceId: optionalText(traceIdInput).describe('Only calls of this trace'),
    providerName: optionalText(z.string().max(100)).describe('Only calls that this provider was asked last'),
    attempts: optionalText(integerInput.pipe(z.number().int().min(0).max(MOST_ATTEMPTS))).describe(
      'Only calls for which providers were called as often',
    ),
    errorCode: optionalText(integerInput).describe('Only calls that failed with this code'),
    errorText: optionalText(z.string().max(100)).describe('Only calls that failed with a text that has this in it'),
    priceRule: optionalText(z.string().max(40)).describe('Only calls that this rule of a price was applied to'),
    doubt: optionalText(z.enum(USAGE_DOUBTS)).describe("Only calls whose provider's count is in doubt for this reason"),
    startTime: optionalText(timeInput(zone)).describe('Only calls that began at this time or later'),
    endTime: optionalText(timeInput(zone)).describe('Only calls that began before this time'),
    limit: optionalText(limitInput).describe(`How many; ${LOG_LIMIT} by default, at most ${MAX_LOG_LIMIT}`),
    sortDesc: optionalText(switchInput).describe('Newest first'),
    before: optionalText(logId).describe('Only calls before the one with this id'),
  });
}

/** A call in an answer. */
export function callAnswer(record: LoggedCall, zone: string, forAdministrators: boolean): z.input<typeof loggedCall> {
  const shown = shownCall.parse(record);
  return {
    ...{ id: shown.requestId, ...shown, cost: money(shown.cost), createTime: isoTime(shown.createTime, zone) },
    status: record.status,
    ...(forAdministrators ? { providerId: record.providerId, providerKeyId: record.providerKeyId } : {}),
  };
}

function idsOf(records: readonly LoggedCall[], field: 'userId' | 'accessKeyId' | 'providerKeyId'): number[] {
  return [...new Set(records.flatMap((record) => record[field] ?? []))];
}
