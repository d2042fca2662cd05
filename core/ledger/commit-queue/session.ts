/**
 * The commit queue's session with the database: one connection, one writer slot, and what happens to both, and to the
 * running batch, when a packet fails.
 */
import { hostname } from 'node:os';
import type { Connection } from 'mysql2/promise';
import type { Logger } from 'pino';
import type { DatabaseConfig } from '../../../infra/mysql/connection.ts';
import { type Failure, failureOf, openWriterConnection, packetLimitOf, query } from './connection.ts';
import { endWriterConnection } from './fencing.ts';
import { leaveWriter, markConnection, readStanding, takeWriter, type Writer } from './writer.ts';

export const MAX_RECONNECT_PAUSE_MS = 1_000;

export interface ReadySession {
  readonly connection: Connection;
  readonly writer: Writer;
  /** A packet must not be larger. */
  readonly packetLimitBytes: number;
}

export class WriterSession {
  readonly #database: DatabaseConfig;
  readonly #writerTtlMs: number;
  readonly #log: Logger;
  readonly #process = `${hostname()}:${process.pid}`.slice(0, 100);
  #connection: Connection | undefined;
  #writer: Writer | undefined;
  #packetLimitBytes = 0;

  constructor(database: DatabaseConfig, writerTtlMs: number, log: Logger) {
    this.#database = database;
    this.#writerTtlMs = writerTtlMs;
    this.#log = log;
  }

  /** The slot this process writes under, once it has one. */
  get writer(): Writer | undefined {
    return this.#writer;
  }

  /** Connected, and with a writer slot whose state is known. */
  async ready(): Promise<ReadySession> {
    if (this.#connection && this.#writer) return this.#readyWith(this.#connection, this.#writer);
    const connection = await openWriterConnection(this.#database);
    try {
      this.#packetLimitBytes = await packetLimitOf(connection);
      const writer = await this.#claimWriter(connection);
      this.#connection = connection;
      return this.#readyWith(connection, writer);
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  #readyWith(connection: Connection, writer: Writer): ReadySession {
    return { connection, writer, packetLimitBytes: this.#packetLimitBytes };
  }

  /** Moves this process's slot to the new connection, or takes another slot. */
  async #claimWriter(connection: Connection): Promise<Writer> {
    const writer = this.#writer;
    if (!writer) {
      this.#writer = await takeWriter(connection, this.#writerTtlMs, this.#process);
      return this.#writer;
    }
    await endWriterConnection(connection, writer.slot, writer.epoch);
    await markConnection(connection, writer);
    return writer;
  }

  /** After a failed packet: prepares another try, or finds that the batch was committed (`done`). */
  async recover(error: unknown, committing: boolean): Promise<Failure | 'done'> {
    const kind = failureOf(error);
    if (kind === 'lost') return this.#afterLoss(committing);
    try {
      if (this.#connection) await query(this.#connection, 'ROLLBACK');
      if (kind === 'fenced') await this.#afterFence();
      return kind;
    } catch {
      this.#disconnect();
      return 'lost';
    }
  }

  /** Gives the slot back and disconnects. Idempotent. */
  async close(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    this.#connection = undefined;
    try {
      if (this.#writer) await leaveWriter(connection, this.#writer);
      await connection.end();
    } catch {
      connection.destroy();
    }
  }

  /**
   * The slot's row says what happened to the batch: it is committed if its number is there. Only after COMMIT was sent.
   */
  async #afterLoss(committing: boolean): Promise<Failure | 'done'> {
    this.#disconnect();
    const writer = this.#writer;
    if (!writer) return 'lost';
    for (let pauseMs = 20; ; pauseMs = Math.min(MAX_RECONNECT_PAUSE_MS, pauseMs * 2)) {
      try {
        const connection = await openWriterConnection(this.#database);
        try {
          await endWriterConnection(connection, writer.slot, writer.epoch);
          const { current, seq } = await readStanding(connection, writer);
          // If it was fenced so long ago that the row no longer says, the batch runs again: ids show what was done.
          const committed = committing && seq !== undefined && seq > writer.seq;
          if (current && seq !== undefined) writer.seq = seq;
          else this.#writer = undefined;
          return committed ? 'done' : 'lost';
        } finally {
          connection.destroy();
        }
      } catch (error) {
        if (!committing) return 'lost';
        this.#log.warn({ err: error }, 'commit queue: waiting until the database says what was committed');
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  /** Another process has raised our epoch, or `seq` is not what we expect: continue under a new slot. */
  async #afterFence(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    this.#log.warn({ writer: this.#writer?.slot }, 'commit queue: fenced; taking a new writer slot');
    this.#writer = undefined;
    this.#writer = await takeWriter(connection, this.#writerTtlMs, this.#process);
  }

  #disconnect(): void {
    this.#connection?.destroy();
    this.#connection = undefined;
  }
}
