/**
 * The commit queue: every change of money of this process goes through one queue over one connection, one batch in
 * flight (group commit). A batch is one transaction of two packets: the first takes the fence and locks the rows that
 * its operations name, the operations are decided in memory, the second writes all effects and commits. A batch whose
 * operations read no row is one packet.
 */
import type { Logger } from 'pino';
import { AppError } from '../../../infra/errors.ts';
import type { DatabaseConfig } from '../../../infra/mysql/connection.ts';
import { column, rowOf } from '../../../infra/mysql/rows.ts';
import { type Failure, isDuplicate, sendPacket } from './connection.ts';
import { Gathering, type Pending, takeBatch } from './gathering.ts';
import type { Operation } from './operation.ts';
import { MAX_RECONNECT_PAUSE_MS, type ReadySession, WriterSession } from './session.ts';
import type { LedgerTable } from './table.ts';
import { UnitOfWork } from './unit-of-work.ts';
import { fence, type Writer } from './writer.ts';

export interface CommitQueueOptions {
  readonly database: DatabaseConfig;
  /** In the order in which every process locks them. */
  readonly tables: readonly LedgerTable<unknown>[];
  /** A writer that has committed nothing for this long may be fenced. */
  readonly writerTtlMs: number;
  /** The local day of an instant, yyyy-MM-dd. */
  readonly dayOf: (ms: number) => string;
  readonly log: Logger;
  readonly onBatch?: (operations: number, milliseconds: number) => void;
}

/** Back-pressure: with more operations waiting, the database is not keeping up, and new ones are refused. */
const MAX_QUEUE = 20_000;
const DEADLINE_CHECK_MS = 200;
/** Each run of a batch reads its rows again, so a row that still collides after this many runs is a bug. */
const MAX_DUPLICATES = 5;

/** Milliseconds since 1970. */
const CLOCK = 'SELECT CAST(UNIX_TIMESTAMP(NOW(3))*1000 AS SIGNED) AS moment';
const clock = rowOf({ moment: column.integer });
/** A batch that reads no row takes the database's time from the last one that did, if that was this recently. */
const CLOCK_FRESH_MS = 1_000;
/** A batch usually takes milliseconds. While one takes longer, money is no longer spent on the database's credit. */
const SLOW_BATCH_MS = 1_000;

