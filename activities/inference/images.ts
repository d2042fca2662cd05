/** Synchronous image generation: plan, hold, call, keep the pictures, capture. */

import { moneyJson } from '../billing/money.ts';
import type { StoredAnswer } from '../billing/operations/claim.ts';
import type { KeptPicture, Pictures } from '../images/pictures.ts';
import { beginCall, type CallRequest, type Held } from './begin-call.ts';
import { type ModelName, usableModels } from './candidates.ts';
import { chargedCall } from './charged-call.ts';
import type { CallOutcome, Reply } from './chat.ts';
import type { CallContext } from './context.ts';
import { imageCapability, imageUsage, planImages } from './image-plan.ts';
import { type InferenceParts, targetOf } from './parts.ts';
import type { ImageAnswer, ImageRequest, TaskStore } from './providers/provider.ts';

export interface ImageCommand extends CallRequest {
  readonly model: ModelName;
  readonly request: ImageRequest;
  readonly keep?: (outcome: ImageOutcome) => StoredAnswer;
}

export interface ImageOutcome extends CallOutcome {
  readonly pictures: readonly KeptPicture[];
  readonly actualPrompt: string;
}

/** An answer may hold its pictures in this form, which takes so much more. */
const BASE64_FACTOR = 4 / 3;

/** A synchronous call waits for its task here and now; it has nothing to resume. */
const NO_TASKS: TaskStore = {
  taskId: undefined,
  beforeSubmit: async () => undefined,
  submitted: async () => undefined,
};

export class ImageService {
  readonly #parts: InferenceParts;
  readonly #pictures: Pictures;

  constructor(parts: InferenceParts, pictures: Pictures) {
    this.#parts = parts;
    this.#pictures = pictures;
  }

  /** One generation, charged once, by delivered pictures. @throws {AppError} what the caller may be told. */
  async generate(command: ImageCommand, context: CallContext): Promise<Reply<ImageOutcome>> {
    const models = usableModels(this.#parts.models, command, imageCapability(command.request));
    const plan = planImages(models, command.request);
    const begun = await beginCall(this.#parts, command, plan, undefined, context.requestId);
    if (begun.kind === 'answered-before') return begun;
    return { kind: 'answered-now', outcome: await this.#call(command, begun, context) };
  }

  #call(command: ImageCommand, held: Held, context: CallContext): Promise<ImageOutcome> {
    let { request } = command;
    const fetchPictures = async () => {
      request = await this.#parts.requestPictures.ofImage(request, context.signal);
    };
    return chargedCall<ImageAnswer, ImageOutcome>(this.#parts, {
      held,
      claim: command.claim,
      context,
      output: 'image',
      prepare: request.images.length > 0 ? fetchPictures : undefined,
      call: (candidate, apiKey) =>
        this.#parts.imageAdapters[candidate.kind].generate(targetOf(candidate, apiKey), request, NO_TASKS, context),
      settle: async (answer, { candidate, attempts }) => {
        const pictures = await this.#pictures.keep(answer.images, held.identity.userId, context);
        return {
          usage: imageUsage(answer, command.request, candidate, this.#parts.noteUsageDoubt),
          outcomeAt: (cost) => ({
            requestId: held.identity.requestId,
            modelIdentifier: candidate.modelIdentifier,
            providerName: candidate.providerName,
            cost,
            attempts,
            clampedTo: undefined,
            pictures,
            actualPrompt: answer.actualPrompt ?? request.prompt,
          }),
          keep: command.keep,
          answerBytes: pictures.reduce((sum, { bytes }) => sum + BASE64_FACTOR * (bytes?.byteLength ?? 0), 0),
        };
      },
    });
  }
}

/** `data` of POST /v1/generate-image and `resultPayload` of an image job. */
export function imageReply(outcome: {
  readonly pictures: readonly { readonly url: string }[];
  readonly actualPrompt: string;
  readonly modelIdentifier: string;
  readonly cost: bigint;
  readonly requestId: string;
}) {
  return {
    imageUrls: outcome.pictures.map((picture) => picture.url),
    actualPrompt: outcome.actualPrompt,
    usedModelIdentifier: outcome.modelIdentifier,
    cost: moneyJson(outcome.cost),
    requestId: outcome.requestId,
  };
}
