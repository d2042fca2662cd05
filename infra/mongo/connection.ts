/**
 * The connection to MongoDB. It never delays a request for long: if the server is known to be away, work fails at once;
 * if it has stopped answering, work fails within its time limit.
 */
import mongoose, { type Connection } from 'mongoose';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { tlsAdvice } from '../tls.ts';

export type MongoConfig = Pick<Config, 'MONGODB_URI'>;

const CONNECT_TIMEOUT_MS = 2_000;
const SELECTION_TIMEOUT_MS = 1_500;
/** Longer than any work may take, so only a server that hangs exceeds it. */
const SOCKET_TIMEOUT_MS = 30_000;
/** How soon a server that is back is noticed. */
const HEARTBEAT_MS = 2_000;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 5_000;
const WORK_MS = 3_000;
/** How long a server may answer others while the driver does not find back to it. */
const STUCK_MS = 20_000;

/** Made by `connectMongo`; models are defined on `connection`. */
export interface Mongo {
  readonly connection: Connection;
  /**
   * Runs work on the server.
   * @param waitMs how long the caller waits; what was sent may still happen after that.
   * @throws {AppError} databaseUnavailable when the server is away or does not answer in time.
   */
  use<T>(work: () => Promise<T>, waitMs?: number): Promise<T>;
  /** Runs `step` once this process is connected, at once when it is; again, after a pause, when it has failed. */
  whenConnected(step: () => Promise<unknown>): void;
  /** @throws {AppError} databaseUnavailable */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts connecting, and tries until it succeeds; from then on the driver reconnects by itself. Where it does not, although
 * the server answers others, the connection is made anew.
 */
export function connectMongo(config: MongoConfig, log: Logger, stuckMs: number = STUCK_MS): Mongo {
  const connection = mongoose.createConnection();
  connection.set('bufferCommands', false);
  const closing = new AbortController();
  logTransitions(connection, config, log);
  const connect = () => keepConnecting(connection, config.MONGODB_URI, closing.signal);
  const connected = connect();
  const watched = connected.then(() => reconnectStuck(connection, config, { connect, stuckMs, log }, closing.signal));
  const use = <T>(work: () => Promise<T>, waitMs = WORK_MS) => withinTime(connection, work, waitMs);
  return {
    connection,
    use,
    whenConnected: (step) => {
      connected.then((yes) => (yes ? keepTrying(step, closing.signal, log) : undefined));
    },
    ping: async () => {
      await use(async () => connection.db?.command({ ping: 1 }));
    },
    close: async () => {
      closing.abort();
      await watched;
      await connection.close(true);
    },
  };
}

/** A connection for one piece of work; `destroy()` ends it. @throws if it cannot connect. */
export async function openMongo(config: MongoConfig, timeoutMs: number): Promise<Connection> {
  const timeouts = { serverSelectionTimeoutMS: timeoutMs, connectTimeoutMS: timeoutMs };
  const connection = mongoose.createConnection(config.MONGODB_URI, timeouts);
  try {
    return await connection.asPromise();
  } catch (error) {
    await connection.destroy(true);
    throw error;
  }
}

/** @returns false when it was closed before it could connect. */
async function keepConnecting(connection: Connection, uri: string, closing: AbortSignal): Promise<boolean> {
  for (let pauseMs = FIRST_RETRY_MS; !closing.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS)) {
    try {
      await connection.openUri(uri, {
        autoIndex: false,
        autoCreate: false,
        connectTimeoutMS: CONNECT_TIMEOUT_MS,
        serverSelectionTimeoutMS: SELECTION_TIMEOUT_MS,
        waitQueueTimeoutMS: SELECTION_TIMEOUT_MS,
        socketTimeoutMS: SOCKET_TIMEOUT_MS,
        heartbeatFrequencyMS: HEARTBEAT_MS,
      });
      return true;
    } catch {
      // `logTransitions` has logged it.
      await pause(pauseMs, closing);
    }
  }
  return false;
}

interface Reconnecting {
  readonly connect: () => Promise<boolean>;
  readonly stuckMs: number;
  readonly log: Logger;
}

