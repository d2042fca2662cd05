/** Images a caller sends: `data:` URLs are read, http(s) URLs are believed. */
import { Buffer } from 'node:buffer';
import { type ImageSize, imageSize } from './image-size.ts';

export type ImageInput =
  /** An image whose header was read. */
  | { kind: 'read'; size: ImageSize; bytes: number }
  /** An address: the simulator fetches nothing. */
  | { kind: 'address' }
  | { kind: 'invalid'; reason: string };

const DATA_URL = /^data:image\/[a-z0-9.+-]+;base64,/i;

export function readImageInput(url: string): ImageInput {
  if (/^https?:\/\//i.test(url)) return { kind: 'address' };
  const prefix = DATA_URL.exec(url)?.[0];
  if (prefix === undefined) return { kind: 'invalid', reason: 'is neither an http(s) address nor a base64 data URL' };
  const bytes = Buffer.from(url.slice(prefix.length), 'base64');
  const size = imageSize(bytes);
  if (size === undefined) return { kind: 'invalid', reason: 'is not a PNG, JPEG, GIF, WebP or BMP image' };
  return { kind: 'read', size, bytes: bytes.length };
}

/** Size assumed for images given by address. */
const ASSUMED_SIZE: ImageSize = { width: 1024, height: 1024 };
const TOKENS_LOW = 85;
const TOKENS_PER_TILE = 170;

/**
 * Tokens of an image by OpenAI's published rule for its 4o models: 85 at low detail, otherwise 85 and 170 for each
 * 512-pixel tile after the image is fitted into 2048 x 2048 and its shorter side brought down to 768.
 */
export function imageTokens(input: ImageInput, detail: string): number {
  if (detail === 'low') return TOKENS_LOW;
  const { width, height } = input.kind === 'read' ? input.size : ASSUMED_SIZE;
  const fit = Math.min(1, 2048 / Math.max(width, height));
  const shrink = Math.min(1, 768 / (Math.min(width, height) * fit));
  const tiles = Math.ceil((width * fit * shrink) / 512) * Math.ceil((height * fit * shrink) / 512);
  return TOKENS_LOW + TOKENS_PER_TILE * tiles;
}
