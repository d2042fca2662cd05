/**
 * Images of DashScope: the request as its native calls take it, a synchronous call or a task as the model's data says,
 * and the images out of both layouts of an answer.
 */
import { setTimeout } from 'node:timers/promises';
import { invalid } from '../../../infra/errors.ts';
import { isJsonObject, type JsonObject, textOf } from '../../../infra/json-object.ts';
import type { CallLimits, Outbound } from '../../../infra/outbound.ts';
import { UpstreamFailure } from '../failure.ts';
import { checkDemand, checkImageSize, deliveredImage, formatImageSize, parseImageSize } from '../images.ts';
import type { ImageAdapter, ImageAnswer, ImageRequest } from '../provider.ts';
import { type DashScopeImageModel, dashScopeImageModel, isTask, type OptionalParameter } from './image-models.ts';
import { createNativeCalls, type NativeCall, refusedInside } from './native-call.ts';
import { runTask, type TaskDeps, type Wait } from './tasks.ts';

export interface DashScopeImageDeps {
  readonly outbound: Outbound;
  /** Of a call that makes the images while the connection waits. */
  readonly limits: CallLimits;
  readonly wait?: Wait;
  readonly nowMs?: () => number;
}

export function createDashScopeImages(deps: DashScopeImageDeps): ImageAdapter {
  const { outbound, limits, wait = pause, nowMs = () => performance.now() } = deps;
  const send = createNativeCalls(outbound);
  const taskDeps: TaskDeps = { send, wait, nowMs, totalMs: limits.totalMs };

  return {
    generate: async (target, request, tasks, context) => {
      const { call } = dashScopeImageModel(target.model);
      const body = nativeImageBody(request, target.model);
      const generation: NativeCall = { method: 'POST', path: `/services/aigc/${call}`, body, limits };
      const answer = isTask(call)
        ? await runTask(taskDeps, target, generation, tasks, context)
        : await send(target, generation, context.signal);
      return imageAnswerOf(answer, target.apiKey);
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, { signal });
}

type Fields = Readonly<Record<string, unknown>>;

export interface NativeImageBody {
  readonly model: string;
  readonly input: Fields;
  readonly parameters: Fields;
}

const LARGEST_SEED = 2_147_483_647;
/** Ark's word for no seed of one's own, which callers of both use. */
const RANDOM_SEED = -1;

/** OpenAI's fields for how the answer comes; here it is always addresses. */
const OWN_FIELDS = new Set(['response_format', 'stream', 'function']);

/** @throws {AppError} invalidParameter for what the model cannot do. */
export function nativeImageBody(request: ImageRequest, name: string): NativeImageBody {
  const model = dashScopeImageModel(name);
  const sequential = request.extra.enable_sequential === true;
  const outputs = (sequential && model.sequentialOutputs) || model.outputs;
  checkDemand(request, { ...model, outputs }, name);
  const { negative_prompt, ...options } = optionsOf(request, model);
  const besidePrompt = model.call.startsWith('text2image') || model.call.startsWith('image2image');
  return {
    model: name,
    input: withoutUndefined({
      ...(besidePrompt ? promptInput(request, model) : messagesInput(request)),
      negative_prompt: besidePrompt ? negative_prompt : undefined,
    }),
    parameters: withoutUndefined({
      ...Object.fromEntries(Object.entries(request.extra).filter(([field]) => !OWN_FIELDS.has(field))),
      ...options,
      negative_prompt: besidePrompt ? undefined : negative_prompt,
      size: sizeOf(request, name, model),
      // Most Wan models make and bill four images where it is left out.
      n: request.n,
    }),
  };
}

function optionsOf(request: ImageRequest, model: DashScopeImageModel): Partial<Record<OptionalParameter, unknown>> {
  const given: Record<OptionalParameter, unknown> = {
    negative_prompt: request.negativePrompt,
    prompt_extend: request.promptExtend ?? model.promptExtendDefault,
    seed: seedOf(request.seed),
    strength: request.strength,
    watermark: request.watermark,
  };
  return Object.fromEntries(model.takes.map((name) => [name, given[name]]));
}

function seedOf(seed: number | undefined): number | undefined {
  if (seed === undefined || seed === RANDOM_SEED) return undefined;
  if (Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED) return seed;
  throw invalid([{ path: 'seed', message: `must be a whole number from 0 to ${LARGEST_SEED}` }]);
}

function sizeOf(request: ImageRequest, name: string, model: DashScopeImageModel): string | undefined {
  const size = parseImageSize(request.size);
  const plain = request.images.length === 0 && request.extra.enable_sequential !== true;
  const rule = plain ? model.size : (model.sizeOfOthers ?? model.size);
  const checked = size && rule ? checkImageSize(size, rule, name) : size;
  return checked && formatImageSize(checked, '*');
}

function promptInput(request: ImageRequest, model: DashScopeImageModel): Fields {
  const { prompt, images, mask } = request;
  if (!model.byFunction) return { prompt, images: images.length === 0 ? undefined : images };
  return {
    function: request.extra.function ?? (mask === undefined ? 'description_edit' : 'description_edit_with_mask'),
    prompt,
    base_image_url: images[0],
    mask_image_url: mask,
  };
}

/** Exactly one message with exactly one text, after the images. */
function messagesInput({ prompt, images }: ImageRequest): Fields {
  return { messages: [{ role: 'user', content: [...images.map((image) => ({ image })), { text: prompt }] }] };
}

function withoutUndefined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/**
 * `output.results[]`, or `output.choices[].message.content[]`, where several images are several choices or several
 * contents. A result that is a code in place of an image does not spoil the others.
 * @param body the answer of a synchronous call or of a finished task.
 * @throws {UpstreamFailure} when nothing was delivered.
 */
function imageAnswerOf(body: JsonObject, apiKey: string): ImageAnswer {
  const output = isJsonObject(body.output) ? body.output : {};
  const results = objectsOf(output.results);
  const contents = objectsOf(output.choices).flatMap(({ message }) =>
    isJsonObject(message) ? objectsOf(message.content) : [],
  );
  const urls = [...results.map(({ url }) => url), ...contents.map(({ image }) => image)];
  const images = urls.map((url) => deliveredImage({ url })).filter((image) => image !== undefined);
  if (images.length === 0) throw nothingDelivered([body, output, ...results], apiKey);
  const actualPrompt = results.map((result) => textOf(result.actual_prompt)).find((text) => text !== undefined);
  // Tokens are reported by some models, and billed by none.
  return { images, ...(actualPrompt === undefined ? {} : { actualPrompt }), usage: undefined };
}

function nothingDelivered(places: readonly JsonObject[], apiKey: string): UpstreamFailure {
  const refusal = places.find(({ code }) => textOf(code) !== undefined);
  if (refusal) return refusedInside(refusal, apiKey);
  return new UpstreamFailure('transient', 'the provider delivered no image', { status: 200 });
}

function objectsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
