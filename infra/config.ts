/**
 * The one reader of `process.env`. Every setting has a name, a default and a check in `config/settings.ts`; a wrong value
 * stops the start with a message that names the variable. `.env.example` and docs list the same (a test compares them).
 */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { exposedSecrets, weakSecrets } from './config/published-secrets.ts';
import { serverProblems } from './config/server-settings.ts';
import { environmentSchema } from './config/settings.ts';
import { createVault } from './crypto.ts';

/** Unless it is set. */
const MOST_API_PROCESSES = 8;

export type Config = Readonly<Omit<z.infer<typeof environmentSchema>, 'TEMPORAL_TLS'>> & {
  readonly TEMPORAL_TLS: boolean;
  readonly production: boolean;
  readonly apiProcesses: number;
  readonly publicUrl: string;
  readonly registrationGrant: string;
};

/** A setting that is missing or wrong. The message names each variable; values of secrets are never part of it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function encryptionProblems({ KEY_ENCRYPTION_KEY }: z.infer<typeof environmentSchema>): string[] {
  try {
    createVault(KEY_ENCRYPTION_KEY);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : 'KEY_ENCRYPTION_KEY: is wrong'];
  }
}

/** A number that is set and empty, as a line of .env may be, is not set: as a number, nothing would be 0. */
function withoutBlankNumbers(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const blank = Object.entries(environmentSchema.shape)
    .filter(([, schema]) => schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    .filter(([, schema]) => 'unwrap' in schema && schema.unwrap() instanceof z.ZodNumber)
    .filter(([name]) => environment[name]?.trim() === '');
  return { ...environment, ...Object.fromEntries(blank.map(([name]) => [name, undefined])) };
}

/**
 * Reads and checks the settings.
 * @throws {ConfigError} naming every variable that is wrong.
 */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const parsed = environmentSchema.safeParse(withoutBlankNumbers(environment));
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'));
  }
  const { TEMPORAL_TLS, TEMPORAL_API_KEY } = parsed.data;
  const settings = { ...parsed.data, TEMPORAL_TLS: TEMPORAL_TLS ?? TEMPORAL_API_KEY !== '' };
  const production = settings.NODE_ENV === 'production';
  const secrets = production ? weakSecrets(settings) : exposedSecrets(settings);
  const problems = [...secrets, ...encryptionProblems(settings), ...serverProblems(settings, environment)];
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return Object.freeze({
    ...settings,
    CORS_ORIGINS: production && environment.CORS_ORIGINS === undefined ? [] : settings.CORS_ORIGINS,
    production,
    apiProcesses: settings.API_PROCESSES ?? (production ? Math.min(availableParallelism(), MOST_API_PROCESSES) : 1),
    publicUrl: settings.PUBLIC_URL || `http://localhost:${settings.PORT}`,
    registrationGrant: settings.REGISTRATION_GRANT ?? (production ? '0' : '1'),
  });
}

/** What was set, as it was written; blank where a blank means the default. */
export function givenSettings(environment: NodeJS.ProcessEnv = process.env): Readonly<Record<string, string>> {
  const given = withoutBlankNumbers(environment);
  const names = Object.keys(environmentSchema.shape);
  return Object.fromEntries(names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));
}

/** Read by docker-compose.yml only. */
export const COMPOSE_SETTINGS: readonly string[] = [
  ...[
    'MYSQL_ROOT_PASSWORD',
    'TEMPORAL_DB_PASSWORD',
    'MONGODB_PASSWORD',
    'PUBLISH_ADDRESS',
    'SITE_ADDRESS',
    'TRUSTED_PROXIES',
  ],
];

/** Unknown variables with names like ours, such as REDIS_PASSWD. */
export function misspeltSettings(environment: NodeJS.ProcessEnv = process.env): string[] {
  const known = new Set([...Object.keys(environmentSchema.shape), ...COMPOSE_SETTINGS]);
  const beginnings = new Set(['DB', 'REDIS', 'MONGODB', 'TEMPORAL', 'JWT', 'PAYMENT', 'UPSTREAM', 'WORKER', 'S3']);
  return Object.keys(environment).filter(
    (name) => beginnings.has(name.split('_')[0] ?? '') && name.includes('_') && !known.has(name),
  );
}

/** A vendor's key under the name that its own tools read (`DEEPSEEK_API_KEY`); empty when it is not set. */
export function vendorKey(vendor: string, environment: NodeJS.ProcessEnv = process.env): string {
  return environment[`${vendor.toUpperCase()}_API_KEY`] ?? '';
}
