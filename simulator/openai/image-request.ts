/** Requests for images: generations as JSON, edits as a multipart form or JSON. */
import { Buffer } from 'node:buffer';
import { z } from 'zod';
import type { Call } from '../call.ts';
import { readImageInput } from '../content/image-input.ts';
import { type ImageSize, imageSize } from '../content/image-size.ts';
import { findOpenaiModel } from './models.ts';

const MAX_IMAGES = 16;

/** Numbers and booleans of a form arrive as text. */
const formNumber = z.preprocess((value) => (typeof value === 'string' ? Number(value) : value), z.number().int());
const formBoolean = z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean());
const formNumberBetween = (least: number, most: number) => formNumber.pipe(z.number().min(least).max(most));

const imageRequestSchema = z.looseObject({
  model: z.string().min(1),
  prompt: z.string().min(1).max(32_000),
  n: formNumberBetween(1, 10).nullish(),
  size: z.string().nullish(),
  quality: z.enum(['auto', 'low', 'medium', 'high', 'standard', 'hd', 'xhigh', 'max']).nullish(),
  background: z.enum(['transparent', 'opaque', 'auto']).nullish(),
  output_format: z.enum(['png', 'jpeg', 'webp']).nullish(),
  response_format: z.enum(['url', 'b64_json']).nullish(),
  stream: formBoolean.nullish(),
  partial_images: formNumberBetween(0, 3).nullish(),
});

type ImageRequest = z.infer<typeof imageRequestSchema>;

export interface CheckedImageRequest extends ImageRequest {
  pixels: ImageSize;
  inputs: ImageSize[];
}

/** @throws VendorError naming the first field that is wrong. */
export async function checkImageRequest(call: Call, isEdit: boolean): Promise<CheckedImageRequest> {
  const parsed = imageRequestSchema.safeParse(call.body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const param = issue?.path.join('.') ?? '';
    throw call.vendor.error('bad_request', `Invalid value for '${param}': ${issue?.message ?? 'not accepted'}.`, param);
  }
  const request = parsed.data;
  const model = findOpenaiModel(call.model);
  if (model === undefined) {
    throw call.vendor.error(
      'model_not_found',
      `The model '${call.model}' does not exist or you do not have access to it.`,
    );
  }
  if (model.kind !== 'image') {
    throw call.vendor.error('bad_request', `The model '${call.model}' does not make images.`, 'model');
  }
  if (request.response_format != null && model.alwaysBase64) {
    throw call.vendor.error('bad_request', "Unknown parameter: 'response_format'.", 'response_format');
  }
  const inputs = isEdit ? await readInputs(call) : [];
  return { ...request, pixels: pixelsOf(call, request, inputs), inputs };
}

/** Sides are multiples of 16, the ratio at most 3:1, at most 3840 x 2160 pixels; `auto` follows the first input. */
function pixelsOf(call: Call, request: ImageRequest, inputs: ImageSize[]): ImageSize {
  if (request.size == null || request.size === 'auto') {
    const [first] = inputs;
    if (first === undefined || first.width === first.height) return { width: 1024, height: 1024 };
    return first.width > first.height ? { width: 1536, height: 1024 } : { width: 1024, height: 1536 };
  }
  const found = /^(\d+)x(\d+)$/.exec(request.size);
  const [width, height] = [Number(found?.[1]), Number(found?.[2])];
  const fits = width % 16 === 0 && height % 16 === 0 && Math.max(width, height) <= 3 * Math.min(width, height);
  if (found === null || !fits || width * height === 0 || width * height > 3_840 * 2_160) {
    const text = `Invalid value: '${request.size}'. Supported values are: 'auto', '1024x1024', '1024x1536', '1536x1024', and other sizes whose sides are multiples of 16, up to a ratio of 3:1 and 3840x2160 pixels.`;
    throw call.vendor.error('bad_request', text, 'size');
  }
  return { width, height };
}

/** `image`, `image[]`, `image[0]` of a form, or `images: [{image_url}]` of JSON; and the mask, as large as the first. */
async function readInputs(call: Call): Promise<ImageSize[]> {
  const sent = Object.entries(call.body).filter(([name]) => /^image(\[\d*\])?$|^images$/.test(name));
  const values = sent.flatMap(([, value]) => (Array.isArray(value) ? value : [value]));
  if (values.length === 0) throw call.vendor.error('bad_request', "Missing required parameter: 'image'.", 'image');
  if (values.length > MAX_IMAGES)
    throw call.vendor.error('bad_request', `At most ${MAX_IMAGES} images are accepted.`, 'image');
  const sizes: ImageSize[] = [];
  for (const value of values) sizes.push(await readInput(call, value, 'image'));
  if (call.body.mask !== undefined) {
    const mask = await readInput(call, call.body.mask, 'mask');
    const [first] = sizes;
    if (mask.width !== first?.width || mask.height !== first.height) {
      throw call.vendor.error('bad_request', 'Invalid mask image: the mask must have the size of the image.', 'mask');
    }
  }
  return sizes;
}

const jsonImage = z.object({ image_url: z.string() });

async function readInput(call: Call, value: unknown, param: string): Promise<ImageSize> {
  const invalid = (reason: string) => call.vendor.error('bad_request', `Invalid image file: it ${reason}.`, param);
  if (value instanceof Blob) {
    const size = imageSize(Buffer.from(await value.arrayBuffer()));
    if (size === undefined) throw invalid('is not a PNG, JPEG or WebP image');
    return size;
  }
  const parsed = jsonImage.safeParse(value);
  if (!parsed.success) throw invalid('is neither a file nor {"image_url"}');
  const input = readImageInput(parsed.data.image_url);
  if (input.kind === 'invalid') throw invalid(input.reason);
  return input.kind === 'read' ? input.size : { width: 1024, height: 1024 };
}
