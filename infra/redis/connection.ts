/**
 * Connections to Redis that never delay a request: a command that cannot be answered now fails now, and nothing is
 * sent twice (a resent INCR would count twice).
 */
import { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import type { Logger } from '../logger.ts';
import { tlsAdvice, tlsOptions } from '../tls.ts';

export type { Redis };
export type RedisConfig = Pick<Config, Extract<keyof Config, `REDIS_${string}`>>;

const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 2_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;

/** Address, user and TLS, the same for every connection. */
function redisOptions(config: RedisConfig) {
  const tls = tlsOptions(config, 'REDIS');
  const sentinel = {
    sentinels: [...config.REDIS_SENTINELS],
    name: config.REDIS_SENTINEL_MASTER,
    ...(config.REDIS_SENTINEL_USERNAME === '' ? {} : { sentinelUsername: config.REDIS_SENTINEL_USERNAME }),
    ...(config.REDIS_SENTINEL_PASSWORD === '' ? {} : { sentinelPassword: config.REDIS_SENTINEL_PASSWORD }),
    ...(tls ? { sentinelTLS: tls, enableTLSForSentinelMode: true } : {}),
    sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
  };
  return {
    ...(config.REDIS_SENTINELS.length > 0 ? sentinel : { host: config.REDIS_HOST, port: config.REDIS_PORT }),
    db: config.REDIS_DATABASE,
    ...(config.REDIS_USERNAME === '' ? {} : { username: config.REDIS_USERNAME }),
    ...(config.REDIS_PASSWORD === '' ? {} : { password: config.REDIS_PASSWORD }),
    ...(tls ? { tls } : {}),
    connectTimeout: CONNECT_TIMEOUT_MS,
  };
}

/** A connection for one question: connects at once or fails; `client.disconnect()` ends it. @throws with the cause. */
export async function openRedis(config: RedisConfig, timeoutMs: number): Promise<Redis> {
  const timeouts = { connectTimeout: timeoutMs, commandTimeout: timeoutMs, sentinelCommandTimeout: timeoutMs };
  const once = { retryStrategy: () => null, sentinelRetryStrategy: () => null };
  const client = new Redis({ ...redisOptions(config), ...timeouts, ...once, lazyConnect: true });
  // `connect` alone would say no more than that the connection is closed.
  let cause: Error | undefined;
  client.on('error', (error: Error) => {
    cause = error;
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.disconnect();
    // The driver does not say why it cannot talk to a Sentinel.
    const [sentinel] = config.REDIS_SENTINELS;
    if (sentinel) (await openRedis(asServer(config, sentinel), timeoutMs)).disconnect();
    throw cause ?? error;
  }
}

/** The settings of a Sentinel as those of a Redis without Sentinel. */
function asServer(config: RedisConfig, { host, port }: RedisConfig['REDIS_SENTINELS'][number]): RedisConfig {
  const { REDIS_SENTINEL_USERNAME: user, REDIS_SENTINEL_PASSWORD: password } = config;
  const own = { REDIS_USERNAME: user, REDIS_PASSWORD: password, REDIS_DATABASE: 0, REDIS_SENTINELS: [] };
  return { ...config, ...own, REDIS_HOST: host, REDIS_PORT: port };
}

/**
 * Starts connecting and goes on for ever; commands are refused until the connection is ready. Close it with
 * `disconnect()`.
 * @param name shows in CLIENT LIST and in the log.
 */
export function connectRedis(config: RedisConfig, log: Logger, name: string): Redis {
  const redis = new LastingRedis({
    ...redisOptions(config),
    connectionName: `llm-gateway:${name}`,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // ioredis does it without looking at the outcome, and a rejection nobody handles ends the process: subscribers
    // subscribe on every `ready`.
    autoResubscribe: false,
    // If the connection breaks, running commands fail at once.
    maxRetriesPerRequest: 0,
    // The replies scripts and libraries were written for; ioredis 6 would ask for RESP3.
    protocol: 2,
    retryStrategy: pauseMs,
    sentinelRetryStrategy: pauseMs,
    // A master that hangs keeps its connections open; Sentinel says when another one has taken over.
    failoverDetector: true,
    // Connected to what has become a replica: the address, asked for again, leads to the new master.
    reconnectOnError: (error: Error) => error.message.includes('READONLY'),
  });
  redis.on('end', () => setTimeout(() => redis.connectAgain(), FIRST_RETRY_MS));
  logTransitions(redis, config, log, name);
  return redis;
}

/**
 * ioredis gives a connection up for good when the news of a failover comes while it asks a Sentinel for the master: the
 * news ends the attempt, and no other is made.
 */
class LastingRedis extends Redis {
  #isClosed = false;

  override disconnect(reconnect = false): void {
    this.#isClosed ||= !reconnect;
    super.disconnect(reconnect);
  }

  connectAgain(): void {
    // A failure is an event, too.
    if (!this.#isClosed && this.status === 'end') this.connect().catch(() => undefined);
  }
}

function pauseMs(attempt: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt, 10), LONGEST_RETRY_MS);
}

/** One line when the connection is lost and one when it is back, not one an attempt. */
function logTransitions(redis: Redis, config: RedisConfig, log: Logger, name: string): void {
  let lost = false;
  redis.on('error', (error: Error) => {
    const advice = redisAdvice(error, config) ?? 'npm run doctor says what to do';
    if (!lost) log.warn({ err: error, connection: name, advice }, 'Redis is not reachable; going on without it');
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) log.info({ connection: name }, 'Redis is back');
    lost = false;
  });
}

/** Which setting would fix an error of a connection; undefined if none is known. */
export function redisAdvice(error: unknown, config: RedisConfig): string | undefined {
  if (error instanceof Error && /^(WRONGPASS|NOAUTH|NOPERM)/.test(error.message))
    return 'Redis does not let us in: check REDIS_USERNAME and REDIS_PASSWORD, and what its ACL allows the user.';
  return tlsAdvice(error, 'REDIS', config.REDIS_TLS && config.REDIS_TLS_CERT === '');
}

/** Waits for the connection. @returns false when it is not ready within `timeoutMs`. */
export function whenReady(redis: Redis, timeoutMs: number): Promise<boolean> {
  if (redis.status === 'ready') return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (ready: boolean) => () => {
      clearTimeout(timer);
      redis.off('ready', onReady);
      resolve(ready);
    };
    const onReady = finish(true);
    const timer = setTimeout(finish(false), timeoutMs);
    redis.once('ready', onReady);
  });
}
