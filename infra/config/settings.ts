/** The settings, as read from the environment. Comments become the configuration reference. */
import { z } from 'zod';
import { LOCAL_SECRET } from './published-secrets.ts';
import {
  bytes,
  duration,
  endpoints,
  flag,
  headers,
  list,
  MONGODB_URI,
  port,
  serverName,
  timeZone,
} from './setting-types.ts';

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
