/** One request as the bodies of POST /images/generations that serve it (PROVIDERS.md, 3.2). Pure. */
import { invalid } from '../../../infra/errors.ts';
import { checkDemand } from '../image-demand.ts';
import { checkImageSize, formatImageSize, parseImageSize } from '../image-size.ts';
import type { ImageRequest } from '../provider.ts';
import { type ArkImageModel, arkImageModel, MOST_PICTURES_OF_A_GROUP } from './image-models.ts';

type Body = Readonly<Record<string, unknown>>;

const RANDOM_SEED = -1;
const DEFAULT_GUIDANCE = 5.5;

/** How the answer comes is settled here. */
const OWN_FIELDS = new Set(['response_format', 'stream']);

/** @throws {AppError} invalidParameter for what the model cannot do. */
export function arkImageBodies(request: ImageRequest, name: string): Body[] {
  const model = arkImageModel(name);
  checkDemand(request, model, name);
  const body = bodyOf(request, name, model);
  if (request.n === 1) return [body];
  if (!model.groups) return Array.from({ length: request.n }, (_, index) => ({ ...body, ...nextSeed(body, index) }));
  if (request.images.length + request.n > MOST_PICTURES_OF_A_GROUP) {
    const message = `with ${request.images.length} input pictures at most ${MOST_PICTURES_OF_A_GROUP} in all`;
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
    // Ark's own default writes a mark into the picture.
    watermark: request.watermark ?? false,
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

/** 1–10 there, 0–1 here. */
function guidanceOf({ strength }: ImageRequest): number {
  return strength === undefined ? DEFAULT_GUIDANCE : 1 + 9 * strength;
}

/** The same seed again would make the same picture. */
function nextSeed(body: Body, index: number): Body {
  return typeof body.seed === 'number' && body.seed !== RANDOM_SEED ? { seed: body.seed + index } : {};
}
