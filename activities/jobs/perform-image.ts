/**
 * An image job's provider call. An asynchronous task is submitted once: a later run resumes it by its id, with the key
 * that submitted it; where the id was never learned, the job fails rather than pay twice.
 */
import { z } from 'zod';
import { AppError } from '../../infra/errors.ts';
import type { Pictures } from '../images/pictures.ts';
import { runAttempts } from '../inference/attempts.ts';
import type { CallContext } from '../inference/context.ts';
import { imageUsage } from '../inference/image-plan.ts';
import { imageReply } from '../inference/images.ts';
import { type InferenceParts, targetOf } from '../inference/parts.ts';
import { generateImageRequest } from '../inference/picture-request.ts';
import type { Candidate } from '../inference/plan.ts';
import { UpstreamFailure } from '../inference/providers/failure.ts';
import type { ImageAnswer, ImageRequest, TaskStore } from '../inference/providers/provider.ts';
import { errorOf } from '../inference/upstream-error.ts';
import type { Perform, Performed, RunLedger } from './job-run.ts';
import { plannedCandidates } from './planned-candidates.ts';
import type { JobWork } from './store.ts';

/** What POST /v1/async/generate-image stored; checked there, read again here. */
const storedImageSchema = z.looseObject({
  prompt: z.string(),
  originImage: z
    .union([z.string(), z.object({ base64: z.string().optional(), url: z.string().optional() })])
    .optional(),
  options: z.record(z.string(), z.unknown()).optional(),
});

export interface ImagePerformerParts extends InferenceParts {
  readonly pictures: Pictures;
  readonly keysOf: (providerId: number) => readonly { readonly id: number; readonly apiKey: string }[];
}

interface Generated {
  readonly answer: ImageAnswer;
  readonly candidate: Candidate;
  readonly keyId: number;
  readonly attempts: number;
}

export function createImagePerformer(parts: ImagePerformerParts): Perform {
  return async (work, run, context) => {
    const request = generateImageRequest(storedImageSchema.parse(work.request));
    const generated =
      work.upstream.taskId === null
        ? await generate(parts, work, request, run, context)
        : await resume(parts, work, work.upstream.taskId, request, context);
    return performedOf(parts, work, request, generated);
  };
}

async function generate(
  parts: ImagePerformerParts,
  work: JobWork,
  request: ImageRequest,
  run: RunLedger,
  context: CallContext,
): Promise<Generated> {
  if (work.upstream.state === 'submitting') {
    throw new AppError(
      'modelCallFailed',
      'the provider may have taken the task without telling its id; it was not submitted again, and nothing is charged',
    );
  }
  const { value, candidate, key, attempts } = await runAttempts({
    candidates: await plannedCandidates(parts, work.plan),
    pool: parts.keys,
    budget: parts.retries,
    signal: context.signal,
    log: context.log,
    call: async (target) => {
      await run.count(target.candidate, target.key.id);
      return submitted(parts, target.candidate, target.key.apiKey, request, run, context);
    },
  });
  return { answer: value, candidate, keyId: key.id, attempts };
}

async function submitted(
  parts: ImagePerformerParts,
  candidate: Candidate,
  apiKey: string,
  request: ImageRequest,
  run: RunLedger,
  context: CallContext,
): Promise<ImageAnswer> {
  let noted: 'submitting' | 'submitted' | null = null;
  const tasks: TaskStore = {
    taskId: undefined,
    beforeSubmit: async () => {
      noted = 'submitting';
      await run.noteTask('submitting', null);
    },
    submitted: async (taskId) => {
      noted = 'submitted';
      await run.noteTask('submitted', taskId);
    },
  };
  try {
    return await parts.imageAdapters[candidate.kind].generate(targetOf(candidate, apiKey), request, tasks, context);
  } catch (error) {
    // The provider has answered, so nothing of this try goes on there: another key or model may be tried.
    const answered = error instanceof UpstreamFailure && (noted === 'submitted' || error.details.status > 0);
    if (noted !== null && answered) await run.noteTask(null, null);
    throw error;
  }
}

/** Waits on for the task of an earlier run. It was counted and paid for then. */
async function resume(
  parts: ImagePerformerParts,
  work: JobWork,
  taskId: string,
  request: ImageRequest,
  context: CallContext,
): Promise<Generated> {
  const { modelId, providerKeyId } = work.upstream;
  const candidates = await plannedCandidates(parts, work.plan);
  const candidate = candidates.find((one) => one.modelId === modelId);
  const key = candidate && parts.keysOf(candidate.providerId).find((one) => one.id === providerKeyId);
  if (!candidate || !key) {
    throw new AppError('modelOffline', "the model or key that has this job's task at its provider is gone");
  }
  const tasks: TaskStore = { taskId, beforeSubmit: async () => undefined, submitted: async () => undefined };
  const adapter = parts.imageAdapters[candidate.kind];
  try {
    const answer = await adapter.generate(targetOf(candidate, key.apiKey), request, tasks, context);
    return { answer, candidate, keyId: key.id, attempts: 1 };
  } catch (error) {
    throw error instanceof UpstreamFailure ? errorOf(error, 1) : error;
  }
}

async function performedOf(
  parts: ImagePerformerParts,
  work: JobWork,
  request: ImageRequest,
  { answer, candidate, keyId, attempts }: Generated,
): Promise<Performed> {
  const pictures = await parts.pictures.keep(answer.images, work.id, work.userId);
  return {
    served: candidate,
    usage: imageUsage(answer),
    providerKeyId: keyId,
    attempts,
    ttftMs: null,
    cut: false,
    result: (cost) =>
      JSON.stringify(
        imageReply({
          pictures,
          actualPrompt: answer.actualPrompt ?? request.prompt,
          modelIdentifier: candidate.modelIdentifier,
          cost,
          requestId: work.id,
        }),
      ),
  };
}
