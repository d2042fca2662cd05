/**
 * The one reader of `process.env`. Every setting has a name, a default and a check here; a wrong value stops the
 * start with a message that names the variable. `.env.example` and docs list the same settings (a test compares them).
 */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { createVault } from './crypto.ts';
import { serverProblems } from './server-settings.ts';

/** Defaults that are public knowledge and therefore never acceptable in production. */
const KNOWN_SECRETS = new Set(['123456', 'llmproxy', 'changeme', 'secret', 'password', 'root']);

const LOCAL_SECRET = 'local-development-only-';
const DURATION_UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** "30m", "2s", "500ms", "24h" → milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) return undefined;
  return Math.round(Number(match[1]) * DURATION_UNIT_MS[match[2] as keyof typeof DURATION_UNIT_MS]);
}

/** A password from `openssl rand -base64` may hold a `/`, which would end the host and be found out late. */
const MONGODB_URI = (() => {
  const word = '(?:[^\\s:/?#[\\]@%]|%[0-9a-f]{2})+';
  const host = '(?:\\[[0-9a-f:.]+\\]|[^\\s:/?#[\\]@,]+)(?::\\d+)?';
  return new RegExp(`^mongodb(\\+srv)?://(${word}(:${word})?@)?${host}(,${host})*(/[^\\s/?#@]*)?(\\?\\S*)?$`, 'i');
})();

const duration = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const ms = parseDurationMs(text);
      if (ms !== undefined && ms > 0) return ms;
      context.addIssue({ code: 'custom', message: `"${text}" is not a duration such as 500ms, 30s, 30m, 24h` });
      return z.NEVER;
    });
const BYTE_UNITS = { B: 1, KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3, TB: 1_024 ** 4 } as const;
const bytes = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const match = /^(\d{1,9})(B|KB|MB|GB|TB)?$/.exec(text.trim());
      const size = Number(match?.[1]) * BYTE_UNITS[(match?.[2] ?? 'B') as keyof typeof BYTE_UNITS];
      if (Number.isSafeInteger(size)) return size;
      context.addIssue({ code: 'custom', message: `"${text}" is not a size such as 0, 500MB, 1GB` });
      return z.NEVER;
    });
const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);
const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0', ''])
    .default(fallback ? 'true' : 'false')
    .transform((value) => value === 'true' || value === '1');
const list = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    );
/** `host:port`, the port optional; IPv6 in brackets. */
const endpoints = (defaultPort: number) =>
  list('').transform((entries, context) =>
    entries.flatMap((text) => {
      const url = URL.parse(`tcp://${text}`);
      if (url?.host === text)
        return [{ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || defaultPort) }];
      context.addIssue({ code: 'custom', message: `"${text}" is not host:port` });
      return [];
    }),
  );
const serverName = z
  .string()
  .regex(/^[\w.-]{0,253}$/, 'is not a host name')
  .default('');
const headers = z
  .string()
  .default('')
  .transform((text, context) => {
    const entries = text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.split(/=(.*)/s)]));
    try {
      return Object.fromEntries(
        entries.map(([name = '', value = '']) => [name.trim(), decodeURIComponent(value.trim())]),
      );
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a list of name=value with percent-encoded values' });
      return z.NEVER;
    }
  });
