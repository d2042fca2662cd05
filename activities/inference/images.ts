/** Synchronous image generation: plan, then one charge around the call and the keeping of its images. */

import type { Capability, PricedModel } from '../../core/catalog/model.ts';
import type { KeptImage, StoredImages } from '../../core/images/stored-images.ts';
import { moneyJson, NO_USAGE, type Usage } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { ImageAnswer, ImageRequest, ReportedUsage, TaskStore } from '../../core/providers/provider.ts';
import { HeldByRequest } from '../../infra/held-bytes.ts';
import { countTokens } from '../../infra/tokens.ts';
import {
  type CallOutcome,
  type ChargeRequest,
  type InferenceDeps,
  openCharge,
  type Reply,
  type RequestContext,
  targetOf,
} from './charge.ts';
import { type Candidate, inputBound, isPriced, type Plan, unclampablePlan } from './plan.ts';
import { pricedInImages } from './request-policy.ts';
import { allowingPriced, type ModelName, usableModels } from './routing.ts';
import { isFarBeyond, type NoteUsageDoubt, tierAsked, USUAL_TOKENS_OF_AN_IMAGE } from './usage.ts';

export interface ImageCommand extends ChargeRequest {
  readonly model: ModelName;
  readonly request: ImageRequest;
  readonly keep?: (outcome: ImageOutcome) => StoredAnswer;
}

export interface ImageOutcome extends CallOutcome {
  readonly images: readonly KeptImage[];
  readonly actualPrompt: string;
  /** As `ImageAnswer.facts`. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** An answer may hold images in this form, which takes so much more. */
const BASE64_FACTOR = 4 / 3;

/** A synchronous call waits for its task here and now; it has nothing to resume. */
const NO_TASKS: TaskStore = {
  taskId: undefined,
  beforeSubmit: async () => undefined,
  submitted: async () => undefined,
};

export class ImageService {
  readonly #deps: InferenceDeps;
  readonly #storedImages: StoredImages;

  constructor(deps: InferenceDeps, storedImages: StoredImages) {
    this.#deps = deps;
    this.#storedImages = storedImages;
  }

