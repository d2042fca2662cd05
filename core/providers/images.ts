/**
 * Images as vendors differ in them: the sizes that a model makes, what else it can be asked for, and one image of an
 * answer. Pure.
 */
import { type FieldError, invalid } from '../../infra/errors.ts';
import { textOf } from '../../infra/json-object.ts';
import { imageTypeOfBase64, isImageType } from '../images/image-type.ts';
import type { DeliveredImage } from '../images/stored-images.ts';
import type { ImageRequest } from './provider.ts';

export type ImageSize =
  | { readonly kind: 'pixels'; readonly width: number; readonly height: number }
  /** `2K`, `adaptive`: a name that only some models know. */
  | { readonly kind: 'name'; readonly name: string };

/** What a model makes: a size fits when it is one of the names, or passes every bound that is given. */
export interface SizeRule {
  readonly names?: readonly string[];
  /** The only sizes there are, as `1664x928`. */
  readonly list?: readonly string[];
  /** Bounds of each side in pixels. */
  readonly side?: readonly [least: number, most: number];
  /** Bounds of width x height in pixels. */
  readonly area?: readonly [least: number, most: number];
  /** The longer side over the shorter at most. */
  readonly ratio?: number;
  /** Sizes in pixels cannot be chosen. */
  readonly namesOnly?: true;
}

const PIXELS = /^(\d{2,5})\s*[x*×]\s*(\d{2,5})$/i;

/**
 * `1664*928`, `1664x928` or a name.
 * @returns undefined for what leaves the choice to the model: absent, empty or `auto`.
 */
export function parseImageSize(text: string | undefined): ImageSize | undefined {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '' || trimmed.toLowerCase() === 'auto') return undefined;
  const match = PIXELS.exec(trimmed);
  if (!match) return { kind: 'name', name: trimmed };
  return { kind: 'pixels', width: Number(match[1]), height: Number(match[2]) };
}

/** As the provider writes it. @param separator between width and height. */
export function formatImageSize(size: ImageSize, separator: 'x' | '*'): string {
  return size.kind === 'name' ? size.name : `${size.width}${separator}${size.height}`;
}

/**
 * The size in the spelling of the rule.
 * @throws {AppError} invalidParameter for `size`, saying what the model makes.
 */
export function checkImageSize(size: ImageSize, rule: SizeRule, model: string): ImageSize {
  if (size.kind === 'name') {
    const name = rule.names?.find((known) => known.toLowerCase() === size.name.toLowerCase());
    if (name !== undefined) return { kind: 'name', name };
  } else if (fits(size, rule)) return size;
  const message = `${formatImageSize(size, 'x')} is not made by ${model}: ${describe(rule)}`;
  throw invalid([{ path: 'size', message }]);
}

function fits({ width, height }: { width: number; height: number }, rule: SizeRule): boolean {
  if (rule.namesOnly) return false;
  const within = (value: number, bounds: readonly [number, number] | undefined) =>
    bounds === undefined || (value >= bounds[0] && value <= bounds[1]);
  return (
    (rule.list === undefined || rule.list.includes(`${width}x${height}`)) &&
    within(width, rule.side) &&
    within(height, rule.side) &&
    within(width * height, rule.area) &&
    (rule.ratio === undefined || Math.max(width, height) <= rule.ratio * Math.min(width, height))
  );
}

function describe(rule: SizeRule): string {
  const parts = [
    rule.names?.join(', '),
    rule.list?.join(', '),
    rule.side && `sides of ${rule.side[0]} to ${rule.side[1]} pixels`,
    rule.area && `${rule.area[0]} to ${rule.area[1]} pixels in all`,
    rule.ratio && `at most ${rule.ratio}:1`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? 'its size cannot be chosen' : `it takes ${parts.join('; ')}`;
}

export interface ImageLimits {
  /** Images given to it. */
  readonly inputs: readonly [least: number, most: number];
  /** Images made of one request. */
  readonly outputs: readonly [least: number, most: number];
  readonly mask: boolean;
}

/** @throws {AppError} invalidParameter naming each field that the model cannot serve. */
export function checkDemand(request: ImageRequest, limits: ImageLimits, model: string): void {
  const errors: FieldError[] = [
    ...outside('image', request.images.length, limits.inputs, model),
    ...outside('n', request.n, limits.outputs, model),
    ...(request.mask !== undefined && !limits.mask ? [{ path: 'mask', message: `is not taken by ${model}` }] : []),
  ];
  if (errors.length > 0) throw invalid(errors);
}

function outside(path: string, count: number, [least, most]: readonly [number, number], model: string): FieldError[] {
  if (count >= least && count <= most) return [];
  const range = least === most ? `${least}` : `${least} to ${most}`;
  const message = path === 'n' ? `must be ${range} for ${model}` : `${model} takes ${range} input images, not ${count}`;
  return [{ path, message }];
}

const HTTP_URL = /^https?:\/\//i;
const DATA_URL = /^data:([\w.+/-]+);base64,/i;

/**
 * @param image a member of `data` in OpenAI's form.
 * @returns undefined when it holds no image.
 */
export function deliveredImage(image: { url?: unknown; b64_json?: unknown }): DeliveredImage | undefined {
  const base64 = textOf(image.b64_json);
  if (base64 !== undefined) return inline(base64);
  const url = textOf(image.url);
  if (url === undefined) return undefined;
  if (HTTP_URL.test(url)) return { kind: 'url', url };
  // Callers open links: one that leads elsewhere (`file:`, `javascript:`) is never given on.
  return DATA_URL.test(url) ? inline(url) : undefined;
}

/** The bytes say what they are; where we do not know them, what the provider says, if it is an image. */
function inline(text: string): DeliveredImage | undefined {
  const prefix = DATA_URL.exec(text);
  const data = prefix ? text.slice(prefix[0].length) : text;
  const claimed = prefix?.[1]?.toLowerCase() ?? 'image/png';
  const mediaType = imageTypeOfBase64(data) ?? (isImageType(claimed) ? claimed : undefined);
  return mediaType === undefined ? undefined : { kind: 'base64', data, mediaType };
}