const timeZone = z
  .string()
  .default('Asia/Shanghai')
  .refine((zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC', 'is not an IANA time zone');

/** Unless it is set. */
const MOST_API_PROCESSES = 8;

/** The settings, as read from the environment. Comments become the configuration reference. */
export const environmentSchema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  /** HTTP port of the API. */
  PORT: port(8060),
  /** Address the API listens on; 0.0.0.0 for all of a container's. */
  HOST: z.string().default('127.0.0.1'),
  /**
   * API processes behind the one port. Unset: one; in production as many as there are cores, up to eight. Each may open
   * DB_POOL_SIZE and a few more connections to MySQL, whose own default is 151 for all.
   */
  API_PROCESSES: z.coerce.number().int().min(1).max(128).optional(),
  /** The address clients see; used in links and signed URLs. Empty: http://localhost:PORT. */
  PUBLIC_URL: z.string().default(''),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** How long a process that is stopping may finish its running calls. */
  SHUTDOWN_GRACE: duration('25s'),
  /** OTLP/HTTP collector that gets traces (`http://localhost:4318`); empty: none are made. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]).default(''),
  /** Headers for the collector, `name=value` separated by commas; values are percent-encoded. */
  OTEL_EXPORTER_OTLP_HEADERS: headers,
  /** Name of the processes in traces; empty: llm-gateway-api and llm-gateway-worker. */
  OTEL_SERVICE_NAME: z.string().default(''),
  /** Share of the requests that are traced; a caller's `traceparent` decides for its own. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),

  /** MySQL 8 or 9, or MariaDB from 10.11. */
  DB_HOST: z.string().default('localhost'),
  DB_PORT: port(3306),
  /** The database; the migrations make it and its tables. */
  DB_NAME: z.string().regex(/^\w+$/).default('model_service'),
  /** May make and change tables. */
  DB_USER: z.string().default('root'),
  DB_PASSWORD: z.string().default('123456'),
  /** Encrypts the connection and checks the server's certificate. */
  DB_TLS: flag(false),
  /** PEM file of the CA that the server's certificate must come from; empty: the public ones. */
  DB_TLS_CA: z.string().default(''),
  /** PEM file of our certificate, where the server asks for one. */
  DB_TLS_CERT: z.string().default(''),
  /** PEM file of its key, without a password. */
  DB_TLS_KEY: z.string().default(''),
  /** Name in the server's certificate when it is not DB_HOST; needed when that is an IP address. */
  DB_TLS_SERVER_NAME: serverName,
  /** Connections of the pool for everything that is not money. */
  DB_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(10),

  /** Redis: limits, circuits of keys, messages between processes. */
  REDIS_HOST: z.string().default('localhost'),
  REDIS_PORT: port(6379),
  REDIS_DATABASE: z.coerce.number().int().min(0).max(15).default(0),
  /** User of Redis's ACL; empty: `default`. */
  REDIS_USERNAME: z.string().default(''),
  REDIS_PASSWORD: z.string().default(''),
  /** Encrypts the connections, those to Sentinel too, and checks the certificates of the servers. */
  REDIS_TLS: flag(false),
  /** PEM file of the CA that the certificates must come from; empty: the public ones. */
  REDIS_TLS_CA: z.string().default(''),
  /** PEM file of our certificate, where the servers ask for one. */
  REDIS_TLS_CERT: z.string().default(''),
  /** PEM file of its key, without a password. */
  REDIS_TLS_KEY: z.string().default(''),
  /** Name in the certificates when it is not the host that is connected to. */
  REDIS_TLS_SERVER_NAME: serverName,
  /** `host:port` of Sentinels, which know the master; instead of REDIS_HOST and REDIS_PORT. */
  REDIS_SENTINELS: endpoints(26_379),
  /** Name of the master in Sentinel. */
  REDIS_SENTINEL_MASTER: z.string().default(''),
  /** User of the Sentinels' own ACL. */
  REDIS_SENTINEL_USERNAME: z.string().default(''),
  /** Of the Sentinels, which have a password of their own. */
  REDIS_SENTINEL_PASSWORD: z.string().default(''),

  /**
   * Usage log and conversations. Special characters of user and password are percent-encoded. Options after the `?` turn
   * on TLS: `tls=true`, `tlsCAFile`, `tlsCertificateKeyFile` (certificate and key in one PEM file).
   */
  MONGODB_URI: z
    .string()
    .regex(MONGODB_URI, 'is not a MongoDB URI: percent-encode what is special in user and password, or use hex')
    .default('mongodb://llmproxy:llmproxy@localhost:27017/llm-proxy?authSource=admin'),

  /** host:port of Temporal, which runs the jobs. */
  TEMPORAL_ADDRESS: z.string().default('localhost:7233'),
  /** Must exist. */
  TEMPORAL_NAMESPACE: z.string().default('default'),
  /** Encrypts the connection and checks the server's certificate; empty: as soon as TEMPORAL_API_KEY is set. */
  TEMPORAL_TLS: z
    .enum(['true', 'false', '1', '0', ''])
    .default('')
    .transform((value) => (value === '' ? undefined : value === 'true' || value === '1')),
  /** PEM file of the CA that the server's certificate must come from; empty: the public ones. */
  TEMPORAL_TLS_CA: z.string().default(''),
  /** PEM file of our certificate, where the server asks for one (mTLS). */
  TEMPORAL_TLS_CERT: z.string().default(''),
  /** PEM file of its key, without a password. */
  TEMPORAL_TLS_KEY: z.string().default(''),
  /** Name in the server's certificate when it is not the host of TEMPORAL_ADDRESS. */
  TEMPORAL_TLS_SERVER_NAME: serverName,
  /** Of Temporal Cloud, instead of a client's certificate. */
  TEMPORAL_API_KEY: z.string().default(''),
  /** Where Temporal's UI is, for links only. */
  TEMPORAL_UI_URL: z.string().default('http://localhost:8233'),

  JWT_SECRET: z.string().default(`${LOCAL_SECRET}jwt-secret`),
  /** Life of a login token. */
  JWT_TTL: duration('24h'),
  /** Encrypts provider keys and derives the pepper of access keys: `version:base64 of 32 bytes`, newest first. */
  KEY_ENCRYPTION_KEY: z
    .string()
    .default(`1:${Buffer.from(`${LOCAL_SECRET}key-32byte`).subarray(0, 32).toString('base64')}`),
  /** Signs payment callbacks. */
  PAYMENT_SECRET: z.string().default(`${LOCAL_SECRET}payment-secret`),
  /** Lets the owner of an order pay it without a payment provider. Refused in production. */
  PAYMENT_SANDBOX: flag(false),
  /** App whose notifications POST /v1/payments/alipay/notify takes; empty: Alipay is not set up. */
  ALIPAY_APP_ID: z.string().default(''),
  /** Alipay's own public key (RSA2) as its console shows it: PEM, or base64 on one line. */
  ALIPAY_PUBLIC_KEY: z.string().default(''),
  /** Seller (2088…) that must have been paid; empty: any of the app. */
  ALIPAY_SELLER_ID: z.string().default(''),
  /** The one currency of this installation (ISO 4217). */
  CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default('CNY'),
  /** Opening balance of a new user; in production 0 unless set. */
  REGISTRATION_GRANT: z
    .string()
    .regex(/^\d+(\.\d{1,9})?$/)
    .optional(),
  /** An order not paid within this time is cancelled. */
  ORDER_TTL: duration('30m'),
  /** Password of the first ROOT user; unset locally: a random one is made and kept in the data folder. */
  ROOT_PASSWORD: z.string().default(''),
  /** Decides what "today" is and how times without an offset are read. */
  APP_TIME_ZONE: timeZone,
  /** How many own proxies are in front; the client's address is read from as many X-Forwarded-For entries. */
  TRUSTED_PROXY_HOPS: z.coerce.number().int().min(0).max(10).default(0),
  /** Sign-ups allowed from one address in an hour; refused ones (a taken name) count, too. */
  REGISTRATIONS_PER_HOUR: z.coerce.number().int().min(1).max(1_000_000).default(20),
  /** Makes hashes of passwords cheap, so that tests need not wait for them. Refused in production. */
  WEAK_HASHES_FOR_TESTS: flag(false),
  /** Origins that browsers may call from; in production none unless set. */
  CORS_ORIGINS: list('http://localhost:5173'),

  /** Base URL of the keyless provider; when set, the first start registers it with its models. */
  SIMULATOR_URL: z.string().default(''),
  /** `host:port` of private addresses that providers may have (the simulator, Ollama). */
  OUTBOUND_PRIVATE_HOSTS: list(''),
  /** `host:port` of private addresses that users' webhooks may have; those of providers do not count. */
  WEBHOOK_PRIVATE_HOSTS: list(''),
  /** Folder where images are stored, unless S3_BUCKET is set; API and workers must share it. */
  STORAGE_FOLDER: z.string().default('.local/storage'),
  /** S3-compatible bucket for images; empty: the folder. */
  S3_BUCKET: z.string().default(''),
  /** Address of an S3-compatible service; empty: AWS. */
  S3_ENDPOINT: z.string().default(''),
  /** Of the bucket. */
  S3_REGION: z.string().default('us-east-1'),
  /** Empty: the SDK's own sources of credentials. */
  S3_ACCESS_KEY_ID: z.string().default(''),
  S3_SECRET_ACCESS_KEY: z.string().default(''),
  /** How long a link to an image is valid. */
  PICTURE_LINK_TTL: duration('7d'),
  /** Images that a request names by address: `fetch` them for the provider, or `pass` the address on to it. */
  IMAGE_URLS: z.enum(['fetch', 'pass']).default('fetch'),
  /**
   * Which model serves a call that names none: `priority` takes the administrators' order, `smart` also weighs the
   * present state of the providers.
   */
  ROUTING_STRATEGY: z.enum(['priority', 'smart']).default('priority'),
  /** A key that a provider has refused (401, a 403 that names it, an unpaid account) is tried again after this time. */
  REFUSED_KEY_RETRY: duration('10m'),
  /**
   * Answers state what they cost (`usage.cost`, in CURRENCY), also in the last chunk of a stream, where no header can. Off
   * for clients that take it for dollars.
   */
  USAGE_COST: flag(true),
  /** Total time for one call; the silence that its model is allowed (300 s for models that think) is added. */
  UPSTREAM_TOTAL_TIMEOUT: duration('5m'),
  /** Time until the first byte of a provider's answer. */
  UPSTREAM_FIRST_BYTE_TIMEOUT: duration('120s'),
  /** Silence allowed between two chunks of a provider's answer. */
  UPSTREAM_IDLE_TIMEOUT: duration('60s'),

  /** Jobs one worker process runs at once. */
  WORKER_JOB_SLOTS: z.coerce.number().int().min(1).max(1000).default(100),
  /** Jobs of one user that run at once, over all workers; more wait their turn. 0 = no limit. */
  JOBS_PER_USER: z.coerce.number().int().min(0).max(100_000).default(0),
  /** Jobs of one provider that run at once, over all workers; more wait their turn. 0 = no limit. */
  JOBS_PER_PROVIDER: z.coerce.number().int().min(0).max(100_000).default(0),
  /** Jobs of one user that may wait or run, over all processes; further ones are refused (429). 0 = no limit. */
  JOBS_LIVE_PER_USER: z.coerce.number().int().min(0).max(1_000_000).default(1_000),
  /** Bytes that requests and results of one user's jobs may have; further jobs are refused (429). 0 = no limit. */
  JOB_STORAGE_PER_USER: bytes('1GB'),
  /** How long requests, results and images of jobs are kept after their end; what they cost is kept for ever. */
  JOB_RETENTION: duration('30d'),
  /** Bytes that the files of one user may have, those of batches included; further ones, and batches, are refused (429). */
  FILE_STORAGE_PER_USER: bytes('1GB'),
  /** How long files of users are kept, and what batches have written. */
  FILE_RETENTION: duration('30d'),
  /** Bytes that kept responses of one user may have, about; above that the oldest ones give way. */
  RESPONSE_STORAGE_PER_USER: bytes('1GB'),
  /**
   * Names the build of the workers' code: work then goes only to workers of the build that started last. Empty: all
   * workers share it.
   */
  WORKER_BUILD_ID: z
    .string()
    .regex(/^[\w.-]{0,100}$/)
    .default(''),
  /** Address of the worker's health and metrics, which ask nobody who they are; 0.0.0.0 for all of a container's. */
  WORKER_HOST: z.string().default('127.0.0.1'),
  /** Port of the worker's health and metrics; 0 = any free one. */
  WORKER_PORT: port(8061),
  /** A commit queue that has not renewed its writer for this long is fenced. */
  WRITER_TTL: duration('10s'),
  /**
   * Share of an account's balance that a process may take at once, to hold for calls in its own memory; their charge is
   * then the only commit. 0: every call takes a hold of its own.
   */
  LEASE_SHARE: z.coerce.number().min(0).max(0.25).default(0.0625),
  /** How long single calls are kept in the usage log; money and statistics are kept for ever. */
  USAGE_RETENTION: duration('90d'),
});

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

