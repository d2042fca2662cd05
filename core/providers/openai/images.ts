/** Images over OpenAI's interface: JSON for text to image, a multipart form for an edit. */
import { isJsonObject, type JsonObject, parseJson, textOf } from '../../../infra/json-object.ts';
import type { OutboundAnswer } from '../../../infra/outbound.ts';
import type { ImageFile, ReadImage } from '../../images/image-reader.ts';
import { refused, UpstreamFailure } from '../failure.ts';
import { deliveredImage, formatImageSize, parseImageSize } from '../images.ts';
import type { ImageAdapter, ImageAnswer, ImageRequest, UpstreamTarget } from '../provider.ts';
import { readUsage } from '../usage.ts';
import { type Call, type OpenAiClient, readText } from './client.ts';
import { classifyOpenAi, isErrorBody, refusalOf } from './errors.ts';

export function createOpenAiImages(client: OpenAiClient, readImage: ReadImage): ImageAdapter {
  const send = async (call: Call, target: UpstreamTarget, request: ImageRequest): Promise<OutboundAnswer> => {
    const fields = imageFields(request, target.model);
    if (request.images.length === 0) return client.post(call, '/images/generations', fields);
    const read = (url: string) => readImage({ url, path: 'image', signal: call.signal });
    return client.post(call, '/images/edits', await editForm(fields, request, read));
  };

  return {
    generate: async (target, request, _tasks, { signal }) => {
      const { urlBase, apiKey } = target;
      const call: Call = { urlBase, apiKey, signal, classify: classifyOpenAi };
      return imageAnswerOf(await readImages(await send(call, target, request), call));
    },
  };
}

/** The answer in OpenAI's form. @throws {UpstreamFailure} for an error under 200 and for what is no answer. */
export async function readImages(answer: OutboundAnswer, call: Call): Promise<JsonObject> {
  const body = parseJson(await readText(answer, call));
  const hasImages = isJsonObject(body) && Array.isArray(body.data) && body.data.length > 0;
  if (isErrorBody(body) && !hasImages) {
    throw refused(refusalOf(answer.status, body, answer.headers), call.classify, call.apiKey);
  }
  if (isJsonObject(body)) return body;
  throw new UpstreamFailure('transient', "the provider's answer is no JSON object", { status: answer.status });
}

/** @throws {UpstreamFailure} when nothing was delivered. */
function imageAnswerOf(body: JsonObject): ImageAnswer {
  const members = Array.isArray(body.data) ? body.data.filter(isJsonObject) : [];
  const images = members.map(deliveredImage).filter((image) => image !== undefined);
  if (images.length === 0) throw new UpstreamFailure('transient', 'the provider delivered no image', { status: 200 });
  const usage = readUsage(body.usage, body.service_tier);
  const actualPrompt = members.map((member) => textOf(member.revised_prompt)).find((text) => text !== undefined);
  return {
    images,
    ...(actualPrompt === undefined ? {} : { actualPrompt }),
    facts: factsOf(body, usage?.impossible === null),
    usage,
  };
}

const TEXT_FACTS = ['background', 'output_format', 'quality', 'size'];

/** What OpenAI's answer has beside the images; of other types it would break its clients. */
function factsOf(body: JsonObject, isCounted: boolean): JsonObject {
  const texts = TEXT_FACTS.filter((name) => textOf(body[name]) !== undefined).map((name) => [name, body[name]]);
  return {
    ...Object.fromEntries(texts),
    ...(typeof body.created === 'number' ? { created: body.created } : {}),
    ...(isCounted ? { usage: body.usage } : {}),
  };
}

/** OpenAI's own models refuse fields that they do not know; servers of others take more. */
const OPENAI_MODEL = /^(gpt-image|chatgpt-image|dall-e)/i;

/** How the answer comes is settled here: one object, images as the model likes to give them. */
const OWN_FIELDS = new Set(['response_format', 'stream', 'partial_images']);

export type ImageFields = Readonly<Record<string, unknown>>;

function imageFields(request: ImageRequest, model: string): ImageFields {
  const size = parseImageSize(request.size);
  const fields = {
    ...Object.fromEntries(Object.entries(request.extra).filter(([name]) => !OWN_FIELDS.has(name))),
    ...(OPENAI_MODEL.test(model) ? {} : foreignFields(request)),
    model,
    prompt: request.prompt,
    n: request.n,
    size: size && formatImageSize(size, 'x'),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function foreignFields(request: ImageRequest): ImageFields {
  return {
    seed: request.seed,
    negative_prompt: request.negativePrompt,
    prompt_extend: request.promptExtend,
    watermark: request.watermark,
    strength: request.strength,
  };
}

/** @param read gives the bytes of a data URL or an http(s) URL. */
async function editForm(
  fields: ImageFields,
  request: ImageRequest,
  read: (url: string) => Promise<ImageFile>,
): Promise<FormData> {
  const [images, mask] = await Promise.all([
    Promise.all(request.images.map(read)),
    request.mask === undefined ? undefined : read(request.mask),
  ]);
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, asText(value));
  // One image and a list have different names there.
  const name = images.length === 1 ? 'image' : 'image[]';
  for (const [index, image] of images.entries()) form.append(name, blob(image), fileName(`image-${index}`, image));
  if (mask) form.append('mask', blob(mask), fileName('mask', mask));
  return form;
}

function asText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function blob({ bytes, mediaType }: ImageFile): Blob {
  return new Blob([bytes], { type: mediaType });
}

/** The format is read from the name's end as well as from the type. */
function fileName(name: string, { mediaType }: ImageFile): string {
  return `${name}.${mediaType.replace(/^image\//, '').replace(/\W.*$/, '')}`;
}
