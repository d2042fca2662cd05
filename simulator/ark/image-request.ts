/** Requests for images: text to image and edits are one call, told apart by `image`. */
import { z } from 'zod';
import type { Call } from '../call.ts';
import { readImageInput } from '../content/image-input.ts';
import type { ImageSize } from '../content/image-size.ts';
import { type ArkImageModel, IMAGE_MODELS } from './models.ts';

/** References and images made, together. */
const MAX_IN_AND_OUT = 15;

const requestSchema = z.looseObject({
  model: z.string().min(1),
  prompt: z.string().min(1),
  image: z.union([z.string(), z.array(z.string())]).nullish(),
  size: z.string().nullish(),
  seed: z.number().int().min(-1).max(2_147_483_647).nullish(),
  guidance_scale: z.number().min(1).max(10).nullish(),
  response_format: z.enum(['url', 'b64_json']).nullish(),
  watermark: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  sequential_image_generation: z.enum(['auto', 'disabled']).nullish(),
  sequential_image_generation_options: z
    .looseObject({ max_images: z.number().int().min(1).max(15).nullish() })
    .nullish(),
});

export interface ArkImageRequest extends z.infer<typeof requestSchema> {
  pixels: ImageSize;
  /** Images the model makes. */
  number: number;
}

/** @throws VendorError naming the parameter. */
export function readImageRequest(call: Call): ArkImageRequest {
  const parsed = requestSchema.safeParse(call.body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(call, issue?.path.join('.') ?? '', issue?.message ?? 'not accepted');
  }
  const request = parsed.data;
  const model = IMAGE_MODELS[call.model];
  if (model === undefined) {
    const text = `The model or endpoint ${call.model} does not exist or you do not have access to it.`;
    throw call.vendor.error('model_not_found', text);
  }
  const inputs = readInputs(call, model, request.image ?? []);
  if (!model.groups) {
    if (request.stream) throw invalid(call, 'stream', 'the model does not support it');
    if (request.sequential_image_generation === 'auto') {
      throw invalid(call, 'sequential_image_generation', 'the model does not support it');
    }
  }
  return {
    ...request,
    pixels: pixelsOf(call, model, request.size ?? undefined, inputs),
    number: numberOf(request, inputs),
  };
}

function readInputs(call: Call, model: ArkImageModel, image: string | string[]): ImageSize[] {
  const images = typeof image === 'string' ? [image] : image;
  // An edit model takes a text, not a list of one.
  const wrongShape = model.inputs.most === 1 && Array.isArray(image);
  if (wrongShape || images.length < model.inputs.least || images.length > model.inputs.most) {
    throw invalid(call, 'image', `the model takes ${model.inputs.least} to ${model.inputs.most} images`);
  }
  return images.map((url) => {
    const input = readImageInput(url);
    if (input.kind === 'invalid') throw invalid(call, 'image', `it ${input.reason}`);
    return input.kind === 'read' ? input.size : { width: 1_024, height: 1_024 };
  });
}

function pixelsOf(call: Call, model: ArkImageModel, asked: string | undefined, inputs: ImageSize[]): ImageSize {
  const square = (side: number) => ({ width: side, height: side });
  if (model.pixels === undefined) {
    if (asked !== undefined && asked !== 'adaptive') throw invalid(call, 'size', 'it must be adaptive');
    return inputs[0] ?? square(model.defaultSide);
  }
  if (asked === undefined) return square(model.defaultSide);
  const named = model.named[asked];
  if (named !== undefined) return square(named);
  const found = /^(\d+)x(\d+)$/.exec(asked);
  if (found === null) throw invalid(call, 'size', `"${asked}" is not supported by the model`);
  const size = { width: Number(found[1]), height: Number(found[2]) };
  const area = size.width * size.height;
  if (area < model.pixels.least)
    throw invalid(call, 'size', `image size must be at least ${model.pixels.least} pixels`);
  if (area > model.pixels.most) throw invalid(call, 'size', `image size must be at most ${model.pixels.most} pixels`);
  if (Math.max(size.width, size.height) > 16 * Math.min(size.width, size.height)) {
    throw invalid(call, 'size', 'the aspect ratio must be between 1/16 and 16');
  }
  return size;
}

/** In a group the model decides, up to max_images; the simulated one makes three at most. */
function numberOf(request: z.infer<typeof requestSchema>, inputs: ImageSize[]): number {
  if (request.sequential_image_generation !== 'auto') return 1;
  const most = request.sequential_image_generation_options?.max_images ?? MAX_IN_AND_OUT;
  return Math.max(1, Math.min(3, most, MAX_IN_AND_OUT - inputs.length));
}

function invalid(call: Call, param: string, reason: string): Error {
  const text = `The parameter \`${param}\` specified in the request is not valid: ${reason}.`;
  return call.vendor.error('bad_request', text, param);
}
