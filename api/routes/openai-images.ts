/** Images as OpenAI's clients ask for them: generations as JSON, edits as a form or as JSON. */
import { z } from 'zod';
import { imageRequest, imageUrlOf } from '../../activities/inference/image-request.ts';
import type { ImageOutcome, ImageService } from '../../activities/inference/images.ts';
import { type CostShown, costInWords } from '../../activities/inference/openai-words.ts';
import { imageTypeOf } from '../../core/images/image-type.ts';
import type { KeptImage, StoredImages } from '../../core/images/stored-images.ts';
import type { ImageRequest } from '../../core/providers/provider.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { isJsonObject } from '../../infra/json-object.ts';
import { readForm } from '../http/edit-form.ts';
import { OPENAI } from '../http/forms.ts';
import type { InferenceServices } from '../http/inference-call.ts';
import { type InferenceDeclaration, inferenceRoute } from '../http/inference-route.ts';
import { isJsonType, parseJson } from '../http/json.ts';
import type { Route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';
import { inputOf } from '../http/validation.ts';
import { MOST_CHARACTERS, modelNameInput, openAiRequestIdInput } from './chat.ts';
import { MOST_PROMPT_CHARACTERS } from './images.ts';

const MAX_EDIT_IMAGES = 16;
const EDIT_FORMS =
  'is required: as a file `image` or `image[]` of multipart/form-data, or in JSON as `image` or `images`, each a data URL or {"image_url":…}';

const fields = z
  .looseObject({
    model: modelNameInput.nullish().describe('Identifier of the model; the gateway chooses when left out'),
    prompt: z.string().max(MOST_PROMPT_CHARACTERS).describe('What the image is to show'),
    response_format: z
      .enum(['url', 'b64_json'])
      .nullish()
      .describe('A link, or the image itself in base64: the default, for which OpenAI’s SDKs are made'),
    request_id: openAiRequestIdInput,
  })
  .meta({ description: 'OpenAI images; fields that are not listed pass to the provider.' });
const text = z.string().max(MOST_CHARACTERS);
const imageObject = z.looseObject({
  image_url: z
    .union([text, z.looseObject({ url: text.describe('Its address, or a data URL') })])
    .optional()
    .describe('Its address, or a data URL'),
  url: text.optional().describe('The same'),
  b64_json: text.optional().describe('The image in base64'),
});
const imageInput = z
  .union([text, imageObject])
  .describe('A data URL, an http(s) URL or base64, alone or as image_url, url or b64_json');
const imageInputs = z.union([imageInput, z.array(imageInput).max(MAX_EDIT_IMAGES)]);
const jsonEdit = fields.extend({
  image: imageInputs.nullish().describe('The image to start from, or several'),
  images: imageInputs.nullish().describe('The same'),
  mask: imageInput.nullish().describe('An image whose transparent parts say where to edit'),
});
const jsonEditInput = inputOf(jsonEdit, 'ignored');
const file = z.string().max(MOST_CHARACTERS).meta({ format: 'binary' });
const formEdit = fields.extend({
  image: z.union([file, z.array(file).max(MAX_EDIT_IMAGES)]).describe('The images to start from, as files'),
  mask: file
    .optional()
    .describe('A file whose transparent parts say where to edit; text fields take no files, and these two no text'),
});
const formInput = inputOf(fields, 'ignored');
const answer = z
  .object({
    created: z.number().int().describe('When it was made, in seconds since 1970'),
    background: z.string().optional().describe('opaque or transparent, where the provider says so'),
    output_format: z.string().optional().describe('png, jpeg, webp …'),
    quality: z.string().optional().describe('As the provider names it'),
    size: z.string().optional().describe('Width x height in pixels, where the provider says so'),
    usage: z.looseObject({}).optional().describe('Tokens as the provider counts them, and what was charged'),
    data: z
      .array(
        z.object({
          url: z.string().optional().describe('Its address, signed and good for a time'),
          b64_json: z.string().optional().describe('The image in base64'),
          revised_prompt: z.string().optional().describe('What the provider made of the prompt'),
        }),
      )
      .describe('The images'),
  })
  .meta({ description: 'OpenAI images answer' });

/** A request in OpenAI's form, its images as URLs. */
interface Asked {
  readonly model: string | undefined;
  readonly requestId: string | undefined;
  readonly request: ImageRequest;
  readonly inline: boolean;
  /** When it was asked for, in seconds since 1970. */
  readonly created: number;
}

interface Services extends InferenceServices {
  readonly images: ImageService;
  readonly storedImages: Pick<StoredImages, 'read'>;
}

type OwnParts = 'path' | 'operationId' | 'summary' | 'body' | 'bodies' | 'parse';

export function openAiImageRoutes(services: Services): Route[] {
  const images = <B extends z.ZodType = z.ZodUndefined>(
    own: Pick<InferenceDeclaration<B, Asked, ImageOutcome>, OwnParts>,
  ): Route =>
    inferenceRoute<Asked, ImageOutcome, B>(services, {
      ...own,
      success: answer,
      form: OPENAI,
      requestId: ({ requestId }) => requestId,
      run: ({ model, request: asked }, { request, context }) => {
        const name = model === undefined ? {} : { identifier: model };
        return services.images.generate({ ...request, model: name, request: asked }, context);
      },
      render: (outcome, asked) => openAiImages(outcome, asked, base64Of, services.costShown),
      // Images may be larger together than a row of the ledger takes.
      kept: {
        of: (outcome, asked) =>
          openAiImages(outcome, asked, (image) => placeOf(image) ?? base64Of(image), services.costShown),
        whole: (text) => withStoredImages(text, services.storedImages),
      },
    });
  return [
    images({
      path: '/v1/images/generations',
      operationId: 'createImages',
      summary: 'Text to image, under OpenAI’s own path',
      body: fields,
      parse: ({ body }) => askedOf(body, [], undefined),
    }),
    images({
      path: '/v1/images/edits',
      operationId: 'editImages',
      summary: 'Image to image, under OpenAI’s own path; a form or JSON',
      bodies: { 'multipart/form-data': formEdit, 'application/json': jsonEdit },
      parse: ({ ctx, rawBody }) => editOf(ctx, rawBody),
    }),
  ];
}

function askedOf(body: z.output<typeof fields>, images: readonly string[], mask: string | undefined): Asked {
  const { model, prompt, response_format: format, request_id: requestId, user: _user, ...options } = body;
  return {
    model: model ?? undefined,
    requestId: requestId ?? undefined,
    request: imageRequest({ prompt, images, mask, options }),
    inline: format !== 'url',
    created: Math.floor(Date.now() / 1_000),
  };
}

async function editOf(ctx: ApiContext, rawBody: Buffer): Promise<Asked> {
  const type = ctx.req.headers['content-type'];
  if (isJsonType(type)) {
    const { image, images, mask, ...rest } = jsonEditInput.parse(parseJson(rawBody, 'plain', 'repaired'));
    const urls = [...imageUrlsOf(image, 'image'), ...imageUrlsOf(images, 'images')];
    if (urls.length === 0) throw invalid([{ path: 'image', message: EDIT_FORMS }], 'missingParameter');
    if (urls.length > MAX_EDIT_IMAGES) throw invalid([{ path: 'images', message: `at most ${MAX_EDIT_IMAGES}` }]);
    return askedOf(rest, urls, imageUrlsOf(mask, 'mask')[0]);
  }
  const { images, mask, texts } = await readForm(type, rawBody);
  if (images.length === 0) throw invalid([{ path: 'image', message: EDIT_FORMS }], 'missingParameter');
  const body = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, scalarOf(name, text)]));
  const urls = await Promise.all(images.map((image) => dataUrlOf(image, 'image')));
  return askedOf(formInput.parse(body), urls, mask && (await dataUrlOf(mask, 'mask')));
}

