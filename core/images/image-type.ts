/** Which kind of image some bytes are, by how they begin: a name or a header says what somebody wants them to be. Pure. */

type Signature = readonly [mediaType: string, is: (bytes: Buffer) => boolean];

const SIGNATURES: readonly Signature[] = [
  ['image/png', (bytes) => startsWith(bytes, '89504e470d0a1a0a')],
  ['image/jpeg', (bytes) => startsWith(bytes, 'ffd8ff')],
  ['image/gif', (bytes) => startsWith(bytes, '474946383761') || startsWith(bytes, '474946383961')],
  ['image/webp', (bytes) => startsWith(bytes, '52494646') && bytes.toString('latin1', 8, 12) === 'WEBP'],
  // Two letters would be found in a text too; the four bytes that are reserved are not.
  ['image/bmp', (bytes) => startsWith(bytes, '424d') && bytes.toString('hex', 6, 10) === '00000000'],
];
/** Characters of base64 that hold every signature. */
const PREFIX_CHARACTERS = 24;

/** @returns undefined for what is no PNG, JPEG, GIF, WebP or BMP image. */
export function imageTypeOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, PREFIX_CHARACTERS));
  return SIGNATURES.find(([, is]) => is(start))?.[0];
}

/** The same of bytes in base64. */
export function imageTypeOfBase64(text: string): string | undefined {
  return imageTypeOf(Buffer.from(text.slice(0, PREFIX_CHARACTERS), 'base64'));
}

/** True for the media type of an image that cannot carry a script: what is shown as one comes from providers. */
export function isImageType(mediaType: string): boolean {
  return /^image\/[\w.-]+$/.test(mediaType) && !mediaType.startsWith('image/svg');
}

function startsWith(bytes: Buffer, hex: string): boolean {
  return bytes.toString('hex', 0, hex.length / 2) === hex;
}
