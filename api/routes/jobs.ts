/** Asynchronous jobs: submit, poll, list, cancel. */
import { z } from 'zod';
import { chatBodyOf } from '../../activities/inference/chat-input.ts';
import { JOB_STATUSES, JOB_TYPES } from '../../activities/jobs/job.ts';
import type { Jobs } from '../../activities/jobs/jobs.ts';
import type { JobView } from '../../activities/jobs/store.ts';
import type { Config } from '../../infra/config.ts';
import { keyedRequest } from '../keyed.ts';
import { optional } from '../lenient.ts';
import { decimalOutput, money } from '../money.ts';
import { page, pageOf, pageQuery } from '../paging.ts';
import { type Route, route } from '../route.ts';
import { isoTime } from '../times.ts';
import { chatFields, modelNameOf } from './chat.ts';

const MAX_WAIT_SECONDS = 60;
const DEFAULT_PRIORITY = 3;

const submission = z.object({
  ...chatFields,
  priority: z.coerce.number().int().min(1).max(5).nullish().meta({ description: '1 (first) to 5; 3 by default.' }),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  webhookUrl: z.url().max(2000).nullish(),
});

const accepted = z.object({ jobId: z.string(), status: z.literal('PENDING'), message: z.string() });

const jobSchema = z.object({
  id: z.string(),
  jobId: z.string(),
  type: z.enum(JOB_TYPES),
  userId: z.number(),
  accessKeyId: z.number().nullable(),
  modelName: z.string(),
  status: z.enum(JOB_STATUSES),
  requestPayload: z.unknown(),
  resultPayload: z.unknown(),
  errorMessage: z.string().nullable(),
  cost: decimalOutput.nullable(),
  progress: z.number(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  updatedAt: z.string(),
});

const jobParams = z.object({ jobId: z.string().max(36) });

export function jobRoutes(services: { readonly jobs: Jobs }, config: Config): Route[] {
  const { jobs } = services;
  const time = (date: Date) => isoTime(date, config.APP_TIME_ZONE);
  const answerOf = (job: JobView): z.input<typeof jobSchema> => ({
    id: job.id,
    jobId: job.id,
    type: job.type,
    userId: job.userId,
    accessKeyId: job.accessKeyId,
    modelName: job.modelName,
    status: job.status,
    requestPayload: job.request,
    resultPayload: job.result ?? null,
    errorMessage: job.errorMessage,
    cost: job.cost === null ? null : money(job.cost),
    progress: job.progress,
    createdAt: time(job.createdAt),
    startedAt: job.startedAt && time(job.startedAt),
    finishedAt: job.finishedAt && time(job.finishedAt),
    updatedAt: time(job.updatedAt),
  });
  return [
    route({
      method: 'post',
      path: '/v1/async/chat',
      summary: 'Chat as a job: accepted at once, polled by its id',
      tag: 'Jobs',
      access: 'access-key',
      body: submission,
      success: accepted,
      status: 202,
      handler: async ({ ctx, caller, body, rawBody, traceId }) => {
        const { priority, metadata, webhookUrl, ...request } = body;
        const keyed = keyedRequest(ctx, caller, rawBody, body.requestId);
        const jobId = await jobs.submitChat({
          caller,
          model: modelNameOf(body),
          request,
          body: chatBodyOf(body),
          priority: priority ?? DEFAULT_PRIORITY,
          metadata: metadata ?? null,
          webhookUrl: webhookUrl ?? null,
          traceId,
          ...(keyed ? { keyed } : {}),
        });
        ctx.set('x-request-id', jobId);
        return { jobId, status: 'PENDING' as const, message: 'accepted; poll GET /v1/async/jobs/{jobId}' };
      },
    }),
    route({
      method: 'get',
      path: '/v1/async/jobs/{jobId}',
      summary: 'One job; with wait, held until it ends or the seconds pass',
      tag: 'Jobs',
      access: 'jwt-or-access-key',
      params: jobParams,
      query: z.object({ wait: z.coerce.number().min(0).max(MAX_WAIT_SECONDS).optional() }),
      success: jobSchema,
      handler: async ({ caller, params, query, signal }) => {
        if (query.wait === undefined) return answerOf(await jobs.get(params.jobId, caller.userId));
        return answerOf(await jobs.wait(params.jobId, caller.userId, query.wait * 1000, signal));
      },
    }),
    route({
      method: 'get',
      path: '/v1/async/jobs',
      summary: 'Own jobs, newest first',
      tag: 'Jobs',
      access: 'jwt-or-access-key',
      query: pageQuery(['createdAt']).extend({
        status: optional(z.enum(JOB_STATUSES)),
        type: optional(z.enum(JOB_TYPES)),
      }),
      success: pageOf(jobSchema),
      handler: async ({ caller, query }) => {
        const { pageNum, pageSize, status, type } = query;
        const offset = (pageNum - 1) * pageSize;
        const found = await jobs.list({ userId: caller.userId, status, type, limit: pageSize, offset });
        return page(found.jobs.map(answerOf), found.total, query);
      },
    }),
    route({
      method: 'post',
      path: '/v1/async/jobs/{jobId}/cancel',
      summary: 'Cancel a job; what the provider already did is charged',
      tag: 'Jobs',
      access: 'jwt-or-access-key',
      params: jobParams,
      success: jobSchema,
      handler: async ({ caller, params }) => answerOf(await jobs.cancel(params.jobId, caller.userId)),
    }),
  ];
}
