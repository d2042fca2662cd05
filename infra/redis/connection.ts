/**
 * Connections to Redis that never hold a request up: a command that cannot be answered now fails now, and nothing is
 * sent twice (a resent INCR would count twice).
 */
import { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import type { Logger } from '../logger.ts';

export type { Redis };
export type RedisConfig = Pick<Config, 'REDIS_HOST' | 'REDIS_PORT' | 'REDIS_DATABASE' | 'REDIS_PASSWORD'>;

const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 2_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;

/**
 * Starts connecting and goes on for ever; commands are refused until the connection is ready. Close it with
 * `disconnect()`.
 * @param name shows in CLIENT LIST and in the log.
 */
export function connectRedis(config: RedisConfig, log: Logger, name: string): Redis {
  const redis = new Redis({
    host: config.REDIS_HOST,
    port: config.REDIS_PORT,
    db: config.REDIS_DATABASE,
    ...(config.REDIS_PASSWORD === '' ? {} : { password: config.REDIS_PASSWORD }),
    connectionName: `llm-gateway:${name}`,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // ioredis does it without looking at the outcome, and a rejection nobody handles ends the process: subscribers
    // subscribe on every `ready`.
    autoResubscribe: false,
    // Commands under way when the connection breaks fail at once.
    maxRetriesPerRequest: 0,
    // The replies scripts and libraries were written for; ioredis 6 would ask for RESP3.
    protocol: 2,
    retryStrategy: (attempt) => Math.min(FIRST_RETRY_MS * 2 ** Math.min(attempt, 10), LONGEST_RETRY_MS),
  });
  logTransitions(redis, log, name);
  return redis;
}

/** One line when the connection is lost and one when it is back, not one an attempt. */
function logTransitions(redis: Redis, log: Logger, name: string): void {
  let lost = false;
  redis.on('error', (error: Error) => {
    if (!lost) log.warn({ err: error, connection: name }, 'Redis is not reachable; going on without it');
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) log.info({ connection: name }, 'Redis is back');
    lost = false;
  });
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
