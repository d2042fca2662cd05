/**
 * Images of Ark: POST /images/generations for text to image and for edits; what each family of models takes stands below,
 * as data.
 */

import { invalid } from '../../../infra/errors.ts';
import { isJsonObject, type JsonObject } from '../../../infra/json-object.ts';
import { type Classify, refused, UpstreamFailure } from '../failure.ts';
import {
  checkDemand,
  checkImageSize,
  deliveredImage,
  formatImageSize,
  type ImageLimits,
  parseImageSize,
  type SizeRule,
} from '../images.ts';
import type { Call, OpenAiClient } from '../openai/client.ts';
import { isErrorBody, refusalOf } from '../openai/errors.ts';
import { readImages } from '../openai/images.ts';
import type { ImageAdapter, ImageAnswer, ImageRequest, ReportedUsage } from '../provider.ts';
import { readUsage } from '../usage.ts';

export function createArkImages(client: OpenAiClient, classify: Classify): ImageAdapter {
  const generateOne = async (call: Call, body: object): Promise<ImageAnswer> => {
    const answer = await client.post(call, '/images/generations', body);
    return imageAnswerOf(await readImages(answer, call), call);
  };

  return {
    generate: async ({ urlBase, apiKey, model }, request, _tasks, { signal }) => {
      const call: Call = { urlBase, apiKey, signal, classify };
      const bodies = arkImageBodies(request, model);
      return together(await Promise.allSettled(bodies.map((body) => generateOne(call, body))));
    },
  };
}

/** What some of several calls delivered is paid for at the provider, whatever became of the others. */
function together(results: readonly PromiseSettledResult<ImageAnswer>[]): ImageAnswer {
  const answers = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  const failure = results.find((result) => result.status === 'rejected');
  if (answers.length === 0 && failure) throw failure.reason;
  return {
    images: answers.flatMap(({ images }) => images),
    usage: sumOf(answers.map(({ usage }) => usage)),
  };
}

/** A refused member of a group stands in place of its image. @throws {UpstreamFailure} when nothing was delivered. */
function imageAnswerOf(body: JsonObject, call: Call): ImageAnswer {
  const members = Array.isArray(body.data) ? body.data.filter(isJsonObject) : [];
  const images = members.map(deliveredImage).filter((image) => image !== undefined);
  if (images.length === 0) {
    const error = members.find(isErrorBody);
    if (error) throw refused(refusalOf(200, error), call.classify, call.apiKey);
    throw new UpstreamFailure('transient', 'the provider delivered no image', { status: 200 });
  }
  return { images, usage: readUsage(body.usage) };
}

/** Of several calls. Where one was not counted, the sum is not counted to its end. */
function sumOf(usages: readonly ReportedUsage[]): ReportedUsage {
  const counted = usages.filter((usage) => usage !== undefined);
  const [first] = counted;
  return (
    first && {
      ...first,
      promptTokens: counted.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
      completionTokens: counted.reduce((sum, { completionTokens }) => sum + completionTokens, 0),
      unexplainedTokens: counted.reduce((sum, { unexplainedTokens }) => sum + unexplainedTokens, 0),
      isPartial: counted.length < usages.length || counted.some(({ isPartial }) => isPartial),
      impossible: counted.find(({ impossible }) => impossible !== null)?.impossible ?? null,
    }
  );
}

type Body = Readonly<Record<string, unknown>>;

const RANDOM_SEED = -1;
const DEFAULT_GUIDANCE = 5.5;

/** How the answer comes is settled here. */
const OWN_FIELDS = new Set(['response_format', 'stream']);

/** @throws {AppError} invalidParameter for what the model cannot do. */
function arkImageBodies(request: ImageRequest, name: string): Body[] {
  const model = arkImageModel(name);
  checkDemand(request, model, name);
  const body = bodyOf(request, name, model);
  if (request.n === 1) return [body];
  if (!model.groups) return Array.from({ length: request.n }, (_, index) => ({ ...body, ...nextSeed(body, index) }));
  if (request.images.length + request.n > MOST_IMAGES_OF_A_GROUP) {
    const message = `with ${request.images.length} input images at most ${MOST_IMAGES_OF_A_GROUP} in all`;
    throw invalid([{ path: 'n', message }]);
  }
  return [
    { ...body, sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: request.n } },
  ];
}

