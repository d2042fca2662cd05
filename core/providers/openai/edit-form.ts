/** The multipart form of an edit (PROVIDERS.md, 4.1). */
import type { Picture } from '../../images/picture-reader.ts';
import type { ImageRequest } from '../provider.ts';
import type { ImageFields } from './image-fields.ts';

/** @param read gives the bytes of a data URL or an http(s) URL. */
export async function editForm(
  fields: ImageFields,
  request: ImageRequest,
  read: (url: string) => Promise<Picture>,
): Promise<FormData> {
  const [pictures, mask] = await Promise.all([
    Promise.all(request.images.map(read)),
    request.mask === undefined ? undefined : read(request.mask),
  ]);
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, asText(value));
  // One picture and a list have different names there.
  const name = pictures.length === 1 ? 'image' : 'image[]';
  for (const [index, picture] of pictures.entries())
    form.append(name, blob(picture), fileName(`image-${index}`, picture));
  if (mask) form.append('mask', blob(mask), fileName('mask', mask));
  return form;
}

function asText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function blob({ bytes, mediaType }: Picture): Blob {
  return new Blob([bytes], { type: mediaType });
}

/** The format is read from the name's end as well as from the type. */
function fileName(name: string, { mediaType }: Picture): string {
  return `${name}.${mediaType.replace(/^image\//, '').replace(/\W.*$/, '')}`;
}
