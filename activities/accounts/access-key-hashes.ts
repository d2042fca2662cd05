/** The keyed hash under which an access key is stored. The pepper follows from KEY_ENCRYPTION_KEY. */
import { keyedHash, sameBytes, type Vault } from '../../infra/crypto.ts';

const PURPOSE = 'access keys';

export interface AccessKeyHashes {
  make(text: string): Buffer;
  /** Compares in constant time. `outdated`: made with an older pepper, to be replaced before that one is dropped. */
  check(text: string, stored: Buffer): 'wrong' | 'right' | 'outdated';
}

export function createAccessKeyHashes(vault: Vault): AccessKeyHashes {
  const [newest, ...older] = vault.deriveKeys(PURPOSE);
  return {
    make: (text) => keyedHash(newest, text),
    check(text, stored) {
      if (sameBytes(keyedHash(newest, text), stored)) return 'right';
      return older.some((pepper) => sameBytes(keyedHash(pepper, text), stored)) ? 'outdated' : 'wrong';
    },
  };
}
