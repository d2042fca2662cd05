/** The fields of an image request in OpenAI's names. Pure. */
import { formatImageSize, parseImageSize } from '../image-size.ts';
import type { ImageRequest } from '../provider.ts';

/** OpenAI's own models refuse fields that they do not know; servers of others take more. */
const OPENAI_MODEL = /^(gpt-image|chatgpt-image|dall-e)/i;

/** How the answer comes is settled here: one object, pictures as the model likes to give them. */
const OWN_FIELDS = new Set(['response_format', 'stream', 'partial_images']);

export type ImageFields = Readonly<Record<string, unknown>>;

export function imageFields(request: ImageRequest, model: string): ImageFields {
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
