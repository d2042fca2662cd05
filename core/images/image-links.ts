/** Signed links to stored images: who has one may see the image until it expires. Pure. */
import { keyedHash, sameBytes, type Vault } from '../../infra/crypto.ts';

const PURPOSE = 'picture-links';
const PATH = '/v1/pictures/';

export class ImageLinks {
  readonly #keys: readonly Buffer[];
  readonly #publicUrl: string;
  readonly #ttlMs: number;

  constructor(vault: Vault, publicUrl: string, ttlMs: number) {
    this.#keys = vault.deriveKeys(PURPOSE);
    this.#publicUrl = publicUrl.replace(/\/+$/, '');
    this.#ttlMs = ttlMs;
  }

  make(imageId: string, nowMs: number): string {
    const expires = Math.floor((nowMs + this.#ttlMs) / 1_000);
    const [key] = this.#keys;
    if (!key) throw new Error('there is no key to sign links with');
    const signature = signatureOf(key, imageId, expires).toString('base64url');
    return `${this.#publicUrl}${PATH}${imageId}?expires=${expires}&signature=${signature}`;
  }

  /** The image behind a good link of ours; undefined for any other address. */
  imageIdOf(text: string, nowMs: number): string | undefined {
    if (!text.startsWith(`${this.#publicUrl}${PATH}`) || !URL.canParse(text)) return undefined;
    const { pathname, searchParams } = new URL(text);
    const imageId = pathname.slice(pathname.lastIndexOf('/') + 1);
    const expires = Number(searchParams.get('expires'));
    return this.isGood(imageId, expires, searchParams.get('signature') ?? '', nowMs) ? imageId : undefined;
  }

  /** True for a link of ours that has not expired; a key that was replaced still counts. */
  isGood(imageId: string, expires: number, signature: string, nowMs: number): boolean {
    if (expires * 1_000 < nowMs) return false;
    const given = Buffer.from(signature, 'base64url');
    return this.#keys.some((key) => sameBytes(signatureOf(key, imageId, expires), given));
  }
}

function signatureOf(key: Buffer, imageId: string, expires: number): Buffer {
  return keyedHash(key, `${imageId}.${expires}`);
}
