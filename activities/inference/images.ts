/** Synchronous image generation: plan, then one charge around the call and the keeping of its pictures. */

import type { KeptPicture, Pictures } from '../../core/images/pictures.ts';
import { moneyJson } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { CallContext } from '../../core/providers/context.ts';
import type { ImageRequest, TaskStore } from '../../core/providers/provider.ts';
import { type ModelName, usableModels } from './candidates.ts';
import { type CallOutcome, type ChargeRequest, openCharge, type Reply } from './charge.ts';
import { type InferenceDeps, targetOf } from './deps.ts';
import { imageCapability, imageUsage, planImages } from './image-plan.ts';

export interface ImageCommand extends ChargeRequest {
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
  readonly #deps: InferenceDeps;
  readonly #pictures: Pictures;

  constructor(deps: InferenceDeps, pictures: Pictures) {
    this.#deps = deps;
    this.#pictures = pictures;
  }

  /** One generation, charged once, by delivered pictures. @throws {AppError} what the caller may be told. */
  async generate(command: ImageCommand, context: CallContext): Promise<Reply<ImageOutcome>> {
    const { models, requestPictures, imageAdapters, noteUsageDoubt } = this.#deps;
    const { request: asked } = command;
    const plan = planImages(usableModels(models, command, imageCapability(asked)), asked);
    const charge = await openCharge(this.#deps, command, plan, undefined, context.requestId);
    if (charge.kind === 'answered-before') return charge;
    return charge.orRelease(async () => {
      const request = asked.images.length > 0 ? await requestPictures.ofImage(asked, context.signal) : asked;
      const answer = await charge.attempts({ output: 'image' }, context, (candidate, apiKey) =>
        imageAdapters[candidate.kind].generate(targetOf(candidate, apiKey), request, NO_TASKS, context),
      );
      const pictures = await this.#pictures.keep(answer.images, command.caller.userId, context);
      const actualPrompt = answer.actualPrompt ?? request.prompt;
      const usage = imageUsage(answer, asked, charge.served.candidate, noteUsageDoubt);
      const outcome = await charge.capture(usage, (told) => ({ ...told, pictures, actualPrompt }), {
        keep: command.keep && { answer: command.keep, bytes: answerBytes(pictures) },
      });
      return { kind: 'answered-now', outcome };
    });
  }
}

function answerBytes(pictures: readonly KeptPicture[]): number {
  return pictures.reduce((sum, { bytes }) => sum + BASE64_FACTOR * (bytes?.byteLength ?? 0), 0);
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
