/** Image generation in the gateway's own form, and the images it has kept. */
import { z } from 'zod';
import { generateImageRequest } from '../../activities/inference/image-request.ts';
import { type ImageOutcome, type ImageService, imageReply } from '../../activities/inference/images.ts';
import type { ImageLinks } from '../../core/images/image-links.ts';
import { isImageType } from '../../core/images/image-type.ts';
import type { StoredImages } from '../../core/images/stored-images.ts';
import { AppError } from '../../infra/errors.ts';
import { optional } from '../http/fields.ts';
import { ENVELOPE } from '../http/forms.ts';
import type { InferenceServices, WholeCall } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import { decimalOutput } from '../http/money.ts';
import { ANSWERED, type Route, route } from '../http/route.ts';
import { MOST_CHARACTERS, modelFields, modelNameOf, optionsInput, requestIdInput } from './chat.ts';

/** More than any model takes. */
export const MOST_PROMPT_CHARACTERS = 100_000;
const imageText = z.string().max(MOST_CHARACTERS);

/** What image requests in the gateway's own form have in common, synchronous or not. */
export const imageFields = {
  prompt: z.string().max(MOST_PROMPT_CHARACTERS).describe('What the image is to show'),
  ...modelFields,
  originImage: optional(
    z.union([
      imageText,
      z.object({
        base64: optional(imageText).describe('The image in base64, with or without the head of a data URL'),
        url: optional(imageText).describe('Its address, or a data URL; this or base64'),
      }),
    ]),
  ).describe('The image to start from: base64, a data URL or an address'),
  options: optional(optionsInput).describe('size, n, seed and the like, in the words of the provider'),
  requestId: requestIdInput,
};

const replySchema = z.object({
  imageUrls: z.array(z.string()).describe('Addresses of the images, signed and good for a time'),
  actualPrompt: z.string().describe('What the provider made of the prompt'),
  usedModelIdentifier: z.string().describe('The model that made them'),
  cost: decimalOutput.describe('What the call cost'),
  priceRule: z.string().optional().describe('The rule of the price that was applied; absent for none'),
  requestId: z.string().describe('Id of the call, for the usage log'),
});

interface Services extends InferenceServices {
  readonly images: ImageService;
  readonly storedImages: StoredImages;
  readonly imageLinks: ImageLinks;
}

export function imageRoutes(services: Services): Route[] {
  return [
    inferenceRoute(services, {
      path: '/v1/generate-image',
      operationId: 'generateImage',
      summary: 'Text to image, or image to image with originImage',
      body: z.object(imageFields),
      success: replySchema,
      form: ENVELOPE,
      parse: ({ body }) => ({ fields: body, request: generateImageRequest(body) }),
      requestId: ({ fields }) => fields.requestId,
      run: ({ fields, request: asked }, { request, context }: WholeCall<ImageOutcome>) =>
        services.images.generate({ ...request, model: modelNameOf(fields), request: asked }, context),
      render: (outcome) => imageReply(outcome),
    }),
    route({
      method: 'get',
      path: '/v1/pictures/{pictureId}',
      operationId: 'getImage',
      summary: 'A kept image, by its signed link',
      tag: 'Inference',
      access: 'open',
      params: z.object({ pictureId: z.string().max(36).describe('Id of the image, from its link') }),
      query: z.object({
        expires: z.coerce.number().int().describe('When the link ends, from the link itself'),
        signature: z.string().max(100).describe('Signature of the link, from the link itself'),
      }),
      unknownFields: 'ignored',
      success: z.string().meta({ format: 'binary' }),
      mediaType: 'image/*',
      otherAnswers: [
        {
          ...{ status: 200, description: 'An image whose type is not known', mediaType: 'application/octet-stream' },
          schema: z.string().meta({ format: 'binary' }),
        },
      ],
      handler: async ({ ctx, params, query }) => {
        const { pictureId } = params;
        if (!services.imageLinks.isGood(pictureId, query.expires, query.signature, Date.now())) {
          throw new AppError('forbidden', 'the link is not signed by this gateway, or has expired');
        }
        const image = await services.storedImages.read(pictureId);
        if (!image) throw new AppError('notFound', 'the image is gone');
        ctx.set('Cache-Control', 'private, max-age=86400, immutable');
        ctx.type = isImageType(image.mediaType) ? image.mediaType : 'application/octet-stream';
        ctx.body = Buffer.from(image.bytes);
        return ANSWERED;
      },
    }),
  ];
}
