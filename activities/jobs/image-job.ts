/**
 * An image job's provider call. An asynchronous task is submitted once: a later run resumes it by its id, with the key
 * that submitted it. If the id was never learned, the job fails, so that nobody pays twice. A cancel before the submit
 * is free. After it the provider is asked to cancel the task; if it refuses or cannot, the run waits for the images and
 * charges them, because the provider charges for them, too.
 */
import { z } from 'zod';
import type { StoredImages } from '../../core/images/stored-images.ts';
import { errorOf, UpstreamFailure } from '../../core/providers/failure.ts';
import type { CallContext, ImageAnswer, ImageRequest, TaskStore } from '../../core/providers/provider.ts';
import { AppError } from '../../infra/errors.ts';
import { outboundFailure } from '../../infra/outbound.ts';
import { anotherMayHelp, inProviderSpan } from '../inference/attempts.ts';
import { type InferenceDeps, targetOf } from '../inference/charge.ts';
import { generateImageRequest } from '../inference/image-request.ts';
import { imageReply, imageUsage } from '../inference/images.ts';
import type { Candidate } from '../inference/plan.ts';
import { NOTHING_MEASURED } from '../inference/settlement.ts';
import type { HeldByRuns } from './held-by-runs.ts';
import {
  type JobCalls,
  type JobHandler,
  type RunContext,
  RunInterrupted,
  TaskUnderWay,
  type UpstreamTask,
} from './job-handler.ts';
import { resultText } from './result-bound.ts';

/** The request as POST /v1/async/generate-image has checked and stored it. */
const storedImageSchema = z.looseObject({
  prompt: z.string(),
  originImage: z
    .union([z.string(), z.object({ base64: z.string().optional(), url: z.string().optional() })])
    .optional(),
  options: z.record(z.string(), z.unknown()).optional(),
});

export interface ImageJobDeps extends Pick<InferenceDeps, 'imageAdapters' | 'requestImages' | 'noteUsageDoubt'> {
  readonly held: HeldByRuns;
  readonly storedImages: Pick<StoredImages, 'keep'>;
  readonly keysOf: (
    providerId: number,
  ) => readonly { readonly id: number; readonly urlBase: string; readonly apiKey: string }[];
}

export function createImageJobHandler(deps: ImageJobDeps): JobHandler {
  return async (work, charge, context) => {
    const request = generateImageRequest(storedImageSchema.parse(await work.request()));
    const { taskId, ...upstream } = await charge.begin();
    if (taskId === null && context.isCancelled()) return undefined;
    if (taskId === null && upstream.state === 'submitting') throw ambiguous();
    const answer =
      taskId === null
        ? await generate(deps, request, charge, context)
        : await resume(deps, { ...upstream, taskId }, request, charge, context);
    const served = charge.lastCall?.candidate;
    if (!served) throw new Error('images were made by nobody');
    const images = await deps.storedImages.keep(answer.images, work.userId, context);
    const { modelIdentifier } = served;
    const actualPrompt = answer.actualPrompt ?? request.prompt;
    return {
      usage: imageUsage(answer, request, served, deps.noteUsageDoubt),
      measured: NOTHING_MEASURED,
      cut: context.isCancelled(),
      result: (cost, priceRule) =>
        resultText(imageReply({ images, actualPrompt, modelIdentifier, cost, priceRule, requestId: work.id })),
    };
  };
}

async function generate(
  deps: ImageJobDeps,
  request: ImageRequest,
  charge: JobCalls,
  context: RunContext,
): Promise<ImageAnswer> {
  return deps.held.during(async (room) => {
    const ready = await deps.requestImages.ofImage(request, context.signal, room);
    return charge.attempts(await charge.candidates(), { output: 'image' }, (candidate, apiKey) =>
      submit(deps, candidate, apiKey, ready, charge, context),
    );
  });
}

async function submit(
  deps: ImageJobDeps,
  candidate: Candidate,
  apiKey: string,
  request: ImageRequest,
  charge: JobCalls,
  context: RunContext,
): Promise<ImageAnswer> {
  let noted: 'submitting' | 'submitted' | undefined;
  const tasks: TaskStore = {
    taskId: undefined,
    beforeSubmit: async () => {
      await charge.noteTask('submitting', null);
      noted = 'submitting';
    },
    submitted: async (taskId) => {
      await charge.noteTask('submitted', taskId);
      noted = 'submitted';
    },
  };
  try {
    const adapter = deps.imageAdapters[candidate.kind];
    return await adapter.generate(targetOf(candidate, apiKey), request, tasks, lasting(context));
  } catch (error) {
    if (noted === undefined || !(error instanceof UpstreamFailure)) throw error;
    if (noted === 'submitted' && !isAnswer(error)) throw stillRunning(error);
    if (noted === 'submitting' && !isAnswer(error) && outboundFailure(error) !== 'unreachable') throw ambiguous(error);
    // Nothing of this try is left at the provider, so another key or model may be tried.
    await charge.noteTask(null, null);
    throw error;
  }
}

/** A cancel does not cut this call, because the provider charges for it. */
function lasting(context: RunContext): CallContext {
  return { ...context, signal: context.stopped, calledOff: context.signal };
}

/** The provider has answered: a task that it refused, failed or cancelled is not running there. */
function isAnswer({ failure, details }: UpstreamFailure): boolean {
  return failure !== 'timeout' && details.status > 0;
}

function stillRunning(cause: UpstreamFailure): TaskUnderWay {
  return new TaskUnderWay('the task goes on at the provider; the next run waits for it', { cause });
}

function ambiguous(cause?: UpstreamFailure): AppError {
  return new AppError(
    'modelCallFailed',
    'the provider may have taken the task without giving its id; it was not submitted again, and nothing is charged',
    cause ? { cause } : {},
  );
}

/** Waits for the task of an earlier run, which has counted and paid for it. */
async function resume(
  deps: ImageJobDeps,
  { taskId, modelId, providerKeyId }: UpstreamTask & { readonly taskId: string },
  request: ImageRequest,
  charge: JobCalls,
  context: RunContext,
): Promise<ImageAnswer> {
  const candidates = await charge.candidates();
  const candidate = candidates.find((one) => one.modelId === modelId);
  const key =
    candidate &&
    deps.keysOf(candidate.providerId).find((one) => one.id === providerKeyId && one.urlBase === candidate.urlBase);
  if (!candidate || !key) {
    throw new AppError('modelOffline', "the model or key that has this job's task at its provider is gone");
  }
  const tasks: TaskStore = { taskId, beforeSubmit: async () => undefined, submitted: async () => undefined };
  const adapter = deps.imageAdapters[candidate.kind];
  try {
    const call = { candidate, output: 'image', keyId: key.id, attempt: 1 } as const;
    const answer = await inProviderSpan(call, () =>
      adapter.generate(targetOf(candidate, key.apiKey), request, tasks, lasting(context)),
    );
    charge.answeredBy(candidate, { ...key, providerId: candidate.providerId });
    return answer;
  } catch (error) {
    if (!(error instanceof UpstreamFailure)) throw error;
    if (!isAnswer(error)) throw stillRunning(error);
    // A request that was refused for its content is refused again.
    if (!anotherMayHelp(error)) throw errorOf(error, 1);
    // The task failed or is lost and was not billed: the next run submits a new one if calls are left.
    await charge.noteTask(null, null);
    throw new RunInterrupted('the task failed at the provider; the next run submits another', { cause: error });
  }
}
