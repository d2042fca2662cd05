/** Secrets of one local installation, made once at random and kept in its data folder for the owner only. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const secretsSchema = z.object({
  JWT_SECRET: z.string(),
  KEY_ENCRYPTION_KEY: z.string(),
  PAYMENT_SECRET: z.string(),
  ROOT_PASSWORD: z.string(),
  /** Of the user that the demonstration at each start plays. */
  demoPassword: z.string(),
  demoAccessKey: z.string().optional(),
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
export function secretSettings(secrets: LocalSecrets): Record<string, string> {
  const { JWT_SECRET, KEY_ENCRYPTION_KEY, PAYMENT_SECRET, ROOT_PASSWORD } = secrets;
  return { JWT_SECRET, KEY_ENCRYPTION_KEY, PAYMENT_SECRET, ROOT_PASSWORD };
}
