/**
 * An access key: what its owner sees of it, its text, and the hash under which it is stored. The text is `ak-`, then 16
 * characters that find its row, then 43 that prove it (256 random bits), both in base64url: 62 characters in all.
 */
import { randomBytes } from 'node:crypto';
import type { BudgetPeriod } from '../../infra/calendar.ts';
import { keyedHash, sameBytes, type Vault } from '../../infra/crypto.ts';

/** What a key may do. null = no limit. */
export interface AccessKeyLimits {
  readonly expiresAt: Date | null;
  readonly allowedModels: readonly string[] | null;
  readonly rpmLimit: number | null;
  readonly tpmLimit: number | null;
  readonly parallelLimit: number | null;
  /** Nano-units a period. */
  readonly budget: bigint | null;
  readonly budgetPeriod: BudgetPeriod | null;
}

export interface AccessKey extends AccessKeyLimits {
  readonly id: number;
  readonly name: string;
  /** What it is for: a team, a project, a customer. Spend is summed by it. */
  readonly tag: string | null;
  readonly active: boolean;
  readonly publicPart: string;
  readonly lastFour: string;
  readonly lastUsedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What PATCH can change; an absent field is not changed. */
export type AccessKeyChange = Partial<
  AccessKeyLimits & { readonly name: string; readonly tag: string | null; readonly active: boolean }
>;

const PREFIX = 'ak-';
const PUBLIC_BYTES = 12;
const SECRET_BYTES = 32;
const FORM = /^ak-([A-Za-z0-9_-]{16})[A-Za-z0-9_-]{43}$/;
const SHOWN = 4;

export interface AccessKeyText {
  readonly text: string;
  /** Finds the row; not secret. */
  readonly publicPart: string;
  readonly lastFour: string;
}

export function makeAccessKey(): AccessKeyText {
  const publicPart = randomBytes(PUBLIC_BYTES).toString('base64url');
  const text = PREFIX + publicPart + randomBytes(SECRET_BYTES).toString('base64url');
  return { text, publicPart, lastFour: text.slice(-SHOWN) };
}

/** @returns undefined if the text is not an access key. */
export function publicPartOf(text: string): string | undefined {
  return FORM.exec(text)?.[1];
}

export function maskedAccessKey(publicPart: string, lastFour: string): string {
  return `${PREFIX}${publicPart.slice(0, SHOWN)}…${lastFour}`;
}

/** The pepper of the hashes is derived from KEY_ENCRYPTION_KEY for this purpose. */
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
