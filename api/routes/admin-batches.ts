/** A batch of any user as ROOT looks for it: how far it is, what its lines were charged, its files, the way into Temporal UI. */
import { z } from 'zod';
import { BATCH_ENDPOINTS } from '../../activities/batches/batch-lines.ts';
import { BATCH_STATUSES } from '../../activities/batches/batch-store.ts';
import type { Batches } from '../../activities/batches/batches.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import type { UsageStore } from '../../core/usage/usage-store.ts';
import type { Config } from '../../infra/config.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { isoTime, timeOutput } from '../http/times.ts';
import { objectId } from './files.ts';
import { workflowLink } from './workflow-link.ts';

const fileId = (what: string) => z.string().nullable().describe(`Id of the file with ${what}; null without one`);
const ownedBatch = z.object({
  batchId: z.string().describe('Id of the batch'),
  userId: z.number().int().describe('Id of its owner'),
  username: z.string().describe('Name of its owner'),
  accessKeyId: z.number().int().describe('Id of the access key that its lines are called with'),
  endpoint: z.enum(BATCH_ENDPOINTS).describe('What all of its lines ask'),
  status: z.enum(BATCH_STATUSES).describe('failed, completed, expired and cancelled are final'),
  lines: z.number().int().describe('Lines; 0 before its file is read'),
  completed: z.number().int().describe('Lines with an answer'),
  failed: z.number().int().describe('Lines with an error'),
  calls: z.number().int().describe('Calls of its lines in the usage log, which is some seconds late'),
  charged: decimalOutput.describe(
    'What these were charged; less than before once calls leave the log (USAGE_RETENTION)',
  ),
  holdId: z.string().describe('Id of its hold, which `/v1/admin/transfers/{batchId}` shows'),
  inputFileId: z.string().describe('Id of the file with the requests'),
  outputFileId: fileId('the answers'),
  errorFileId: fileId('what failed or was not run'),
  traceId: z.string().describe('Trace id of the request that made it, and of its calls'),
  createdAt: timeOutput.describe('When it was made'),
  inProgressAt: timeOutput.nullable().describe('When its lines began'),
  cancellingAt: timeOutput.nullable().describe('When its cancellation was asked for'),
  endedAt: timeOutput.nullable().describe('When it ended'),
  expiresAt: timeOutput.describe('When its time is over'),
  temporalUrl: z.string().describe('Its workflow in Temporal UI (TEMPORAL_UI_URL)'),
});

interface AdminBatchServices {
  readonly batches: Pick<Batches, 'get'>;
  readonly usageLog: Pick<UsageStore, 'sumOfBatch'>;
  readonly userList: Pick<UserList, 'names'>;
}

export function adminBatchRoutes(
  { batches, usageLog, userList }: AdminBatchServices,
  config: Pick<Config, 'APP_TIME_ZONE' | 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>,
): Route[] {
  const time = (date: Date) => isoTime(date, config.APP_TIME_ZONE);
  const timeOrNull = (date: Date | null) => date && time(date);
  return [
    route({
      method: 'get',
      path: '/v1/admin/batches/{batchId}',
      operationId: 'getAnyBatch',
      summary: 'One batch of any user',
      tag: 'Batches',
      access: { roles: ['ROLE_ROOT_ADMIN'] },
      params: z.object({ batchId: objectId.describe('Id of the batch') }),
      success: ownedBatch,
      handler: async ({ params: { batchId } }) => {
        const batch = await batches.get(batchId);
        const { userId, accessKeyId, endpoint, status, holdId, traceId } = batch;
        const [names, { calls, charged }] = await Promise.all([
          userList.names([userId]),
          usageLog.sumOfBatch(batchId, traceId),
        ]);
        return {
          ...{ batchId, userId, username: names.get(userId) ?? '', accessKeyId, endpoint, status },
          ...{ lines: batch.lineCount, completed: batch.completed, failed: batch.failed },
          ...{ calls, charged: money(charged), holdId, traceId },
          ...{ inputFileId: batch.inputFileId, outputFileId: batch.outputFileId, errorFileId: batch.errorFileId },
          ...{ createdAt: time(batch.createdAt), inProgressAt: timeOrNull(batch.inProgressAt) },
          ...{ cancellingAt: timeOrNull(batch.cancellingAt), endedAt: timeOrNull(batch.endedAt) },
          ...{ expiresAt: time(batch.expiresAt), temporalUrl: workflowLink(config, batch.workflowId) },
        };
      },
    }),
  ];
}
