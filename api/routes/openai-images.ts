/** Images as OpenAI's clients ask for them: generations as JSON, edits as a form or as JSON. */
import { z } from 'zod';
import type { AccessKeyCaller } from '../../activities/accounts/caller.ts';
import { claimRequest } from '../../activities/billing/idempotency.ts';
import { imageUrlOf } from '../../activities/inference/image-input.ts';
import type { ImageOutcome, ImageService } from '../../activities/inference/images.ts';
import { pictureRequest } from '../../activities/inference/picture-request.ts';
import type { ImageRequest } from '../../activities/inference/providers/provider.ts';
import type { Config } from '../../infra/config.ts';
import { invalid } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { callHeaders, keptCall, replayCall } from '../call-answer.ts';
import { isJsonType, parseJson } from '../json.ts';
import { keyedRequest } from '../keyed.ts';
import { tellLimits } from '../rate-limit-headers.ts';
import { ANSWERED, type Route, route } from '../route.ts';
import type { ApiContext, RouteInput } from '../route-input.ts';

const TAG = 'Inference';
const MAX_EDIT_IMAGES = 16;

const fields = z
  .looseObject({
    model: z.string().nullish(),
    prompt: z.string(),
    response_format: z.enum(['url', 'b64_json']).nullish(),
  })
  .meta({ description: 'OpenAI images; fields that are not listed pass to the provider.' });
const jsonEdit = fields.extend({
  images: z
    .array(z.looseObject({ image_url: z.string() }))
    .min(1)
    .max(MAX_EDIT_IMAGES),
  mask: z.looseObject({ image_url: z.string() }).nullish(),
});
const answer = z
  .object({
    created: z.number().int().meta({ description: 'Seconds since 1970' }),
    data: z.array(
      z.object({
        url: z.string().optional(),
        b64_json: z.string().optional(),
        revised_prompt: z.string().optional().meta({ description: 'What the provider made of the prompt' }),
      }),
    ),
  })
  .meta({ description: 'OpenAI images answer' });

type Input<Body> = RouteInput<undefined, undefined, Body, AccessKeyCaller>;

/** A request in OpenAI's form, its pictures as URLs. */
interface Asked {
  readonly model: string | undefined;
  readonly request: ImageRequest;
  readonly inline: boolean;
}

export function openAiImageRoutes({ images }: { readonly images: ImageService }, config: Config): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/images/generations',
      summary: 'Text to image, under OpenAI’s own path',
      tag: TAG,
      access: 'access-key',
      claimsKey: true,
      body: fields,
      success: answer,
      answer: 'openai',
      handler: async (input) => {
        await generate(images, input, askedOf(input.body, [], undefined), config);
        return ANSWERED;
      },
    }),
    route({
      method: 'post',
      path: '/v1/images/edits',
      summary: 'Image to image, under OpenAI’s own path; a form or JSON',
      tag: TAG,
      access: 'access-key',
      claimsKey: true,
      bodyForm: 'bytes',
      success: answer,
      answer: 'openai',
      handler: async (input) => {
        await generate(images, input, await editOf(input.ctx, input.rawBody), config);
        return ANSWERED;
      },
    }),
  ];
}

function askedOf(body: z.output<typeof fields>, pictures: readonly string[], mask: string | undefined): Asked {
  const { model, prompt, response_format: format, user: _user, ...options } = body;
  return {
    model: model ?? undefined,
    request: pictureRequest({ prompt, images: pictures, mask, options }),
    inline: format === 'b64_json',
  };
}

async function editOf(ctx: ApiContext, rawBody: Buffer): Promise<Asked> {
  const type = ctx.req.headers['content-type'];
  if (isJsonType(type)) {
    const { images, mask, ...rest } = parsed(jsonEdit, parseJson(rawBody, 'plain'));
    const urls = images.map((image, index) => imageUrlOf({ url: image.image_url }, `images[${index}].image_url`));
    return askedOf(rest, urls, mask ? imageUrlOf({ url: mask.image_url }, 'mask.image_url') : undefined);
  }
  const form = await formOf(type, rawBody);
  const pictures: string[] = [];
  let mask: string | undefined;
  const body: Record<string, unknown> = {};
  for (const [name, value] of form) {
    if (typeof value === 'string') body[name] = scalarOf(name, value);
    else if (name === 'mask') mask = await dataUrlOf(value, name);
    else if (/^image(\[\d*\])?$/.test(name)) pictures.push(await dataUrlOf(value, name));
  }
  if (pictures.length === 0) throw invalid([{ path: 'image', message: 'is required' }], 'missingParameter');
  if (pictures.length > MAX_EDIT_IMAGES) throw invalid([{ path: 'image', message: `at most ${MAX_EDIT_IMAGES}` }]);
  return askedOf(parsed(fields, body), pictures, mask);
}

async function formOf(type: string | undefined, rawBody: Buffer): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(rawBody), { headers: { 'content-type': type ?? '' } }).formData();
  } catch {
    throw invalid([{ path: '', message: 'the body must be multipart/form-data or JSON' }], 'malformedBody');
  }
}

/** Texts of a form are what a JSON body has as numbers and flags; a prompt stays as it is. */
function scalarOf(name: string, value: string): unknown {
  if (name === 'prompt' || name === 'model' || name === 'size') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

async function dataUrlOf(file: File, path: string): Promise<string> {
  return imageUrlOf({ base64: Buffer.from(await file.arrayBuffer()).toString('base64') }, path);
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })));
}

async function generate(images: ImageService, input: Input<unknown>, asked: Asked, config: Config): Promise<void> {
  const { ctx, caller, rawBody, traceId, log } = input;
  const requestId = newId();
  const keyed = keyedRequest(ctx, caller, rawBody, undefined);
  const created = Math.floor(Date.now() / 1_000);
  const textOf = (outcome: ImageOutcome) => JSON.stringify(openAiImages(outcome, asked, created));
  const reply = await images.generate(
    {
      caller,
      model: asked.model === undefined ? {} : { identifier: asked.model },
      request: asked.request,
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
  ctx.body = reply.kind === 'answered-now' ? textOf(reply.outcome) : replayCall(ctx, reply.answer);
}

function openAiImages(outcome: ImageOutcome, asked: Asked, created: number) {
  const rewritten = outcome.actualPrompt === asked.request.prompt ? {} : { revised_prompt: outcome.actualPrompt };
  return {
    created,
    data: outcome.pictures.map(({ url, bytes }) =>
      asked.inline && bytes ? { b64_json: Buffer.from(bytes).toString('base64'), ...rewritten } : { url, ...rewritten },
    ),
  };
}
