/** Reads the two shapes of an image request, `input.prompt` and `input.messages`, into one. */
import { z } from 'zod';
import type { Call } from '../call.ts';
import { readImageInput } from '../content/image-input.ts';
import type { ImageSize } from '../content/image-size.ts';
import { dashscopeError } from './errors.ts';
import { type CallName, EDIT_FUNCTIONS, type ImageModel } from './image-models.ts';

const parametersSchema = z.looseObject({
  n: z.number().int().nullish(),
  size: z.string().nullish(),
  seed: z.number().int().min(0).max(2_147_483_647).nullish(),
  prompt_extend: z.boolean().nullish(),
  watermark: z.boolean().nullish(),
  enable_interleave: z.boolean().nullish(),
  max_images: z.number().int().nullish(),
  enable_sequential: z.boolean().nullish(),
});

const promptInput = z.looseObject({
  prompt: z.string().min(1),
  negative_prompt: z.string().nullish(),
  function: z.string().nullish(),
  base_image_url: z.string().nullish(),
  mask_image_url: z.string().nullish(),
  images: z.array(z.string()).nullish(),
});
const messagesInput = z.looseObject({
  messages: z
    .array(
      z.looseObject({
        role: z.literal('user'),
        content: z.array(z.looseObject({ text: z.string().optional(), image: z.string().optional() })).min(1),
      }),
    )
    .length(1),
});

export interface ImageRequest {
  prompt: string;
  parameters: z.infer<typeof parametersSchema>;
  /** Sizes of the images sent; those given by address are taken as 1024 x 1024. */
  inputs: ImageSize[];
}

/** @throws VendorError for what the vendor refuses at once; sizes and numbers are checked by the caller. */
export function readImageRequest(call: Call, name: CallName, model: ImageModel): ImageRequest {
  const parameters = parse(parametersSchema, call.body.parameters ?? {}, 'parameters');
  const { prompt, images } = name === 'M' || name === 'G' ? readMessages(call) : readPrompt(call, name);
  if (images.length < model.inputs.least || images.length > model.inputs.most) {
    const range = `${model.inputs.least} to ${model.inputs.most}`;
    throw invalid(`The model takes ${range} images, the request has ${images.length}.`);
  }
  return { prompt, parameters, inputs: images.map(readInput) };
}

function readMessages(call: Call): { prompt: string; images: string[] } {
  const [message] = parse(messagesInput, call.body.input ?? {}, 'input').messages;
  const content = message?.content ?? [];
  const texts = content.flatMap((part) => (part.text === undefined ? [] : [part.text]));
  const [prompt] = texts;
  if (prompt === undefined || prompt === '' || texts.length > 1)
    throw invalid('The content must have exactly one text.');
  return { prompt, images: content.flatMap((part) => (part.image === undefined ? [] : [part.image])) };
}

function readPrompt(call: Call, name: CallName): { prompt: string; images: string[] } {
  const input = parse(promptInput, call.body.input ?? {}, 'input');
  if (name === 'T') return { prompt: input.prompt, images: [] };
  if (call.model !== 'wanx2.1-imageedit') return { prompt: input.prompt, images: input.images ?? [] };
  if (!EDIT_FUNCTIONS.some((known) => known === input.function)) {
    throw invalid(`The function must be one of ${EDIT_FUNCTIONS.join(', ')}.`);
  }
  if (input.function === 'description_edit_with_mask') {
    if (!input.mask_image_url) throw invalid('mask_image_url is required for description_edit_with_mask.');
    readInput(input.mask_image_url);
  }
  return { prompt: input.prompt, images: input.base_image_url ? [input.base_image_url] : [] };
}

function readInput(url: string): ImageSize {
  // Uploaded to the vendor's own storage beforehand.
  if (url.startsWith('oss://')) return { width: 1_024, height: 1_024 };
  const input = readImageInput(url);
  if (input.kind === 'invalid') throw dashscopeError(400, 'InvalidURL', `The image ${input.reason}.`);
  return input.kind === 'read' ? input.size : { width: 1_024, height: 1_024 };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, at: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw invalid(`${[at, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'is invalid'}`);
}

function invalid(message: string): Error {
  return dashscopeError(400, 'InvalidParameter', message);
}
