/**
 * Image requests of the gateway's own form and of OpenAI's, brought into one; images in it are base64 with or without a
 * prefix, data URLs or http(s) URLs. Pure.
 */
import { imageTypeOfBase64 } from '../../core/images/image-type.ts';
import type { ImageRequest } from '../../core/providers/provider.ts';
import { type FieldError, invalid } from '../../infra/errors.ts';
import { isInheritedName } from '../../infra/json-object.ts';

type Json = Readonly<Record<string, unknown>>;

export interface ImageRequestInput {
  readonly prompt: string;
  /** http(s) or data URLs. */
  readonly images: readonly string[];
  readonly mask?: string | undefined;
  /** `size, n, seed, prompt_extend, watermark, strength, negative_prompt`; others pass to the provider. */
  readonly options: Json;
}

const MOST_IMAGES = 15;
/** Set by the gateway, or priced: a caller cannot reach them through the options. */
const FORBIDDEN = new Set([
  'model',
  'prompt',
  'image',
  'images',
  'mask',
  'stream',
  'partial_images',
  'response_format',
  'max_images',
  'num_images',
  'batch_size',
  'enable_sequential',
  'sequential_image_generation',
  'sequential_image_generation_options',
  'tools',
]);
/** Clients send them with every request. */
const SAYS_NOTHING: ReadonlySet<unknown> = new Set([null, false, 0, '']);
/** Providers read such form fields as images. */
const NUMBERED_IMAGE = /^(image|mask)\[/;
/** Fields that are read here, in the spellings of both forms. */
const READ = new Set([
  'size',
  'n',
  'seed',
  'prompt_extend',
  'promptExtend',
  'watermark',
  'strength',
  'negative_prompt',
  'negativePrompt',
]);

/** @throws {AppError} naming each field that is wrong. */
export function imageRequest(input: ImageRequestInput): ImageRequest {
  const errors: FieldError[] = [];
  const { options } = input;
  const field = <Value>(names: readonly string[], is: (value: unknown) => value is Value, wanted: string) => {
    for (const name of names) {
      const value = options[name];
      if (value === undefined || value === null || value === '') continue;
      if (is(value)) return value;
      errors.push({ path: `options.${name}`, message: `must be ${wanted}` });
    }
    return undefined;
  };
  if (input.prompt.trim() === '') errors.push({ path: 'prompt', message: 'is required' });
  const n = field(['n'], isCount, `an integer from 1 to ${MOST_IMAGES}`);
  const size = field(['size'], isText, 'a text such as 1024x1024');
  const seed = field(['seed'], Number.isInteger as (value: unknown) => value is number, 'an integer');
  const strength = field(['strength'], isShare, 'a number from 0 to 1');
  const promptExtend = field(['prompt_extend', 'promptExtend'], isFlag, 'true or false');
  const watermark = field(['watermark'], isFlag, 'true or false');
  const negativePrompt = field(['negative_prompt', 'negativePrompt'], isText, 'a text');
  const extra: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (isInheritedName(name)) errors.push({ path: `options.${name}`, message: 'is not an allowed name' });
    else if (FORBIDDEN.has(name) || NUMBERED_IMAGE.test(name)) {
      if (!SAYS_NOTHING.has(value)) errors.push({ path: `options.${name}`, message: 'cannot be set here' });
    } else if (!READ.has(name) && value !== null) extra[name] = value;
  }
  if (errors.length > 0) throw invalid(errors);
  return {
    prompt: input.prompt,
    images: input.images,
    n: n ?? 1,
    extra,
    ...(input.mask === undefined ? {} : { mask: input.mask }),
    ...(size === undefined ? {} : { size }),
    ...(seed === undefined ? {} : { seed }),
    ...(strength === undefined ? {} : { strength }),
    ...(promptExtend === undefined ? {} : { promptExtend }),
    ...(watermark === undefined ? {} : { watermark }),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
  };
}

/** The body of POST /v1/generate-image, as checked by its route. */
export interface GenerateImageInput {
  readonly prompt: string;
  readonly originImage?:
    | string
    | { readonly base64?: string | undefined; readonly url?: string | undefined }
    | undefined;
  readonly options?: Json | undefined;
}

export function generateImageRequest(input: GenerateImageInput): ImageRequest {
  const origin = typeof input.originImage === 'string' ? { url: input.originImage } : input.originImage;
  const images = origin === undefined ? [] : [imageUrlOf(origin, 'originImage')];
  return imageRequest({ prompt: input.prompt, images, options: input.options ?? {} });
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MOST_IMAGES;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 4_000;
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

const HTTP_URL = /^https?:\/\//i;
const DATA_URL = /^data:[^,]{0,200},/i;
const BASE64_DATA_URL = /^data:image\/[\w.+-]{1,100};base64,/i;

/** An image as a URL that providers understand. @throws {AppError} naming the field. */
export function imageUrlOf(image: { base64?: string | undefined; url?: string | undefined }, path: string): string {
  const { base64 = '', url = '' } = image;
  if (HTTP_URL.test(url)) return url;
  if (url !== '') return dataUrl(url, `${path}.url`);
  if (base64 !== '') return dataUrl(base64, `${path}.base64`);
  throw invalid([{ path, message: 'needs base64 or url' }], 'missingParameter');
}

/** The data URL of base64 with or without such a prefix; its type is what the bytes say. */
function dataUrl(text: string, path: string): string {
  const prefix = BASE64_DATA_URL.exec(text)?.[0];
  if (prefix === undefined && DATA_URL.test(text)) {
    throw invalid([{ path, message: 'is no data URL of an image in base64' }]);
  }
  const data = withoutSpaces(text.slice(prefix?.length ?? 0));
  if (!isBase64(data)) throw invalid([{ path, message: 'is neither base64 nor a URL' }]);
  const mediaType = imageTypeOfBase64(data);
  if (!mediaType)
    throw invalid([{ path, message: 'is not a PNG, JPEG, GIF, WebP or BMP image' }], 'unsupportedFileType');
  return `data:${mediaType};base64,${data}`;
}

/** By bytes: `replace` takes seconds and hundreds of megabytes for millions of spaces. */
function withoutSpaces(text: string): string {
  if (!/\s/.test(text)) return text;
  const bytes = Buffer.from(text);
  let kept = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) bytes[kept++] = byte;
  }
  return bytes.toString('latin1', 0, kept);
}

/** A last group of one character would be less than a byte. */
function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1;
}
