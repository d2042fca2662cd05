/**
 * Encryption at rest and keyed hashes, all from `KEY_ENCRYPTION_KEY`: a list `version:base64 of 32 bytes`, newest
 * first. The newest encrypts, every listed version decrypts.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const VERSION_BYTES = 2;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = VERSION_BYTES + NONCE_BYTES + TAG_BYTES;

/** What protects stored secrets. Build it once with `createVault`. */
export interface Vault {
  /** The version that `seal` uses. */
  readonly newestVersion: number;
  /**
   * Encrypts a text: version (2 bytes), nonce (12), tag (16), ciphertext.
   * @param associatedData says what the secret belongs to; `open` needs the same text.
   */
  seal(text: string, associatedData: string): Buffer;
  /** @throws when the bytes were altered, belong to something else, or their key version is no longer listed. */
  open(sealed: Uint8Array, associatedData: string): string;
  /**
   * A 32-byte key for one purpose, derived from each listed version, newest first. To store hashes: write with the first,
   * accept any, and write again before an old version leaves the list.
   */
  deriveKeys(purpose: string): readonly [Buffer, ...Buffer[]];
}

/** The key version that sealed these bytes. */
export function sealedVersion(sealed: Uint8Array): number {
  return sealed.byteLength < HEADER_BYTES ? 0 : Buffer.from(sealed.buffer, sealed.byteOffset, 2).readUInt16BE();
}

/** HMAC-SHA256, 32 bytes. */
export function keyedHash(key: Uint8Array, data: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** Compares in constant time. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}

type VersionedKeys = readonly [[number, Buffer], ...[number, Buffer][]];

function parseKeys(list: string): VersionedKeys {
  const keys = list.split(',').map((entry): [number, Buffer] => {
    const match = /^\s*(\d{1,5}):([A-Za-z0-9+/_-]+={0,2})\s*$/.exec(entry);
    const version = Number(match?.[1] ?? 0);
    const key = Buffer.from(match?.[2] ?? '', 'base64');
    if (version < 1 || version > 65_535 || key.byteLength !== KEY_BYTES) {
      throw new Error('KEY_ENCRYPTION_KEY: each entry must be version:base64 of 32 bytes, version from 1 to 65535');
    }
    return [version, key];
  });
  if (new Set(keys.map(([version]) => version)).size !== keys.length) {
    throw new Error('KEY_ENCRYPTION_KEY: a version is listed twice');
  }
  const [newest, ...older] = keys;
  if (newest === undefined) throw new Error('KEY_ENCRYPTION_KEY: is empty');
  return [newest, ...older];
}

/** @throws naming KEY_ENCRYPTION_KEY when the list is not well formed. */
export function createVault(keyEncryptionKey: string): Vault {
  const keys = parseKeys(keyEncryptionKey);
  const byVersion = new Map(keys);
  const [newestVersion, newestKey] = keys[0];
  const derive = (key: Buffer, purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', key, '', `llm-gateway ${purpose}`, KEY_BYTES));

  return {
    newestVersion,
    seal(text, associatedData) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, newestKey, nonce).setAAD(Buffer.from(associatedData));
      const ciphertext = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      const version = Buffer.alloc(VERSION_BYTES);
      version.writeUInt16BE(newestVersion);
      return Buffer.concat([version, nonce, cipher.getAuthTag(), ciphertext]);
    },
    open(sealed, associatedData) {
      const key = byVersion.get(sealedVersion(sealed));
      if (key === undefined) {
        throw new Error(
          `KEY_ENCRYPTION_KEY: version ${sealedVersion(sealed)}, which sealed a stored secret, is missing`,
        );
      }
      const nonce = sealed.subarray(VERSION_BYTES, VERSION_BYTES + NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(associatedData))
        .setAuthTag(sealed.subarray(VERSION_BYTES + NONCE_BYTES, HEADER_BYTES));
      return decipher.update(sealed.subarray(HEADER_BYTES), undefined, 'utf8') + decipher.final('utf8');
    },
    deriveKeys(purpose) {
      const [newest, ...older] = keys;
      return [derive(newest[1], purpose), ...older.map(([, key]) => derive(key, purpose))];
    },
  };
}