  /** One generation, charged once, by delivered images. @throws {AppError} what the caller may know. */
  async generate(command: ImageCommand, caller: RequestContext): Promise<Reply<ImageOutcome>> {
    const { models, requestImages, imageAdapters, noteUsageDoubt } = this.#deps;
    const { request: asked } = command;
    const plan = planImages(usableModels(models, command, imageCapability(asked)), asked);
    const charge = await openCharge(this.#deps, command, plan, undefined, caller.requestId);
    if (charge.kind === 'answered-before') return charge;
    const context = { ...caller, signal: charge.deadline };
    const room = new HeldByRequest(this.#deps.held, command.caller.userId);
    try {
      const request = asked.images.length > 0 ? await requestImages.ofImage(asked, context.signal, room) : asked;
      const { candidates } = charge.plan;
      const answer = await charge.calls.attempts(candidates, { output: 'image' }, context, (candidate, apiKey) =>
        imageAdapters[candidate.kind].generate(targetOf(candidate, apiKey), request, NO_TASKS, context),
      );
      const images = await this.#storedImages.keep(answer.images, command.caller.userId, context);
      const { facts = {}, actualPrompt = request.prompt } = answer;
      const usage = imageUsage(answer, asked, charge.calls.served.candidate, noteUsageDoubt);
      const outcome = await charge.capture(usage, (call) => ({ ...call, images, actualPrompt, facts }), {
        keep: command.keep && { answer: command.keep, bytes: answerBytes(images) },
      });
      return { kind: 'answered-now', outcome };
    } catch (error) {
      await charge.release(error);
      throw error;
    } finally {
      room.giveBack();
    }
  }
}

/** Of what is kept for a repeated call: an image that is stored is kept by its id or link. */
function answerBytes(images: readonly KeptImage[]): number {
  const unstored = images.filter(({ id }) => id === undefined);
  return unstored.reduce((sum, { bytes }) => sum + BASE64_FACTOR * (bytes?.byteLength ?? 0), 0);
}

/** `data` of POST /v1/generate-image and `resultPayload` of an image job. */
export function imageReply(outcome: {
  readonly images: readonly { readonly url: string }[];
  readonly actualPrompt: string;
  readonly modelIdentifier: string;
  readonly cost: bigint;
  readonly priceRule: string | null;
  readonly requestId: string;
}) {
  return {
    imageUrls: outcome.images.map(({ url }) => url),
    actualPrompt: outcome.actualPrompt,
    usedModelIdentifier: outcome.modelIdentifier,
    cost: moneyJson(outcome.cost),
    ...(outcome.priceRule === null ? {} : { priceRule: outcome.priceRule }),
    requestId: outcome.requestId,
  };
}

/** No model makes more tokens of one image. */
const TOKENS_OF_AN_IMAGE = 20_000;

export function imageCapability(request: Pick<ImageRequest, 'images'>): Capability {
  return request.images.length > 0 ? 'image-to-image' : 'text-to-image';
}

/**
 * Held for every image asked for, and for the prompt where the model prices it. All or nothing: never clamped.
 * @throws {AppError} when no model's price covers what is asked.
 */
export function planImages(models: readonly PricedModel[], request: ImageRequest): Plan {
  const able = allowingPriced(models, pricedInImages(request.extra));
  const most = { completionTokens: completionBound(request), images: request.n };
  return unclampablePlan(able, (model) => promptBound(model, request), most);
}

/**
 * Charged by delivered images, never by what was asked for; where the model's price names tokens, by these too, which are
 * our own count as far as the provider has none. Tokens far beyond what was held for are charged up to the hold.
 */
export function imageUsage(
  { images, usage: reported }: ImageAnswer,
  request: ImageRequest,
  candidate: Candidate,
  noteDoubt: NoteUsageDoubt,
): Usage {
  const counted = countedTokens(reported, images.length, request, candidate);
  const most = { promptTokens: promptBound(candidate, request), completionTokens: completionBound(request) };
  const doubt = isFarBeyond(counted, most) ? 'too-large' : counted.doubt;
  if (doubt !== null) noteDoubt(doubt, candidate, reported ?? {});
  const serviceTier = counted.serviceTier ?? tierAsked(request.extra);
  return { ...counted, imageCount: images.length, serviceTier, doubt };
}

/** What OpenAI counts for an image of 1024 × 1024 in medium quality. */
const USUAL_TOKENS_OF_A_MADE_IMAGE = 1_056;

/** Zeros are no count of what has a price: there was a prompt, and images were made. */
function countedTokens(reported: ReportedUsage, made: number, request: ImageRequest, candidate: Candidate): Usage {
  const { unexplainedTokens = 0, isPartial = false, impossible = null, ...counts } = reported ?? {};
  const said: Usage = { ...NO_USAGE, ...counts };
  const { price } = candidate;
  const needsPrompt = isPriced(price, 'input') && said.promptTokens === 0;
  const needsCompletion = isPriced(price, 'output') && (said.completionTokens === 0 || isPartial);
  if (!needsPrompt && !needsCompletion) return said;
  const isNothing = said.promptTokens + said.completionTokens === 0;
  const isZero = reported !== undefined && isNothing && !isPartial;
  const doubt = impossible !== null ? 'impossible' : isZero ? 'too-small' : 'missing';
  const ours = { ...said, estimated: true, doubt } as const;
  if (said.completionTokens === 0 && unexplainedTokens > 0) {
    // The total counts the images, too: what is not the prompt are they.
    const ofPrompt = said.promptTokens === 0 ? Math.min(promptCount(candidate, request), unexplainedTokens) : 0;
    return { ...ours, promptTokens: said.promptTokens + ofPrompt, completionTokens: unexplainedTokens - ofPrompt };
  }
  const promptTokens = needsPrompt ? promptCount(candidate, request) : said.promptTokens;
  const completion = needsCompletion ? USUAL_TOKENS_OF_A_MADE_IMAGE * made : 0;
  return { ...ours, promptTokens, completionTokens: Math.max(said.completionTokens, completion) };
}

function promptCount({ tokensPerImage }: Candidate, { prompt, negativePrompt = '', images }: ImageRequest): number {
  const ofImages = images.length * (tokensPerImage ?? USUAL_TOKENS_OF_AN_IMAGE);
  return countTokens(prompt) + countTokens(negativePrompt) + ofImages;
}

function promptBound(model: PricedModel, { prompt, negativePrompt, images, extra }: ImageRequest): number {
  const texts = [prompt, negativePrompt ?? '', ...Object.values(extra).filter((value) => typeof value === 'string')];
  const textBytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return inputBound(model, { textBytes, images: images.length });
}

function completionBound({ n }: ImageRequest): number {
  return TOKENS_OF_AN_IMAGE * n;
}
