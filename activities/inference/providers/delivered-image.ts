/** One picture of an answer. Pure. */
import { pictureTypeOfBase64 } from '../../images/picture-type.ts';
import { textOf } from './json-object.ts';
import type { ImageAnswer } from './provider.ts';

export type DeliveredImage = ImageAnswer['images'][number];

const DATA_URL = /^data:([\w.+/-]+);base64,/;

/**
 * @param image a member of `data` in OpenAI's form.
 * @returns undefined when it holds no picture.
 */
export function deliveredImage(image: { url?: unknown; b64_json?: unknown }): DeliveredImage | undefined {
  const base64 = textOf(image.b64_json);
  if (base64 !== undefined) return inline(base64);
  const url = textOf(image.url);
  if (url === undefined) return undefined;
  return url.startsWith('data:') ? inline(url) : { kind: 'url', url };
}

function inline(text: string): DeliveredImage {
  const prefix = DATA_URL.exec(text);
  const data = prefix ? text.slice(prefix[0].length) : text;
  return { kind: 'base64', data, mediaType: pictureTypeOfBase64(data) ?? prefix?.[1] ?? 'image/png' };
}
