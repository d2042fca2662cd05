/** Secrets of one local installation, made once at random and kept in its data folder for the owner only. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Variables } from './environment.ts';
import { SettingRefused } from './user-settings.ts';

const secretsSchema = z.object({
  JWT_SECRET: z.string(),
  KEY_ENCRYPTION_KEY: z.string(),
  PAYMENT_SECRET: z.string(),
  ROOT_PASSWORD: z.string(),
  /** Of the user that the demonstration at each start plays. */
  demoPassword: z.string(),
  demoAccessKey: z.string().optional(),
  /** What the stored data were made with: with another value they could not be read, or would mean something else. */
  dataOf: z.object({ currency: z.string(), encryptionKeySha256: z.string() }).optional(),
});

export type LocalSecrets = z.infer<typeof secretsSchema>;

function random(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

function create(): LocalSecrets {
  return {
    JWT_SECRET: random(32),
    KEY_ENCRYPTION_KEY: `1:${randomBytes(32).toString('base64')}`,
    PAYMENT_SECRET: random(32),
    ROOT_PASSWORD: random(12),
    demoPassword: random(12),
  };
}

export function writeSecrets(dataFolder: string, secrets: LocalSecrets): void {
  mkdirSync(dataFolder, { recursive: true });
  const file = join(dataFolder, 'secrets.json');
  writeFileSync(`${file}.new`, JSON.stringify(secrets, undefined, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The secrets of the data folder, made at the first call. */
export function localSecrets(dataFolder: string): LocalSecrets {
  try {
    return secretsSchema.parse(JSON.parse(readFileSync(join(dataFolder, 'secrets.json'), 'utf8')));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    const secrets = create();
    writeSecrets(dataFolder, secrets);
    return secrets;
  }
}

/** The part of them that the product reads. */
export function secretSettings(secrets: LocalSecrets): Variables {
  const { JWT_SECRET, KEY_ENCRYPTION_KEY, PAYMENT_SECRET, ROOT_PASSWORD } = secrets;
  return { JWT_SECRET, KEY_ENCRYPTION_KEY, PAYMENT_SECRET, ROOT_PASSWORD };
}

function entriesSha256(encryptionKey: string): string[] {
  return encryptionKey.split(',').map((entry) => createHash('sha256').update(entry.trim()).digest('hex'));
}

/**
 * Settings that contradict the stored data.
 * @param named says where a setting comes from.
 * @throws {SettingRefused}
 */
export function refuseForData(secrets: LocalSecrets, settings: Variables, named: (name: string) => string): void {
  const { dataOf } = secrets;
  if (dataOf === undefined) return;
  const { CURRENCY = '', KEY_ENCRYPTION_KEY = '' } = settings;
  const fresh = '`npm run reset` deletes the data.';
  if (CURRENCY !== dataOf.currency) {
    throw new SettingRefused(
      `${named('CURRENCY')} is ${CURRENCY}, and the balances that are stored here are in ${dataOf.currency}. ${fresh}`,
    );
  }
  if (!entriesSha256(KEY_ENCRYPTION_KEY).includes(dataOf.encryptionKeySha256)) {
    throw new SettingRefused(
      `${named('KEY_ENCRYPTION_KEY')} lacks the key under which the stored data are encrypted. Put the new one in front ` +
        `of it (2:…,1:…); the one that npm start made is in secrets.json in the data folder. ${fresh}`,
    );
  }
}

/** Remembers what the data are made with from now on. */
export function rememberForData(dataFolder: string, settings: Variables): void {
  const { CURRENCY: currency = '', KEY_ENCRYPTION_KEY = '' } = settings;
  const [encryptionKeySha256 = ''] = entriesSha256(KEY_ENCRYPTION_KEY);
  writeSecrets(dataFolder, { ...localSecrets(dataFolder), dataOf: { currency, encryptionKeySha256 } });
}
