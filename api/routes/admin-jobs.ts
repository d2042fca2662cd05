/** Jobs of all users, for ROOT: status, cost, the way into Temporal UI, and an end to one. Never what was asked or answered. */
import { z } from 'zod';
import type { AllJobs, JobOverview } from '../../activities/jobs/all-jobs.ts';
import { JOB_STATUSES, JOB_TYPES } from '../../activities/jobs/job.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import type { Config } from '../../infra/config.ts';
import { optionalText, textIdInput, traceIdInput, uuidInput } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { cursorPage, cursorPageOf, cursorQuery } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { isoTime, recordTimes, timeOutput } from '../http/times.ts';
import { userFilter, userIdOf } from './user-filter.ts';
import { workflowLink } from './workflow-link.ts';

const TAG = 'Jobs';
const ROOT = { roles: ['ROLE_ROOT_ADMIN'] } as const;

const ownedJob = z
  .object({
    jobId: z.string().describe('Id of the job'),
    type: z.enum(JOB_TYPES).describe('What it does'),
    userId: z.number().int().describe('Id of its owner'),
    username: z.string().describe('Name of its owner'),
    accessKeyId: z.number().int().nullable().describe('Id of the access key that submitted it'),
    modelName: z.string().describe('The model that was asked for, chosen, or called last'),
    providerKeyId: z.number().int().nullable().describe("Id of the provider's key it was called with; null before"),
    status: z.enum(JOB_STATUSES).describe('COMPLETED, FAILED and CANCELLED are final'),
    progress: z.number().describe('0 to 100'),
    runs: z.number().int().describe('How often a worker has begun it'),
    providerCalls: z.number().int().describe('How often providers were called for it'),
    errorCode: z.number().int().nullable().describe('Code of its failure; null without one'),
    errorMessage: z.string().nullable().describe('Why it failed; null when it did not'),
    cost: decimalOutput.nullable().describe('What was charged; null before the end'),
    traceId: z.string().nullable().describe('Trace id of the request that submitted it'),
    ...recordTimes,
    startedAt: timeOutput.nullable().describe('When work on it began'),
    finishedAt: timeOutput.nullable().describe('When it ended'),
    deadlineAt: timeOutput.describe('When it ends in any case'),
    cancelRequestedAt: timeOutput.nullable().describe('When its cancellation was asked for'),
    temporalUrl: z.string().describe('Its workflow in Temporal UI (TEMPORAL_UI_URL)'),
  })
  .meta({ id: 'OwnedJob' });

const params = z.object({ jobId: textIdInput.describe('Id of the job') });

type LinkConfig = Pick<Config, 'APP_TIME_ZONE' | 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>;

interface AdminJobServices {
  readonly allJobs: AllJobs;
  readonly userList: Pick<UserList, 'idOf'>;
}

export function adminJobRoutes({ allJobs, userList }: AdminJobServices, config: LinkConfig): Route[] {
  const time = (date: Date) => isoTime(date, config.APP_TIME_ZONE);
  const answerOf = (job: JobOverview): z.input<typeof ownedJob> => {
    const { id, type, userId, username, accessKeyId, modelName, providerKeyId, status, progress } = job;
    const { attempt, providerAttempts, errorCode, errorMessage, traceId } = job;
    return {
      ...{ jobId: id, type, userId, username, accessKeyId, modelName, providerKeyId, status, progress },
      ...{ runs: attempt, providerCalls: providerAttempts, errorCode, errorMessage, traceId },
      cost: job.cost === null ? null : money(job.cost),
      createdAt: time(job.createdAt),
      updatedAt: time(job.updatedAt),
      startedAt: job.startedAt && time(job.startedAt),
      finishedAt: job.finishedAt && time(job.finishedAt),
      deadlineAt: time(job.deadlineAt),
      cancelRequestedAt: job.cancelRequestedAt && time(job.cancelRequestedAt),
      temporalUrl: workflowLink(config, job.workflowId),
    };
  };
  return [
    route({
      method: 'get',
      path: '/v1/admin/jobs',
      operationId: 'listAllJobs',
      summary: 'Jobs of all users, newest first',
      tag: TAG,
      access: ROOT,
      query: cursorQuery(uuidInput).extend({
        status: optionalText(z.enum(JOB_STATUSES)).describe('Only jobs in this status'),
        modelName: optionalText(z.string().max(150)).describe('Only jobs of this model'),
        ...userFilter('jobs'),
        type: optionalText(z.enum(JOB_TYPES)).describe('Only jobs of this type'),
        traceId: optionalText(traceIdInput).describe('Only jobs that the request with this trace id submitted'),
      }),
      success: cursorPageOf(ownedJob),
      handler: async ({ caller, query: { cursor, pageSize, user, ...filter } }) => {
        const userId = await userIdOf(userList, { ...filter, user }, caller.role);
        const found = await allJobs.list({ ...filter, userId, before: cursor, limit: pageSize + 1 });
        return cursorPage(found, pageSize, ({ id }) => id, answerOf);
      },
    }),
    route({
      method: 'get',
      path: '/v1/admin/jobs/{jobId}',
      operationId: 'getAnyJob',
      summary: 'One job of any user',
      tag: TAG,
      access: ROOT,
      params,
      success: ownedJob,
      handler: async ({ params: { jobId } }) => answerOf(await allJobs.get(jobId)),
    }),
    route({
      method: 'post',
      path: '/v1/admin/jobs/{jobId}/cancel',
      operationId: 'cancelAnyJob',
      summary:
        'Cancel a job of any user: free before its provider is called, charged for what the provider is paid for after',
      tag: TAG,
      access: ROOT,
      params,
      success: ownedJob,
      handler: async (input) => answerOf(await allJobs.cancel(input.params.jobId, by(input), input.log)),
    }),
  ];
}