const SECRET_NAMES = ['JWT_SECRET', 'KEY_ENCRYPTION_KEY', 'PAYMENT_SECRET', 'DB_PASSWORD', 'ROOT_PASSWORD'] as const;

function weakSecrets(settings: z.infer<typeof environmentSchema>): string[] {
  const problems: string[] = [];
  for (const name of SECRET_NAMES) {
    const value = settings[name];
    const known = KNOWN_SECRETS.has(value) || value.includes(LOCAL_SECRET) || decodesToLocalSecret(value);
    if (value === '' || known) problems.push(`${name}: must be set to a secret of your own in production`);
    else if (name !== 'DB_PASSWORD' && value.length < 12) problems.push(`${name}: must have at least 12 characters`);
  }
  if (/\/\/llmproxy:llmproxy@/.test(settings.MONGODB_URI)) {
    problems.push('MONGODB_URI: carries the published default password');
  }
  if (settings.WEAK_HASHES_FOR_TESTS) problems.push('WEAK_HASHES_FOR_TESTS: must not be on in production');
  if (settings.PAYMENT_SANDBOX) problems.push('PAYMENT_SANDBOX: must not be on in production');
  return problems;
}

/** In development the published secrets are accepted, as long as nobody else can reach the process. */
function exposedSecrets(settings: z.infer<typeof environmentSchema>): string[] {
  if (/^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(settings.HOST)) return [];
  const published = SECRET_NAMES.filter(
    (name) => settings[name].includes(LOCAL_SECRET) || decodesToLocalSecret(settings[name]),
  );
  return published.map((name) => `${name}: must be set to a secret of your own where HOST is not 127.0.0.1`);
}

function encryptionProblems({ KEY_ENCRYPTION_KEY }: z.infer<typeof environmentSchema>): string[] {
  try {
    createVault(KEY_ENCRYPTION_KEY);
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : 'KEY_ENCRYPTION_KEY: is wrong'];
  }
}

function decodesToLocalSecret(value: string): boolean {
  const encoded = value.split(':').at(-1) ?? '';
  return Buffer.from(encoded, 'base64').toString('latin1').includes(LOCAL_SECRET);
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
