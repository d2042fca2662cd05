/** Submitting jobs: what all of them have in common, and the routes of chats and images. */
import { z } from 'zod';
import { chatBodyOf } from '../../activities/inference/chat-request.ts';
import { generateImageRequest } from '../../activities/inference/image-request.ts';
import type { JobSubmission, JobSubmissions } from '../../activities/jobs/submissions.ts';
import type { Turns } from '../../core/conversations/turns.ts';
import { claimRequest, type IdempotentRequests } from '../../core/ledger/idempotency.ts';
import { newId } from '../../infra/ids.ts';
import { tagsOf } from '../http/attribution.ts';
import { integerInput, jsonObjectInput } from '../http/fields.ts';
import { keyedRequest } from '../http/idempotency.ts';
import { type InferenceInput, watched } from '../http/inference-call.ts';
import { IMAGE_BODY_BYTES, type Route, route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';
import { chatFields, modelNameOf, openTurn } from './chat.ts';
import { imageFields } from './images.ts';

export const DEFAULT_PRIORITY = 3;

export const jobFields = {
  priority: integerInput
    .pipe(z.number().int().min(1).max(5))
    .nullish()
    .describe(
      'For a backlog; 3 by default. 1 and 2 have more turns than jobs of others, 4 and 5 let all others go first.',
    ),
  metadata: jsonObjectInput.nullish().describe('Anything of the caller, which the webhook brings back'),
  webhookUrl: z.url().max(2000).nullish().describe('Where a webhook goes when the job has ended'),
};
const chatSubmission = z.object({ ...chatFields, ...jobFields });
const imageSubmission = z.object({ ...imageFields, ...jobFields });

export const jobIdOutput = z.string().describe('Id of the job');

const accepted = z.object({
  jobId: jobIdOutput,
  status: z.literal('PENDING').describe('Always PENDING'),
  message: z.string().describe('How to go on'),
});

/** What every submission declares. */
export const SUBMISSION = {
  method: 'post',
  tag: 'Jobs',
  access: 'access-key',
  claimsKey: true,
  unknownFields: 'ignored',
  success: accepted,
  status: 202,
} as const;

/** What jobs are submitted with, beside their request. */
export type JobFields = z.output<z.ZodObject<typeof jobFields>>;

export function submissionOf(
  { ctx, caller, rawBody, traceId }: InferenceInput<unknown>,
  requestId: string | undefined,
  { priority, metadata, webhookUrl }: JobFields,
): Omit<JobSubmission, 'model' | 'request'> {
  const keyed = keyedRequest(ctx, caller, rawBody, requestId);
  return {
    ...{ caller, traceId, priority: priority ?? DEFAULT_PRIORITY, metadata: metadata ?? null },
    ...{ webhookUrl: webhookUrl ?? null, tags: tagsOf(ctx.req.headers), ...watched(ctx) },
    ...(keyed ? { keyed } : {}),
  };
}

type SubmissionFields = z.output<typeof chatSubmission> | z.output<typeof imageSubmission>;

interface SubmissionDeclaration<Fields extends SubmissionFields> {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly body: z.ZodType<Fields>;
  /** Reads the request; the returned function submits it and gives the job's id. */
  readonly submit: (submission: JobSubmission, request: Omit<Fields, keyof typeof jobFields>) => () => Promise<string>;
}

function submissionRoute<Fields extends SubmissionFields>(
  idempotency: Pick<IdempotentRequests, 'answeredBefore'>,
  { path, operationId, summary, body, submit }: SubmissionDeclaration<Fields>,
): Route {
  return route({
    ...SUBMISSION,
    ...{ path, operationId, summary, body, bodyLimitBytes: IMAGE_BODY_BYTES },
    handler: async (input) => {
      const { priority, metadata, webhookUrl, ...request } = input.body;
      const common = submissionOf(input, input.body.requestId, { priority, metadata, webhookUrl });
      const send = submit({ ...common, model: modelNameOf(input.body), request }, request);
      return acceptedJob(input.ctx, await submittedOnce(idempotency, common.keyed, send));
    },
  });
}

/** @returns the id of the job, of the earlier one for a repeated keyed request. @throws what `submit` throws. */
export async function submittedOnce(
  idempotency: Pick<IdempotentRequests, 'answeredBefore'>,
  keyed: JobSubmission['keyed'],
  submit: () => Promise<string>,
): Promise<string> {
  // Only read here: the submission claims the key, under the id of the job.
  const claim = keyed && claimRequest(keyed.scope, keyed.key, keyed.fingerprint, newId());
  try {
    return await submit();
  } catch (error) {
    const { answer } = await idempotency.answeredBefore(claim, error);
    return answer.body.toString();
  }
}

export function acceptedJob(ctx: ApiContext, jobId: string): z.input<typeof accepted> {
  ctx.set('x-request-id', jobId);
  ctx.state.call = { requestId: jobId };
  return { jobId, status: 'PENDING', message: 'accepted; poll GET /v1/async/jobs/{jobId}' };
}

export interface SubmissionServices {
  readonly jobSubmissions: JobSubmissions;
  readonly turns: Turns;
  readonly idempotency: Pick<IdempotentRequests, 'answeredBefore'>;
}

export function submissionRoutes({ jobSubmissions: submissions, turns, idempotency }: SubmissionServices): Route[] {
  return [
    submissionRoute(idempotency, {
      path: '/v1/async/chat',
      operationId: 'submitChatJob',
      summary: 'Chat as a job: accepted at once, polled by its id',
      body: chatSubmission,
      submit: (submission, request) => {
        const body = chatBodyOf(request);
        return async () => {
          const turn = request.persistHistory ? await openTurn(turns, submission.caller, request) : undefined;
          const asked = turn ? { ...body, messages: turn.withHistory(body.messages) } : body;
          return submissions.submitChat({ ...submission, turn: turn?.turn }, { body: asked });
        };
      },
    }),
    submissionRoute(idempotency, {
      path: '/v1/async/generate-image',
      operationId: 'submitImageJob',
      summary: 'Image generation as a job: accepted at once, polled by its id',
      body: imageSubmission,
      submit: (submission, request) => {
        const asked = generateImageRequest(request);
        return () => submissions.submitImage(submission, asked);
      },
    }),
  ];
}
