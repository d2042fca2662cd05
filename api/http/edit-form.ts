/** The multipart form of an image edit: files where files belong, texts where texts belong, few of both. */
import { AppError, invalid } from '../../infra/errors.ts';
import { isInheritedName } from '../../infra/json-object.ts';

export const MOST_PARTS = 64;
const MOST_IMAGES = 16;
const MOST_NAME_CHARACTERS = 100;
const MOST_TEXT_CHARACTERS = 100_000;
/** OpenAI's SDKs repeat `image[]`; others number the images. */
const IMAGE_FIELD = /^image(\[\d{0,3}\])?$/;
const MASK_FIELD = 'mask';

export interface EditForm {
  readonly images: readonly File[];
  readonly mask: File | undefined;
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * Reads the form. Text fields of any name are taken, each once.
 * @throws {AppError} malformedBody; unsupportedMediaType for another type; invalidParameter naming the field that is
 * text instead of a file, a file instead of text, there twice, or too large.
 */
export async function readForm(type: string | undefined, body: Buffer): Promise<EditForm> {
  const images: File[] = [];
  const texts: Record<string, string> = {};
  let mask: File | undefined;
  for (const [name, value] of await formData(type, body)) {
    const isTwice = name === MASK_FIELD ? mask !== undefined : Object.hasOwn(texts, name);
    const problem = problemOf(name, value) ?? (isTwice ? 'is there twice' : undefined);
    if (problem !== undefined) throw invalid([{ path: name, message: problem }]);
    if (typeof value === 'string') texts[name] = value;
    else if (name === MASK_FIELD) mask = value;
    else images.push(value);
    if (images.length > MOST_IMAGES) throw invalid([{ path: 'image', message: `at most ${MOST_IMAGES}` }]);
  }
  return { images, mask, texts };
}

function problemOf(name: string, value: File | string): string | undefined {
  if (name.length > MOST_NAME_CHARACTERS) return `has a name of more than ${MOST_NAME_CHARACTERS} characters`;
  if (isInheritedName(name)) return 'is not an allowed name';
  const isImage = name === MASK_FIELD || IMAGE_FIELD.test(name);
  if (typeof value !== 'string') return isImage ? undefined : 'must be a text, not a file';
  if (isImage || /^(image|mask)\[/.test(name)) return 'must be a file';
  return value.length > MOST_TEXT_CHARACTERS ? `must have at most ${MOST_TEXT_CHARACTERS} characters` : undefined;
}

/** What stands between the parts of a form; undefined where the type is none of a form. */
export function boundaryOf(type: string | undefined): string | undefined {
  return /^multipart\/form-data\s*;.*\bboundary=("?)([^"\s;]{1,70})\1/i.exec(type ?? '')?.[2];
}

export async function formData(type: string | undefined, body: Buffer): Promise<FormData> {
  const boundary = boundaryOf(type);
  if (boundary === undefined) {
    throw new AppError('unsupportedMediaType', 'the body must be multipart/form-data with a boundary, or JSON');
  }
  refuseManyParts(body, boundary);
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': type ?? '' } }).formData();
  } catch {
    throw new AppError('malformedBody', 'the body is no well-formed multipart/form-data');
  }
}

/** Counted before they are read: reading a part costs more than its bytes. */
function refuseManyParts(body: Buffer, boundary: string): void {
  const delimiter = `--${boundary}`;
  let at = -1;
  for (let parts = 0; parts <= MOST_PARTS + 1; parts++) {
    at = body.indexOf(delimiter, at + 1);
    if (at === -1) return;
  }
  throw invalid([{ path: '', message: `the form must have at most ${MOST_PARTS} parts` }]);
}
