/** The keyed hash under which an access key is stored. The pepper is derived from KEY_ENCRYPTION_KEY. */
import { keyedHash, sameBytes, type Vault } from '../../infra/crypto.ts';

const PURPOSE = 'access keys';

export interface StoredHash {
  readonly keyHash: Buffer;
  /** The version of KEY_ENCRYPTION_KEY that its pepper is derived from. */
  readonly hashVersion: number;
}

export interface AccessKeyHashes {
  /** The version that `make` uses. */
  readonly newestVersion: number;
  make(text: string): StoredHash;
  /** Compares in constant time. `outdated`: made with an older pepper, to be replaced before that one is dropped. */
  check(text: string, stored: Buffer): 'wrong' | 'right' | 'outdated';
}

export function createAccessKeyHashes(vault: Vault): AccessKeyHashes {
  const [newest, ...older] = vault.deriveKeys(PURPOSE);
  const { newestVersion } = vault;
  return {
    newestVersion,
    make: (text) => ({ keyHash: keyedHash(newest, text), hashVersion: newestVersion }),
    check(text, stored) {
      if (sameBytes(keyedHash(newest, text), stored)) return 'right';
      return older.some((pepper) => sameBytes(keyedHash(pepper, text), stored)) ? 'outdated' : 'wrong';
    },
  };
}
