/** Image generation in the gateway's own form, and the pictures it has kept. */
import { z } from 'zod';
import { claimRequest } from '../../activities/billing/idempotency.ts';
import type { PictureLinks } from '../../activities/images/picture-links.ts';
import { isPictureType } from '../../activities/images/picture-type.ts';
import type { Pictures } from '../../activities/images/pictures.ts';
import { type ImageOutcome, type ImageService, imageReply } from '../../activities/inference/images.ts';
import { generateImageRequest } from '../../activities/inference/picture-request.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { callHeaders, keptCall, replayCall } from '../call-answer.ts';
import { successTextOf } from '../envelope.ts';
import { keyedRequest } from '../keyed.ts';
import { idInput, optional } from '../lenient.ts';
import { decimalOutput } from '../money.ts';
import { tellLimits } from '../rate-limit-headers.ts';
import { ANSWERED, type Route, route } from '../route.ts';
import { modelNameOf } from './chat.ts';

/** What image requests in the gateway's own form have in common, synchronous or not. */
export const imageFields = {
  prompt: z.string(),
  modelInternalId: optional(idInput),
  modelIdentifier: optional(z.string()),
  originImage: optional(
    z.union([z.string(), z.object({ base64: optional(z.string()), url: optional(z.string()) })]),
  ).meta({ description: 'The picture to start from: base64 with or without prefix, data URL, or URL.' }),
  options: optional(z.record(z.string(), z.unknown())),
  requestId: optional(z.string()),
};

const replySchema = z.object({
  imageUrls: z.array(z.string()),
  actualPrompt: z.string(),
  usedModelIdentifier: z.string(),
  cost: decimalOutput,
  requestId: z.string(),
});

interface Services {
  readonly images: ImageService;
  readonly pictures: Pictures;
  readonly pictureLinks: PictureLinks;
}

export function imageRoutes(services: Services, config: Config): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/generate-image',
      summary: 'Text to image, or image to image with originImage',
      tag: 'Inference',
      access: 'access-key',
      claimsKey: true,
      body: z.object(imageFields),
      success: replySchema,
      handler: async ({ ctx, caller, body, rawBody, traceId, log }) => {
        const requestId = newId();
        const keyed = keyedRequest(ctx, caller, rawBody, body.requestId);
        const textOf = (outcome: ImageOutcome) => JSON.stringify(imageReply(outcome));
        const reply = await services.images.generate(
          {
            caller,
            model: modelNameOf(body),
            request: generateImageRequest(body),
            traceId,
            onLimits: tellLimits(ctx),
            ...(keyed
              ? {
                  claim: claimRequest(keyed.scope, keyed.key, keyed.fingerprint, requestId),
                  keep: (outcome: ImageOutcome) => keptCall(outcome, textOf(outcome)),
                }
              : {}),
          },
          { signal: AbortSignal.timeout(config.UPSTREAM_TOTAL_TIMEOUT), heartbeat: () => undefined, log, requestId },
        );
        if (reply.kind === 'answered-now') ctx.set(callHeaders(reply.outcome));
        ctx.type = 'application/json; charset=utf-8';
        const dataText =
          reply.kind === 'answered-now' ? textOf(reply.outcome) : replayCall(ctx, reply.answer).toString();
        ctx.body = successTextOf(dataText, traceId);
        return ANSWERED;
      },
    }),
    route({
      method: 'get',
      path: '/v1/pictures/{pictureId}',
      summary: 'A kept picture, by its signed link',
      tag: 'Inference',
      access: 'open',
      params: z.object({ pictureId: z.string().max(36) }),
      query: z.object({ expires: z.coerce.number().int(), signature: z.string().max(100) }),
      success: z.unknown(),
      mediaType: 'image/*',
      handler: async ({ ctx, params, query }) => {
        const { pictureId } = params;
        if (!services.pictureLinks.isGood(pictureId, query.expires, query.signature, Date.now())) {
          throw new AppError('forbidden', 'the link is not signed by this gateway, or has expired');
        }
        const picture = await services.pictures.read(pictureId);
        if (!picture) throw new AppError('notFound', 'the picture is gone');
        ctx.set('Cache-Control', 'private, max-age=86400, immutable');
        ctx.type = isPictureType(picture.mediaType) ? picture.mediaType : 'application/octet-stream';
        ctx.body = Buffer.from(picture.bytes);
        return ANSWERED;
      },
    }),
  ];
}
