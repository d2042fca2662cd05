/** Asynchronous jobs: poll, follow, list, cancel; their submission is in job-submissions.ts. */
import { z } from 'zod';
import { JOB_STATUSES, JOB_TYPES } from '../../activities/jobs/job.ts';
import type { JobEvent } from '../../activities/jobs/job-events.ts';
import type { JobView } from '../../activities/jobs/job-view.ts';
import type { Jobs } from '../../activities/jobs/jobs.ts';
import type { Config } from '../../infra/config.ts';
import { admitWaiting } from '../http/answers-under-way.ts';
import { optionalText, textIdInput } from '../http/fields.ts';
import { admitLargeAnswer, type JsonText, jsonWith } from '../http/large-answers.ts';
import { decimalOutput, money } from '../http/money.ts';
import { page, pageOf, pageQuery } from '../http/paging.ts';
import { ANSWERED, type Route, route } from '../http/route.ts';
import { EventStream } from '../http/sse.ts';
import { isoTime, recordTimes, timeOutput } from '../http/times.ts';
import { type Authenticator, isStillAdmitted, whileAdmitted } from '../middleware/caller.ts';
import { jobIdOutput, type SubmissionServices, submissionRoutes } from './job-submissions.ts';

const MAX_WAIT_SECONDS = 60;

const jobSchema = z
  .object({
    id: jobIdOutput,
    jobId: jobIdOutput,
    type: z.enum(JOB_TYPES).describe('What it does'),
    userId: z.number().describe('Id of its owner'),
    accessKeyId: z.number().nullable().describe('Id of the access key that submitted it'),
    modelName: z.string().describe('The model that was asked for, or that the gateway chose'),
    status: z.enum(JOB_STATUSES).describe('COMPLETED, FAILED and CANCELLED are final'),
    requestPayload: z.unknown().describe('The request as it was submitted'),
    resultPayload: z.unknown().describe('What a synchronous call answers as data; null before the end'),
    errorMessage: z.string().nullable().describe('Why it failed; null when it did not'),
    cost: decimalOutput.nullable().describe('What was charged; null before the end'),
    progress: z.number().describe('0 to 100'),
    ...recordTimes,
    startedAt: timeOutput.nullable().describe('When work on it began'),
    finishedAt: timeOutput.nullable().describe('When it ended'),
    cancelRequestedAt: timeOutput
      .nullable()
      .describe('When its cancellation was asked for; it ends once it is known what its provider is paid for'),
    payloadsRemovedAt: timeOutput.nullable().describe('Since then both payloads are null; status and cost stay'),
  })
  .meta({ id: 'Job' });

const jobEvents = z.string().meta({
  description: `Server-sent events named \`status\`, one at once and one a change; \`data\` is JSON of jobId, status (${JOB_STATUSES.join(', ')}) and progress (0 to 100).`,
});

const jobParams = z.object({ jobId: textIdInput.describe('Id of the job') });

function stateEvent({ jobId, status, progress }: JobEvent): string {
  return `event: status\ndata: ${JSON.stringify({ jobId, status, progress })}\n\n`;
}

interface Services extends SubmissionServices {
  readonly jobs: Jobs;
  readonly authenticator: Authenticator;
}

