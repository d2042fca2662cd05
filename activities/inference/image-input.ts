/** Pictures in requests: base64 with or without prefix, data URL, or http(s) URL. Pure. */
import { invalid } from '../../infra/errors.ts';
import { pictureTypeOfBase64 } from '../images/picture-type.ts';

/** A picture as a URL that providers understand. @throws {AppError} naming the field. */
export function imageUrlOf(image: { base64?: string | undefined; url?: string | undefined }, path: string): string {
  if (image.url !== undefined && image.url !== '') {
    if (/^(https?:\/\/|data:image\/)/i.test(image.url)) return image.url;
    return dataUrl(image.url, `${path}.url`);
  }
  if (image.base64 !== undefined && image.base64 !== '') return dataUrl(image.base64, `${path}.base64`);
  throw invalid([{ path, message: 'needs base64 or url' }], 'missingParameter');
}

function dataUrl(text: string, path: string): string {
  if (/^data:image\/[\w.+-]+;base64,/i.test(text)) return text;
  const data = text.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(data)) throw invalid([{ path, message: 'is neither base64 nor a URL' }]);
  const mediaType = pictureTypeOfBase64(data);
  if (!mediaType)
    throw invalid([{ path, message: 'is not a PNG, JPEG, GIF, WebP or BMP picture' }], 'unsupportedFileType');
  return `data:${mediaType};base64,${data}`;
}
