/** An image request as DashScope's native calls take it (PROVIDERS.md, 1.3 to 1.5). Pure. */
import { invalid } from '../../../infra/errors.ts';
import { checkDemand } from '../image-demand.ts';
import { checkImageSize, formatImageSize, parseImageSize } from '../image-size.ts';
import type { ImageRequest } from '../provider.ts';
import { type DashScopeImageModel, dashScopeImageModel, type OptionalParameter } from './image-models.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface NativeImageBody {
  readonly model: string;
  readonly input: Fields;
  readonly parameters: Fields;
}

const LARGEST_SEED = 2_147_483_647;
/** Ark's word for no seed of one's own, which callers of both use. */
const RANDOM_SEED = -1;

/** OpenAI's fields for how the answer comes; here it is always addresses. */
const OWN_FIELDS = new Set(['response_format', 'stream', 'function']);

/** @throws {AppError} invalidParameter for what the model cannot do. */
export function nativeImageBody(request: ImageRequest, name: string): NativeImageBody {
  const model = dashScopeImageModel(name);
  const sequential = request.extra.enable_sequential === true;
  const outputs = (sequential && model.sequentialOutputs) || model.outputs;
  checkDemand(request, { ...model, outputs }, name);
  const { negative_prompt, ...options } = optionsOf(request, model);
  const besidePrompt = model.call.startsWith('text2image') || model.call.startsWith('image2image');
  return {
    model: name,
    input: withoutUndefined({
      ...(besidePrompt ? promptInput(request, model) : messagesInput(request)),
      negative_prompt: besidePrompt ? negative_prompt : undefined,
    }),
    parameters: withoutUndefined({
      ...Object.fromEntries(Object.entries(request.extra).filter(([field]) => !OWN_FIELDS.has(field))),
      ...options,
      negative_prompt: besidePrompt ? undefined : negative_prompt,
      size: sizeOf(request, name, model),
      // Most Wan models make and bill four pictures where it is left out.
      n: request.n,
    }),
  };
}

function optionsOf(request: ImageRequest, model: DashScopeImageModel): Partial<Record<OptionalParameter, unknown>> {
  const given: Record<OptionalParameter, unknown> = {
    negative_prompt: request.negativePrompt,
    prompt_extend: request.promptExtend ?? model.promptExtendDefault,
    seed: seedOf(request.seed),
    strength: request.strength,
    watermark: request.watermark,
  };
  return Object.fromEntries(model.takes.map((name) => [name, given[name]]));
}

function seedOf(seed: number | undefined): number | undefined {
  if (seed === undefined || seed === RANDOM_SEED) return undefined;
  if (Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED) return seed;
  throw invalid([{ path: 'seed', message: `must be a whole number from 0 to ${LARGEST_SEED}` }]);
}

function sizeOf(request: ImageRequest, name: string, model: DashScopeImageModel): string | undefined {
  const size = parseImageSize(request.size);
  const plain = request.images.length === 0 && request.extra.enable_sequential !== true;
  const rule = plain ? model.size : (model.sizeOfOthers ?? model.size);
  const checked = size && rule ? checkImageSize(size, rule, name) : size;
  return checked && formatImageSize(checked, '*');
}

function promptInput(request: ImageRequest, model: DashScopeImageModel): Fields {
  const { prompt, images, mask } = request;
  if (!model.byFunction) return { prompt, images: images.length === 0 ? undefined : images };
  return {
    function: request.extra.function ?? (mask === undefined ? 'description_edit' : 'description_edit_with_mask'),
    prompt,
    base_image_url: images[0],
    mask_image_url: mask,
  };
}

/** Exactly one message with exactly one text, after the pictures. */
function messagesInput({ prompt, images }: ImageRequest): Fields {
  return { messages: [{ role: 'user', content: [...images.map((image) => ({ image })), { text: prompt }] }] };
}

function withoutUndefined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