export function jobRoutes(services: Services, config: Config): Route[] {
  const { jobs } = services;
  const time = (date: Date) => isoTime(date, config.APP_TIME_ZONE);
  const answerOf = (job: JobView): JsonText =>
    jsonWith(fieldsOf(job), { requestPayload: job.request ?? 'null', resultPayload: job.result ?? 'null' });
  const fieldsOf = (job: JobView): Omit<z.input<typeof jobSchema>, 'requestPayload' | 'resultPayload'> => ({
    id: job.id,
    jobId: job.id,
    type: job.type,
    userId: job.userId,
    accessKeyId: job.accessKeyId,
    modelName: job.modelName,
    status: job.status,
    errorMessage: job.errorMessage,
    cost: job.cost === null ? null : money(job.cost),
    progress: job.progress,
    createdAt: time(job.createdAt),
    startedAt: job.startedAt && time(job.startedAt),
    finishedAt: job.finishedAt && time(job.finishedAt),
    updatedAt: time(job.updatedAt),
    cancelRequestedAt: job.cancelRequestedAt && time(job.cancelRequestedAt),
    payloadsRemovedAt: job.payloadsRemovedAt && time(job.payloadsRemovedAt),
  });
  return [
    ...submissionRoutes(services),
    route({
      method: 'get',
      path: '/v1/async/jobs/{jobId}',
      operationId: 'getJob',
      summary: 'One job; with wait, held until it ends or the seconds pass',
      tag: 'Jobs',
      access: 'jwt-or-access-key',
      params: jobParams,
      query: z.object({
        wait: z.coerce
          .number()
          .min(0)
          .max(MAX_WAIT_SECONDS)
          .optional()
          .describe('Seconds to hold the answer until the job ends'),
      }),
      success: jobSchema,
      handler: async ({ ctx, caller, params, query, signal }) => {
        const { userId } = caller;
        const admit = () => admitLargeAnswer(ctx.res, userId);
        if (query.wait === undefined) return answerOf(await jobs.get(params.jobId, userId, admit));
        admitWaiting(ctx.res, userId);
        return answerOf(await jobs.wait(params.jobId, userId, query.wait * 1000, signal, admit));
      },
    }),
    route({
      method: 'get',
      path: '/v1/async/jobs',
      operationId: 'listJobs',
      summary: 'Own jobs, newest first unless asked otherwise',
      tag: 'Jobs',
      access: 'jwt-or-access-key',
      query: pageQuery(['createdAt']).extend({
        status: optionalText(z.enum(JOB_STATUSES)).describe('Only jobs in this status'),
        type: optionalText(z.enum(JOB_TYPES)).describe('Only jobs of this type'),
      }),
      success: pageOf(jobSchema),
      handler: async ({ caller, query }) => {
        const { pageNum, pageSize, status, type, sortOrder } = query;
        const { userId } = caller;
        const range = { oldestFirst: sortOrder === 'asc', limit: pageSize, offset: (pageNum - 1) * pageSize };
        const found = await jobs.list({ userId, status, type, ...range });
        const records = found.jobs.map((job) => answerOf(job).text);
        const { records: _none, ...totals } = page([], found.total, query);
        return jsonWith(totals, { records: `[${records.join(',')}]` });
      },
    }),
    route({
      method: 'get',
      path: '/v1/async/jobs/{jobId}/events',
      operationId: 'followJob',
      summary: 'Status and progress as server-sent events, until the job or the session that asks for them ends',
      tag: 'Jobs',
      access: 'jwt-or-access-key',
      params: jobParams,
      success: jobEvents,
      mediaType: 'text/event-stream',
      handler: async ({ ctx, caller, params, signal }) => {
        admitWaiting(ctx.res, caller.userId);
        const isAdmitted = () => isStillAdmitted('jwt-or-access-key', ctx, services.authenticator);
        return whileAdmitted(isAdmitted, signal, async (admitted) => {
          const states = jobs.follow(params.jobId, caller.userId, admitted);
          // A job that is not there is answered before the stream begins.
          const first = await states.next();
          const stream = new EventStream(ctx);
          if (!first.done) await stream.write(stateEvent(first.value));
          for await (const state of states) await stream.write(stateEvent(state));
          stream.end();
          return ANSWERED;
        });
      },
    }),
    route({
      method: 'post',
      path: '/v1/async/jobs/{jobId}/cancel',
      operationId: 'cancelJob',
      summary: 'Cancel a job: free before its provider is called, charged for what the provider is paid for after it',
      tag: 'Jobs',
      access: 'jwt-or-access-key',
      params: jobParams,
      success: jobSchema,
      handler: async ({ ctx, caller: { userId }, params, log }) =>
        answerOf(await jobs.cancel(params.jobId, userId, log, () => admitLargeAnswer(ctx.res, userId))),
    }),
    route({
      method: 'delete',
      path: '/v1/async/jobs/{jobId}',
      operationId: 'removeJobPayloads',
      summary: 'Remove the payloads and images of a job that has ended; its status and cost stay',
      tag: 'Jobs',
      access: 'jwt-or-access-key',
      params: jobParams,
      success: jobSchema,
      handler: async ({ caller, params }) => answerOf(await jobs.removePayloads(params.jobId, caller.userId)),
    }),
  ];
}