/** Watches a connection until it is closed. */
async function reconnectStuck(
  connection: Connection,
  config: MongoConfig,
  { connect, stuckMs, log }: Reconnecting,
  closing: AbortSignal,
): Promise<void> {
  const isConnected = () => connection.readyState === mongoose.ConnectionStates.connected;
  let awaySince: number | undefined;
  while (!closing.aborted) {
    await pause(stuckMs / WATCHES_UNTIL_STUCK, closing);
    if (isConnected()) awaySince = undefined;
    else awaySince ??= performance.now();
    if (awaySince === undefined || performance.now() - awaySince < stuckMs || !(await answers(config))) continue;
    // The server may have come back just now: then the driver notices it within this time, too.
    await pause(2 * HEARTBEAT_MS, closing);
    if (isConnected() || closing.aborted) continue;
    log.warn('MongoDB answers, but its connection has not come back; connecting anew');
    await connection.close(true);
    await connect();
  }
}

const WATCHES_UNTIL_STUCK = 10;

async function answers(config: MongoConfig): Promise<boolean> {
  try {
    await (await openMongo(config, SELECTION_TIMEOUT_MS)).destroy(true);
    return true;
  } catch {
    return false;
  }
}

/** Two processes that make the same indexes at once may disturb each other. */
async function keepTrying(step: () => Promise<unknown>, closing: AbortSignal, log: Logger): Promise<void> {
  for (let pauseMs = FIRST_RETRY_MS; !closing.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS)) {
    try {
      await step();
      return;
    } catch (err) {
      if (!closing.aborted) log.warn({ err }, 'MongoDB: a step after connecting failed; it is tried again');
      await pause(pauseMs, closing);
    }
  }
}

/** Which option would fix an error of a connection; undefined if none is known. */
export function mongoAdvice(error: unknown, { MONGODB_URI }: MongoConfig): string | undefined {
  const uncertified = /[?&](tls|ssl)=true/i.test(MONGODB_URI) && !/tlsCertificateKeyFile=/i.test(MONGODB_URI);
  return tlsAdvice(error, 'MONGODB', uncertified);
}

function pause(ms: number, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      closing.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    closing.addEventListener('abort', done);
  });
}

/** One line when the connection is lost and one when it is back, not one an attempt. */
function logTransitions(connection: Connection, config: MongoConfig, log: Logger): void {
  let lost = false;
  const onLoss = (err?: Error) => {
    if (!lost)
      log.warn(
        err === undefined ? {} : { err, advice: mongoAdvice(err, config) },
        'MongoDB is not reachable; going on without it',
      );
    lost = true;
  };
  connection.on('error', onLoss);
  connection.on('disconnected', () => onLoss());
  connection.on('connected', () => {
    if (lost) log.info('MongoDB is back');
    lost = false;
  });
}

async function withinTime<T>(connection: Connection, work: () => Promise<T>, waitMs: number): Promise<T> {
  if (connection.readyState !== mongoose.ConnectionStates.connected) throw away();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(away(new Error(`no answer within ${waitMs} ms`))), waitMs);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    throw isAway(error) ? away(error) : error;
  } finally {
    clearTimeout(timer);
  }
}

const { MongoBulkWriteError, MongoNetworkError, MongoServerSelectionError } = mongoose.mongo;
const { MongoNotConnectedError, MongoTopologyClosedError } = mongoose.mongo;

/** Codes of Node's sockets that the driver (7.8) passes on unchanged if a pooled connection is broken. */
const SOCKET_CODES = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

function isAway(error: unknown): boolean {
  // A bulk write that lost its connection hides the cause.
  if (error instanceof MongoBulkWriteError) return isAway(error.errorResponse);
  return (
    error instanceof MongoNetworkError ||
    error instanceof MongoServerSelectionError ||
    error instanceof MongoNotConnectedError ||
    error instanceof MongoTopologyClosedError ||
    (error instanceof Error && 'code' in error && SOCKET_CODES.has(String(error.code))) ||
    // The driver does not export the class of a full pool.
    (error instanceof Error && error.name === 'MongoWaitQueueTimeoutError')
  );
}

function away(cause?: unknown): AppError {
  return new AppError('databaseUnavailable', 'the document store is not reachable right now', {
    retryAfterSeconds: 2,
    cause,
  });
}
