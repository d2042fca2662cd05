/** Pictures in requests: base64 with or without prefix, data URL, or http(s) URL. Pure. */

import { pictureTypeOfBase64 } from '../../core/images/picture-type.ts';
import { invalid } from '../../infra/errors.ts';

const HTTP_URL = /^https?:\/\//i;
const DATA_URL = /^data:[^,]{0,200},/i;
const BASE64_DATA_URL = /^data:image\/[\w.+-]{1,100};base64,/i;

/** A picture as a URL that providers understand. @throws {AppError} naming the field. */
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
    throw invalid([{ path, message: 'is no data URL of a picture in base64' }]);
  }
  const data = text.slice(prefix?.length ?? 0).replace(/\s+/g, '');
  if (!isBase64(data)) throw invalid([{ path, message: 'is neither base64 nor a URL' }]);
  const mediaType = pictureTypeOfBase64(data);
  if (!mediaType)
    throw invalid([{ path, message: 'is not a PNG, JPEG, GIF, WebP or BMP picture' }], 'unsupportedFileType');
  return `data:${mediaType};base64,${data}`;
}

/** A last group of one character would be less than a byte. */
function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) && text.replace(/=+$/, '').length % 4 !== 1;
}