type ImageInput = z.output<typeof imageInput>;

function imageUrlsOf(given: z.output<typeof imageInputs> | null | undefined, path: string): string[] {
  if (given === null || given === undefined || given === '') return [];
  if (!Array.isArray(given)) return [urlOf(given, path)];
  return given.map((one, index) => urlOf(one, `${path}[${index}]`));
}

function urlOf(given: ImageInput, path: string): string {
  if (typeof given === 'string') return imageUrlOf({ url: given }, path);
  const { image_url: address, url, b64_json: base64 } = given;
  return imageUrlOf({ base64, url: (typeof address === 'string' ? address : address?.url) ?? url }, path);
}

/** Texts of a form are what a JSON body has as numbers and flags; a prompt stays as it is. */
function scalarOf(name: string, value: string): unknown {
  if (name === 'prompt' || name === 'model' || name === 'size') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(value) ? Number(value) : value;
}

async function dataUrlOf(file: File, path: string): Promise<string> {
  return imageUrlOf({ base64: Buffer.from(await file.arrayBuffer()).toString('base64') }, path);
}

/** @param inline what stands in place of an image that is asked for in base64. */
function openAiImages(
  outcome: ImageOutcome,
  asked: Asked,
  inline: (image: KeptImage) => unknown,
  shown: CostShown | undefined,
) {
  const rewritten = outcome.actualPrompt === asked.request.prompt ? {} : { revised_prompt: outcome.actualPrompt };
  const [first] = outcome.images;
  const format = first?.bytes && imageTypeOf(first.bytes)?.replace('image/', '');
  return {
    created: asked.created,
    ...(format === undefined ? {} : { output_format: format }),
    ...outcome.facts,
    ...usageAndCost(outcome, shown),
    data: outcome.images.map((image) =>
      asked.inline && image.bytes ? { b64_json: inline(image), ...rewritten } : { url: image.url, ...rewritten },
    ),
  };
}

/** The provider's own count, if there is one, and what was charged. */
function usageAndCost(outcome: ImageOutcome, shown: CostShown | undefined) {
  const said = isJsonObject(outcome.facts.usage) ? outcome.facts.usage : {};
  const usage = { ...said, ...costInWords(outcome, shown) };
  return Object.keys(usage).length === 0 ? {} : { usage };
}

function base64Of({ bytes }: Pick<KeptImage, 'bytes'>): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('base64');
}

const placeSchema = z.strictObject({ storedImage: z.string() });

/** Where an image is kept; undefined when it could not be stored. */
function placeOf({ id }: KeptImage): z.output<typeof placeSchema> | undefined {
  return id === undefined ? undefined : { storedImage: id };
}

/** A kept answer with its images again, in the order of its fields. @throws {AppError} notFound when one is gone. */
async function withStoredImages(text: string, storedImages: Services['storedImages']): Promise<string> {
  const kept: unknown = JSON.parse(text);
  if (!isJsonObject(kept) || !Array.isArray(kept.data)) return text;
  const images = kept.data.map(async (image: unknown) => {
    const place = isJsonObject(image) ? placeSchema.safeParse(image.b64_json).data : undefined;
    if (!isJsonObject(image) || place === undefined) return image;
    const stored = await storedImages.read(place.storedImage);
    if (stored === undefined) throw new AppError('notFound', 'the images of this answer are kept no longer');
    return { ...image, b64_json: base64Of(stored) };
  });
  return JSON.stringify({ ...kept, data: await Promise.all(images) });
}