type BatchEnd = { readonly kind: 'done' } | { readonly kind: Failure; readonly error: unknown };

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #session: WriterSession;
  readonly #gathering = new Gathering();
  #queue: Pending[] = [];
  #running = false;
  #closing = false;
  #lastCommit = 0;
  /** By performance.now(), when the packet was sent that renewed the writer last. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** The same of the packet that the running batch sent first; undefined between batches. */
  #batchSince: number | undefined;
  #databaseAway = false;
  /** The database's clock, and when it was read by performance.now(). */
  #clock = { nowMs: 0, readAt: Number.NEGATIVE_INFINITY };
  readonly #heartbeat: NodeJS.Timeout;
  readonly #deadlines: NodeJS.Timeout;
  #current: readonly Pending[] = [];

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#session = new WriterSession(options.database, options.writerTtlMs, options.log);
    this.#heartbeat = setInterval(() => this.#beat(), options.writerTtlMs / 4);
    this.#deadlines = setInterval(() => this.#expire(), DEADLINE_CHECK_MS);
    this.#heartbeat.unref();
    this.#deadlines.unref();
  }

  /** The slot this process writes under, once it has one. */
  get writer(): Readonly<Writer> | undefined {
    return this.#session.writer;
  }

  /**
   * The writer, if it is certain that nobody has fenced it: it has renewed itself in the first half of its time, and the
   * database answers. What was leased by it may be spent without asking.
   */
  get standing(): Pick<Writer, 'slot' | 'epoch'> | undefined {
    const now = performance.now();
    const isRenewed = now - this.#renewedAt < this.#options.writerTtlMs / 2;
    const isSlow = this.#batchSince !== undefined && now - this.#batchSince > SLOW_BATCH_MS;
    if (!isRenewed || isSlow || this.#databaseAway || this.#queue.length >= MAX_QUEUE / 2) return undefined;
    return this.#session.writer;
  }

  /** Operations that wait for their batch. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Connects and takes a writer slot, so that the first operation does not have to wait. */
  async open(): Promise<void> {
    await this.submit({ reads: [], decide: () => undefined }, { waitMs: 30_000 });
  }

  /**
   * Runs one operation; resolves after its COMMIT, with what it decided.
   * @param waitMs how long the caller waits while the database is away; without it, as long as it takes. If the
   *   operation is committed later, its `compensate` takes it back. Without a `compensate` the caller is refused only
   *   when it is certain that the operation was not done, which may take longer.
   * @throws {AppError} databaseUnavailable when the time is over or the queue is full: nothing was done.
   */
  submit<Result>(operation: Operation<Result>, options: { readonly waitMs?: number } = {}): Promise<Result> {
    if (this.#queue.length >= MAX_QUEUE || this.#closing) return Promise.reject(unavailable());
    return new Promise<Result>((resolve, reject) => {
      this.#queue.push({
        operation,
        // `submit` pairs the operation with the promise of its own result type.
        resolve: (result) => resolve(result as Result),
        reject,
        deadline: options.waitMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.waitMs,
        answered: false,
        isolated: false,
      });
      if (!operation.mayWait) this.#gathering.hurry();
      if (!this.#running) void this.#drain();
    });
  }

  /** Finishes what is queued, gives the slot back and disconnects. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#heartbeat);
    while (this.#running) await new Promise((resolve) => setTimeout(resolve, 5));
    clearInterval(this.#deadlines);
    await this.#session.close();
  }

  #beat(): void {
    if (this.#running || performance.now() - this.#lastCommit < this.#options.writerTtlMs / 4) return;
    // An empty batch renews the writer.
    this.submit({ reads: [], decide: () => undefined }, { waitMs: this.#options.writerTtlMs }).catch(() => undefined);
  }

  /**
   * Refuses callers whose time is over. Whether the running batch is committed is not known yet: of its callers only
   * those are refused whose operation can be taken back; the others wait for the outcome.
   */
  #expire(): void {
    this.#tellLate(this.#current.filter((pending) => pending.operation.compensate !== undefined));
    this.#tellLate(this.#queue);
    this.#queue = this.#queue.filter((pending) => !pending.answered);
  }

  #tellLate(waiting: readonly Pending[]): void {
    const now = performance.now();
    for (const pending of waiting) {
      if (pending.deadline <= now) this.#reject(pending, unavailable());
    }
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (let before = 0; this.#queue.length > 0; before = this.#current.length) {
      const mayWait = this.#queue.every(({ operation }) => operation.mayWait === true);
      await this.#gathering.wait(mayWait, { operations: before, msAgo: performance.now() - this.#lastCommit });
      this.#current = takeBatch(this.#queue);
      await this.#commit(this.#current);
    }
    this.#current = [];
    this.#running = false;
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    let pauseMs = 0;
    let duplicates = 0;
    let rest = batch;
    for (;;) {
      // Nothing of the batch is committed. An operation whose caller was refused does not run again.
      this.#tellLate(rest);
      rest = rest.filter((pending) => !pending.answered);
      if (rest.length === 0 && batch.length > 0) return;
      const end = await this.#attempt(rest);
      if (end.kind === 'done') return;
      if (isDuplicate(end.error)) duplicates += 1;
      if (end.kind === 'refused' || duplicates > MAX_DUPLICATES) return this.#isolate(rest, end.error);
      if (end.kind === 'again') this.#options.log.debug({ err: end.error }, 'commit queue: batch runs again');
      else this.#options.log.warn({ err: end.error, kind: end.kind }, 'commit queue: batch interrupted');
      pauseMs = end.kind === 'lost' ? Math.min(MAX_RECONNECT_PAUSE_MS, pauseMs * 2 + 20) : Math.random() * 5;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** The database refused a statement: run the operations one by one, so that only the faulty one fails. */
  #isolate(batch: readonly Pending[], error: unknown): void {
    if (batch.length === 1) {
      this.#options.log.error({ err: error }, 'commit queue: the database refuses an operation');
      for (const pending of batch) this.#reject(pending, error);
      return;
    }
    for (const pending of batch) pending.isolated = true;
    this.#queue.unshift(...batch);
  }

  async #attempt(batch: readonly Pending[]): Promise<BatchEnd> {
    const started = performance.now();
    this.#batchSince = started;
    let answers: (() => void)[] = [];
    let committing = false;
    try {
      const session = await this.#session.ready();
      const { connection, writer, packetLimitBytes } = session;
      const sentAt = performance.now();
      const blind = this.#withoutReads(session, batch);
      const unitOfWork = blind ?? (await this.#lockRows(session, batch));
      answers = batch.map((pending) => this.#decide(unitOfWork, pending));
      const effects = [...unitOfWork.statements(this.#options.tables), 'COMMIT'];
      committing = true;
      const packet = blind ? [...this.#begin(writer), ...effects] : effects;
      await sendPacket(connection, packet, packetLimitBytes);
      writer.seq += 1n;
      this.#renewedAt = sentAt;
    } catch (error) {
      const kind = await this.#session.recover(error, committing);
      this.#databaseAway = kind === 'lost';
      if (kind !== 'done') return { kind, error };
    } finally {
      this.#batchSince = undefined;
    }
    this.#databaseAway = false;
    this.#lastCommit = performance.now();
    this.#options.onBatch?.(batch.length, this.#lastCommit - started);
    for (const answer of answers) answer();
    return { kind: 'done' };
  }

  #begin(writer: Writer): string[] {
    return ['START TRANSACTION', ...fence(writer, this.#options.writerTtlMs)];
  }

  /** The unit of work of a batch that reads no row, if the database's time is known without asking. */
  #withoutReads({ writer }: ReadySession, batch: readonly Pending[]): UnitOfWork | undefined {
    const sinceMs = performance.now() - this.#clock.readAt;
    if (sinceMs > CLOCK_FRESH_MS || batch.length === 0) return undefined;
    if (batch.some(({ operation }) => operation.reads.length > 0)) return undefined;
    return this.#unitOfWork(writer, Math.round(this.#clock.nowMs + sinceMs));
  }

  #unitOfWork(writer: Writer, nowMs: number): UnitOfWork {
    const stamp = { slot: writer.slot, epoch: writer.epoch, seq: writer.seq + 1n };
    return new UnitOfWork(nowMs, this.#options.dayOf(nowMs), stamp);
  }

  /** The first packet: the fence, then every row that the batch names, in the order that all processes share. */
  async #lockRows(session: ReadySession, batch: readonly Pending[]): Promise<UnitOfWork> {
    const { connection, writer, packetLimitBytes } = session;
    const ids = new Map<LedgerTable<unknown>, Set<string>>();
    for (const { operation } of batch) {
      for (const { table, id } of operation.reads) {
        const set = ids.get(table);
        if (set) set.add(id);
        else ids.set(table, new Set([id]));
      }
    }
    const tables = this.#options.tables.filter((table) => ids.has(table));
    if (tables.length !== ids.size) throw new Error('an operation reads a table that the commit queue does not know');
    const start = this.#begin(writer);
    const locks = tables.map((table) => table.lock([...(ids.get(table) ?? [])]));
    const results = await sendPacket(connection, [...start, ...locks, CLOCK], packetLimitBytes);
    const { moment: nowMs } = clock.read(results.at(-1)?.[0] ?? {});
    this.#clock = { nowMs, readAt: performance.now() };
    const unitOfWork = this.#unitOfWork(writer, nowMs);
    for (const [index, table] of tables.entries()) {
      const records = results[start.length + index] ?? [];
      unitOfWork.load(
        table,
        ids.get(table) ?? [],
        records.map((record) => table.parse(record)),
      );
    }
    return unitOfWork;
  }

  /** Decides one operation and returns a function that answers its caller after the COMMIT. */
  #decide(unitOfWork: UnitOfWork, pending: Pending): () => void {
    try {
      const result = unitOfWork.attempt((rows) => pending.operation.decide(rows));
      return () => this.#resolve(pending, result);
    } catch (error) {
      return () => this.#reject(pending, error);
    }
  }

  #resolve(pending: Pending, result: unknown): void {
    if (pending.answered) {
      const undo = pending.operation.compensate?.(result);
      if (undo)
        this.submit(undo).catch((err: unknown) => this.#options.log.error({ err }, 'commit queue: not taken back'));
      return;
    }
    pending.answered = true;
    pending.resolve(result);
  }

  #reject(pending: Pending, error: unknown): void {
    if (pending.answered) return;
    pending.answered = true;
    pending.reject(error);
  }
}

function unavailable(): AppError {
  return new AppError('databaseUnavailable', 'the ledger is not reachable right now; nothing was charged', {
    retryAfterSeconds: 2,
  });
}
