/** What an image request becomes: images, failed places among them, or a refusal. And how replies write it. */
import type { Call } from '../call.ts';
import type { ImageSize } from '../content/image-size.ts';
import { hashText } from '../content/seeded-random.ts';
import { type DrawnImage, imageUrl } from '../images/drawn-image.ts';
import { type ImageModel, INTERLEAVED_IMAGES, SEQUENTIAL_IMAGES } from './image-models.ts';
import type { ImageRequest } from './image-request.ts';
import { checkSize } from './image-size.ts';

/** One place of a result: a link, or a failure in its stead. */
type ImagePlace = { url: string } | { code: string; message: string };

export type ImageResult =
  | { ok: true; prompt: string; extended: boolean; size: ImageSize; inputs: number; places: ImagePlace[] }
  | { ok: false; code: string; message: string };

export const FAILED_PLACE = {
  code: 'DataInspectionFailed',
  message: 'Output data may contain inappropriate content.',
};

/** Number and size are judged here: the asynchronous calls take a wrong one and fail later. */
export function makeImages(call: Call, model: ImageModel, request: ImageRequest): ImageResult {
  const { parameters, prompt } = request;
  const checked = checkSize(model, parameters.size ?? undefined, request.inputs.at(-1));
  if (!checked.ok) return { ok: false, code: 'InvalidParameter', message: checked.message };
  const number = numberOfImages(model, parameters);
  if (typeof number === 'string') return { ok: false, code: 'InvalidParameter', message: number };
  const seed = parameters.seed ?? hashText(`${call.model} ${prompt}`);
  const places = Array.from({ length: number }, (_, index) =>
    placeOf(call, { ...checked.size, seed: seed + index, watermark: parameters.watermark === true }, index),
  );
  const empty = call.faults.has('empty') || call.faults.has('no-choices');
  return {
    ok: true,
    prompt,
    extended: parameters.prompt_extend !== false,
    size: checked.size,
    inputs: request.inputs.length,
    places: empty ? [] : places,
  };
}

function placeOf(call: Call, image: DrawnImage, index: number): ImagePlace {
  if (call.faults.has('partial') && index % 2 === 1) return FAILED_PLACE;
  return { url: imageUrl(call.origin, image, call.faults.has('gone-images')) };
}

/** How many images are made, or why none is. */
function numberOfImages(model: ImageModel, parameters: ImageRequest['parameters']): number | string {
  if (parameters.enable_interleave) {
    if ((parameters.n ?? 1) !== 1) return 'n must be 1 when enable_interleave is true';
    const most = parameters.max_images ?? INTERLEAVED_IMAGES.omitted;
    if (most < INTERLEAVED_IMAGES.least || most > INTERLEAVED_IMAGES.most) return 'max_images must be between 1 and 5';
    // The model decides how many it needs; the simulated one needs two.
    return Math.min(most, 2);
  }
  const bounds = parameters.enable_sequential ? SEQUENTIAL_IMAGES : model.images;
  const asked = parameters.n ?? bounds.omitted;
  if (asked < bounds.least || asked > bounds.most) {
    if (bounds.most === 1) return 'num_images_per_prompt must be 1';
    return `n must be between ${bounds.least} and ${bounds.most}`;
  }
  // Of a sequential group `n` is the most; the simulated model makes half, so that asked and delivered differ.
  return parameters.enable_sequential ? Math.ceil(asked / 2) : asked;
}

export function countMade(result: ImageResult): number {
  return result.ok ? urlsOf(result).length : 0;
}

export function urlsOf(result: ImageResult & { ok: true }): string[] {
  return result.places.flatMap((place) => ('url' in place ? [place.url] : []));
}

/** `output` of the calls with a prompt: T and I. The qwen-image family leaves the metrics out. */
export function resultsOutput(model: ImageModel, result: ImageResult & { ok: true }): Record<string, unknown> {
  return {
    results: result.places.map((place) =>
      'url' in place
        ? {
            orig_prompt: result.prompt,
            ...(result.extended ? { actual_prompt: `${result.prompt}, in fine detail` } : {}),
            url: place.url,
          }
        : place,
    ),
    ...(model.usage === 'count' ? { task_metrics: metrics(result) } : {}),
  };
}

/** `output` of the calls with messages: M and G. Failed places are left out there. */
export function choicesOutput(
  result: ImageResult & { ok: true },
  layout: ImageModel['layout'],
  typed: boolean,
): Record<string, unknown> {
  const items = urlsOf(result).map((url) => (typed ? { image: url, type: 'image' } : { image: url }));
  const groups = layout === 'choices' ? items.map((item) => [item]) : [items];
  return {
    choices: groups.map((content) => ({ finish_reason: 'stop', message: { role: 'assistant', content } })),
  };
}

export function metrics(result: ImageResult & { ok: true }): Record<string, number> {
  const made = countMade(result);
  return { TOTAL: result.places.length, SUCCEEDED: made, FAILED: result.places.length - made };
}

/** Above this area the vendor's usage says 2k instead of 1k. */
const ONE_K_PIXELS = 2_250_000;

/** `usage`, in the form of the model's family. */
export function usageOf(model: ImageModel, result: ImageResult & { ok: true }): Record<string, unknown> {
  const images = countMade(result);
  const { width, height } = result.size;
  switch (model.usage) {
    case 'count':
      return { image_count: images };
    case 'count-and-sides':
      return { image_count: images, width, height };
    case 'count-and-size':
      return { image_count: images, size: `${width}*${height}`, input_tokens: 0, output_tokens: 0, total_tokens: 0 };
    case 'tokens': {
      // Reported, never billed.
      const output = images * Math.round((width * height) / 256);
      const input = result.prompt.length;
      return {
        image_count: images,
        size: `${width}*${height}`,
        input_tokens: input,
        output_tokens: output,
        total_tokens: input + output,
      };
    }
    case 'input-and-output': {
      const type = width * height <= ONE_K_PIXELS ? '1k' : '2k';
      return {
        input_image_count: result.inputs,
        input_image_type: 'qima_input',
        output_image_count: images,
        output_image_type: `qima_output_${type}`,
        output_width: width,
        output_height: height,
      };
    }
  }
}
