/** POST /api/v3/images/generations: one reply, or a stream of finished images. */
import type { Call } from '../call.ts';
import { hashText } from '../content/seeded-random.ts';
import { EventStream } from '../event-stream.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import { type DrawnImage, drawImage, imageUrl } from '../images/drawn-image.ts';
import type { CountedUsage } from '../journal/call-record.ts';
import { replyJson } from '../reply.ts';
import { type ArkImageRequest, readImageRequest } from './image-request.ts';

/** Pixels of one output token. */
const PIXELS_PER_TOKEN = 256;

const FAILED_IMAGE = {
  code: 'OutputImageSensitiveContentDetected',
  message: 'The request failed because the output image may contain sensitive information.',
};

/** One place of a group: an image, or nothing where it failed. */
type Place = DrawnImage | undefined;

export async function generateImages(call: Call): Promise<void> {
  const request = readImageRequest(call);
  const places = placesOf(call, request);
  const made = places.filter((place) => place !== undefined);
  const tokens = made.reduce((sum, { width, height }) => sum + Math.floor((width * height) / PIXELS_PER_TOKEN), 0);
  const usage = { promptTokens: 0, completionTokens: tokens, reasoningTokens: 0, cachedTokens: 0, images: made.length };
  const wireUsage = { generated_images: made.length, output_tokens: tokens, total_tokens: tokens };
  if (request.stream) return streamImages(call, request, places, usage, wireUsage);
  const data = await Promise.all(places.map((place) => renderPlace(call, request, place)));
  const reported = reportedUsage(wireUsage, usage, call.faults);
  const body = { model: call.modelAsked, created: nowSeconds(), data, ...(reported ? { usage: reported } : {}) };
  replyJson(call, body, { usage, tokens, images: made.length });
}

function placesOf(call: Call, request: ArkImageRequest): Place[] {
  if (call.faults.has('empty') || call.faults.has('no-choices')) return [];
  const seed = request.seed == null || request.seed === -1 ? hashText(`${call.model} ${request.prompt}`) : request.seed;
  return Array.from({ length: request.number }, (_, index) => {
    if (call.faults.has('partial') && index % 2 === 1) return undefined;
    // The vendor's default is to mark its images.
    return { ...request.pixels, seed: seed + index, watermark: request.watermark !== false };
  });
}

async function renderPlace(call: Call, request: ArkImageRequest, place: Place): Promise<Record<string, unknown>> {
  if (place === undefined) return { error: FAILED_IMAGE };
  const size = `${place.width}x${place.height}`;
  if (request.response_format === 'b64_json') return { b64_json: (await drawImage(place)).toString('base64'), size };
  return { url: imageUrl(call.origin, place, call.faults.has('gone-images')), size };
}

async function streamImages(
  call: Call,
  request: ArkImageRequest,
  places: Place[],
  usage: CountedUsage,
  wireUsage: Record<string, unknown>,
): Promise<void> {
  const event = (type: string, data: Record<string, unknown>) => {
    const fields = { type, model: call.modelAsked, created: nowSeconds(), ...data };
    return `event: ${type}\ndata: ${JSON.stringify(fields)}\n\n`;
  };
  const stream = new EventStream(
    call,
    usage,
    () => `data: ${JSON.stringify(call.vendor.errorBody(call.vendor.error('server_error'), call.requestId))}\n\n`,
  );
  for (const [image_index, place] of places.entries()) {
    const rendered = await renderPlace(call, request, place);
    const outcome = place === undefined ? 'partial_failed' : 'partial_succeeded';
    await stream.send(event(`image_generation.${outcome}`, { image_index, ...rendered }), {
      image: place !== undefined,
    });
  }
  const reported = reportedUsage(wireUsage, usage, call.faults);
  await stream.send(event('image_generation.completed', reported ? { usage: reported } : {}));
  await stream.finish(usage, 'data: [DONE]\n\n');
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
