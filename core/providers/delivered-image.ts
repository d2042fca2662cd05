/** One picture of an answer. Pure. */

import { textOf } from '../../infra/json-object.ts';
import { isPictureType, pictureTypeOfBase64 } from '../images/picture-type.ts';
import type { DeliveredImage } from '../images/pictures.ts';

const HTTP_URL = /^https?:\/\//i;
const DATA_URL = /^data:([\w.+/-]+);base64,/i;

/**
 * @param image a member of `data` in OpenAI's form.
 * @returns undefined when it holds no picture.
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

/** The bytes say what they are; where we do not know them, what the provider says, if it is a picture. */
function inline(text: string): DeliveredImage | undefined {
  const prefix = DATA_URL.exec(text);
  const data = prefix ? text.slice(prefix[0].length) : text;
  const told = prefix?.[1]?.toLowerCase() ?? 'image/png';
  const mediaType = pictureTypeOfBase64(data) ?? (isPictureType(told) ? told : undefined);
  return mediaType === undefined ? undefined : { kind: 'base64', data, mediaType };
}