function bodyOf(request: ImageRequest, name: string, model: ArkImageModel): Body {
  const size = parseImageSize(request.size);
  const checked = size && model.size ? checkImageSize(size, model.size, name) : size;
  const extra = Object.entries(request.extra).filter(([field, value]) => value !== null && !OWN_FIELDS.has(field));
  const body = {
    ...(model.seedAndGuidance ? { seed: request.seed ?? RANDOM_SEED, guidance_scale: guidanceOf(request) } : {}),
    ...Object.fromEntries(extra),
    model: name,
    prompt: request.prompt,
    image: model.singleInput || request.images.length < 2 ? request.images[0] : request.images,
    size: checked && formatImageSize(checked, 'x'),
    // Ark's own default writes a mark into the image.
    watermark: request.watermark ?? false,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

/** 1–10 there, 0–1 here. */
function guidanceOf({ strength }: ImageRequest): number {
  return strength === undefined ? DEFAULT_GUIDANCE : 1 + 9 * strength;
}

/** The same seed again would make the same image. */
function nextSeed(body: Body, index: number): Body {
  return typeof body.seed === 'number' && body.seed !== RANDOM_SEED ? { seed: body.seed + index } : {};
}

export interface ArkImageModel extends ImageLimits {
  readonly name: RegExp;
  readonly size: SizeRule | undefined;
  /** Takes `sequential_image_generation`: several images of one call. */
  readonly groups: boolean;
  /** `image` is one text there; elsewhere a list is taken too. */
  readonly singleInput: boolean;
  /** Takes `seed` and `guidance_scale`. */
  readonly seedAndGuidance: boolean;
}

/** Images given and images made of one call, together. */
const MOST_IMAGES_OF_A_GROUP = 15;
/** A call makes one image where there are no groups; more are several calls at once. */
const MOST_CALLS = 10;

const SEEDREAM_4: Omit<ArkImageModel, 'name' | 'size'> = {
  inputs: [0, 14],
  outputs: [1, MOST_IMAGES_OF_A_GROUP],
  mask: false,
  groups: true,
  singleInput: false,
  seedAndGuidance: false,
};
const ALONE: Omit<ArkImageModel, 'name' | 'size' | 'inputs' | 'seedAndGuidance'> = {
  outputs: [1, MOST_CALLS],
  mask: false,
  groups: false,
  singleInput: true,
};

/** The first name that fits. Outside mainland China the names have no `doubao-`. */
const MODELS: readonly ArkImageModel[] = [
  { name: /^seedream-5/, ...SEEDREAM_4, size: { names: ['2K', '3K', '4K'], area: [3_686_400, 16_777_216] } },
  { name: /^seedream-4-5/, ...SEEDREAM_4, size: { names: ['2K', '4K'], area: [3_686_400, 16_777_216] } },
  { name: /^seedream-4/, ...SEEDREAM_4, size: { names: ['1K', '2K', '4K'], area: [921_600, 16_777_216] } },
  { name: /^seedream-3/, ...ALONE, inputs: [0, 0], seedAndGuidance: true, size: { side: [512, 2_048] } },
  {
    name: /^seededit/,
    ...ALONE,
    inputs: [1, 1],
    seedAndGuidance: true,
    size: { names: ['adaptive'], namesOnly: true },
  },
];

/** Endpoints (`ep-…`) and names to come: nothing is known, so nothing is held back. */
const UNKNOWN: ArkImageModel = {
  name: /^/,
  ...SEEDREAM_4,
  groups: false,
  outputs: [1, MOST_CALLS],
  size: undefined,
};

function arkImageModel(name: string): ArkImageModel {
  const spelling = name.toLowerCase().replace(/^doubao-/, '');
  return MODELS.find((model) => model.name.test(spelling)) ?? UNKNOWN;
}
