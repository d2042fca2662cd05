/** POST /v1/images/generations and /v1/images/edits. */
import { countTokens } from '../../infra/tokens.ts';
import type { Call } from '../call.ts';
import { imageTokens } from '../content/image-input.ts';
import { hashText } from '../content/seeded-random.ts';
import { EventStream } from '../event-stream.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import { type DrawnImage, drawImage, imageUrl } from '../images/drawn-image.ts';
import type { CountedUsage } from '../journal/call-record.ts';
import { replyJson } from '../reply.ts';
import { type CheckedImageRequest, checkImageRequest } from './image-request.ts';
import { findOpenaiModel } from './models.ts';

/** Output tokens of a 1024 x 1024 image, as published for gpt-image-1; other sizes in proportion to their area. */
const OUTPUT_TOKENS: Record<string, number> = { low: 272, medium: 1_056, high: 4_160 };

export const generateImages = (call: Call) => answerImages(call, 'generation');
export const editImages = (call: Call) => answerImages(call, 'edit');

async function answerImages(call: Call, action: 'generation' | 'edit'): Promise<void> {
  const request = await checkImageRequest(call, action === 'edit');
  const images = imagesOf(call, request);
  const textTokens = countTokens(request.prompt);
  const inputTokens = request.inputs.reduce(
    (sum, size) => sum + imageTokens({ kind: 'read', size, bytes: 0 }, 'high'),
    0,
  );
  const usage: CountedUsage = {
    promptTokens: textTokens + inputTokens,
    completionTokens: images.length * outputTokens(request),
    reasoningTokens: 0,
    cachedTokens: 0,
    images: images.length,
  };
  const wireUsage = {
    input_tokens: usage.promptTokens,
    output_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    input_tokens_details: { text_tokens: textTokens, image_tokens: inputTokens },
    output_tokens_details: { text_tokens: 0, image_tokens: usage.completionTokens },
  };
  if (request.stream) return streamImages(call, request, action, images, usage, wireUsage);
  const asUrl = !findOpenaiModel(call.model)?.alwaysBase64 && request.response_format !== 'b64_json';
  const data = await Promise.all(
    images.map(async (image) =>
      asUrl
        ? { url: imageUrl(call.origin, image, call.faults.has('gone-images')), revised_prompt: request.prompt }
        : { b64_json: (await drawImage(image)).toString('base64'), revised_prompt: request.prompt },
    ),
  );
  const reported = reportedUsage(wireUsage, usage, call.faults);
  const body = { created: nowSeconds(), data, ...imageFields(request), ...(reported ? { usage: reported } : {}) };
  replyJson(call, body, { usage, tokens: usage.completionTokens, images: images.length });
}

function imagesOf(call: Call, request: CheckedImageRequest): DrawnImage[] {
  if (call.faults.has('empty') || call.faults.has('no-choices')) return [];
  const asked = request.n ?? 1;
  const made = call.faults.has('partial') ? Math.ceil(asked / 2) : asked;
  const seed = hashText(`${call.model} ${request.prompt}`);
  return Array.from({ length: made }, (_, index) => ({ ...request.pixels, seed: seed + index }));
}

function outputTokens(request: CheckedImageRequest): number {
  const perSquare = OUTPUT_TOKENS[request.quality ?? 'medium'] ?? OUTPUT_TOKENS.medium ?? 0;
  return Math.round((perSquare * request.pixels.width * request.pixels.height) / (1024 * 1024));
}

/** The simulator draws PNG only, and says so whatever was asked for. */
function imageFields(request: CheckedImageRequest): Record<string, string> {
  return {
    background: request.background ?? 'opaque',
    output_format: 'png',
    quality: request.quality ?? 'medium',
    size: `${request.pixels.width}x${request.pixels.height}`,
  };
}

async function streamImages(
  call: Call,
  request: CheckedImageRequest,
  action: 'generation' | 'edit',
  images: DrawnImage[],
  usage: CountedUsage,
  wireUsage: Record<string, unknown>,
): Promise<void> {
  const name = action === 'generation' ? 'image_generation' : 'image_edit';
  const event = (type: string, data: Record<string, unknown>) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
  const stream = new EventStream(call, usage, () =>
    event('error', {
      error: { type: 'server_error', code: 'server_error', message: 'The image could not be made.', param: null },
    }),
  );
  for (const image of images) {
    const common = { created_at: nowSeconds(), ...imageFields(request) };
    const b64_json = (await drawImage(image)).toString('base64');
    for (let index = 0; index < (request.partial_images ?? 0); index += 1) {
      await stream.send(event(`${name}.partial_image`, { ...common, b64_json, partial_image_index: index }));
    }
    const reported = reportedUsage(wireUsage, usage, call.faults);
    await stream.send(event(`${name}.completed`, { ...common, b64_json, ...(reported ? { usage: reported } : {}) }), {
      image: true,
    });
  }
  await stream.finish(usage);
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
