/**
 * Files of users in MySQL, in pieces. The row comes first, with the bytes that the file will have, and nobody sees it before
 * its pieces are there: no room is given away twice, and what a dead process left of a file expires soon.
 */
import type { Sequelize, Transaction } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { insertRows, utcDateTime } from '../../infra/mysql/literal.ts';
import { column, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { change, exists, select } from '../../infra/mysql/statements.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';

/** A packet has twice as many, as hexadecimal digits. */
const CHUNK_BYTES = 1024 * 1024;
const DELETE_AT_ONCE = 100;
/** What is not whole by then was begun by a process that died. */
const UNFINISHED_KEPT_MS = 3_600_000;
const RETRY_SECONDS = 60;

const file = rowOf({
  id: column.text,
  userId: column.integer,
  purpose: column.text,
  filename: column.text,
  bytes: column.integer,
  createdAt: column.time,
  expiresAt: column.time,
});
export type StoredFile = ReadRow<typeof file>;
export type NewFile = Omit<StoredFile, 'bytes'>;

const SHOWN = 'is_whole=1 AND expires_at>NOW(3)';

/** How many bytes of it `begins` gives. */
const BEGIN_BYTES = 8;

const chunk = rowOf({ data: column.bytes });
const begun = rowOf({ id: column.text, filename: column.text, bytes: column.integer, begin: column.bytes });
export type FileBegin = ReadRow<typeof begun>;
const sum = rowOf({ bytes: column.integer });
const owned = rowOf({ id: column.text, userId: column.integer });

/** What a file needs of what all files of its user may have, in bytes. */
export interface Room {
  readonly bytes: number;
  readonly most: number;
}

export interface FileFilter {
  readonly userId: number;
  readonly purpose?: string | undefined;
  /** By time of creation; the newest first unless set. */
  readonly order?: 'asc' | 'desc' | undefined;
  /** Files that come after this one in the order. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** @param operationId the same for every run of one keyed request. */
export function newFileId(operationId = newId()): string {
  return `file-${operationId.replaceAll('-', '')}`;
}

const RANDOM_DIGITS = 12;

/** One of several files that come of one operation, and of which one is kept: `removeOthers` finds them by its id. */
export function oneFileIdOf(operationId: string): string {
  return `${newFileId(operationId)}-${newId().slice(-RANDOM_DIGITS)}`;
}

const ASCII = /^[\x20-\x7e]+$/;

export class FileStore {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /**
   * What is left of `most` for the files of a user, those that are still being written among them.
   * @throws {AppError} tooManyRequests when `bytes` more do not fit.
   */
  async checkRoom(userId: number, { bytes, most }: Room, transaction?: Transaction): Promise<void> {
    const held = await this.#bytesOf(userId, transaction);
    if (held + bytes <= most) return;
    const message = `your files may have ${most} bytes together and have ${held} (FILE_STORAGE_PER_USER); delete some`;
    throw new AppError('tooManyRequests', message, { retryAfterSeconds: RETRY_SECONDS });
  }

  /** What the files of a user have together, those that are still being written among them. */
  async #bytesOf(userId: number, transaction?: Transaction): Promise<number> {
    const sql = 'SELECT COALESCE(SUM(bytes),0) AS bytes FROM files WHERE user_id=?';
    return (await select(this.#sequelize, sum.read, sql, [userId], transaction))[0]?.bytes ?? 0;
  }

  /**
   * @param meta its id is a new one. @param room undefined: it is written in any case.
   * @throws {AppError} tooManyRequests when there is no room for it.
   */
  async put(meta: NewFile, pieces: AsyncIterable<Buffer>, room?: Room): Promise<StoredFile> {
    await this.reserve(meta, room);
    try {
      return await this.fill(meta, pieces);
    } catch (error) {
      // What stays is removed with the files that have expired.
      await this.#removeUnfinished(meta.id).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Takes the room of a file that is written later, by `fill`; `remove` gives it back.
   * @throws {AppError} tooManyRequests when there is none.
   */
  async reserve({ id, userId, purpose, filename, createdAt }: NewFile, room: Room | undefined): Promise<void> {
    const times = [createdAt.getTime(), Date.now() + UNFINISHED_KEPT_MS].map(utcDateTime);
    const columns = ['id', 'user_id', 'purpose', 'filename', 'bytes', 'created_at', 'expires_at', 'is_whole'];
    const row = insertRows('files', columns, [[id, userId, purpose, filename, room?.bytes ?? 0, ...times, 0]]);
    await inTransaction(this.#sequelize, async (transaction) => {
      if (room) {
        // Uploads of one user come one after the other here, so that they do not all find the same room.
        await exists(this.#sequelize, 'SELECT 1 FROM users WHERE id=? FOR UPDATE', [userId], transaction);
        await this.checkRoom(userId, room, transaction);
      }
      await change(this.#sequelize, row, undefined, transaction);
    });
  }

  /**
   * Writes a file whose room is taken, however large it becomes, and names it.
   * @throws what the pieces throw; the file is then to be removed.
   */
  async fill(meta: NewFile, pieces: AsyncIterable<Buffer>): Promise<StoredFile> {
    const { id, filename, expiresAt } = meta;
    const bytes = await this.#write(id, pieces);
    const sql = `UPDATE files SET bytes=:bytes,filename=:filename,expires_at=:expiresAt,is_whole=1
                  WHERE id=:id AND is_whole=0`;
    const isKept = (await change(this.#sequelize, sql, { id, bytes, filename, expiresAt })) > 0;
    if (!isKept) throw new Error(`the file ${id} was removed while it was written`);
    return { ...meta, bytes };
  }

  /** @returns how many bytes. */
  async #write(id: string, pieces: AsyncIterable<Buffer>): Promise<number> {
    let bytes = 0;
    let seq = 0;
    for await (const piece of chunked(pieces)) {
      await change(this.#sequelize, insertRows('file_chunks', ['file_id', 'seq', 'data'], [[id, seq, piece]]));
      bytes += piece.length;
      seq += 1;
    }
    return bytes;
  }

  /** Unless it has expired: it is not there any more, though its bytes may be removed a little later. */
  async find(id: string, userId: number): Promise<StoredFile | undefined> {
    // The database cannot compare other letters with an id.
    if (!ASCII.test(id)) return undefined;
    const sql = `SELECT ${file.columns} FROM files WHERE id=? AND user_id=? AND ${SHOWN}`;
    return (await select(this.#sequelize, file.read, sql, [id, userId]))[0];
  }

  /** Which of these files the user has, and how each begins. */
  async begins(ids: readonly string[], userId: number): Promise<FileBegin[]> {
    const known = ids.filter((id) => ASCII.test(id));
    if (known.length === 0) return [];
    const sql = `SELECT f.id,f.filename,f.bytes,COALESCE(LEFT(c.data,${BEGIN_BYTES}),'') AS begin
                   FROM files f LEFT JOIN file_chunks c ON c.file_id=f.id AND c.seq=0
                  WHERE f.id IN (:known) AND f.user_id=:userId AND ${SHOWN}`;
    return await select(this.#sequelize, begun.read, sql, { known, userId });
  }

  async list({ userId, purpose, order = 'desc', after, limit }: FileFilter): Promise<StoredFile[]> {
    const beyond = order === 'asc' ? '>' : '<';
    const conditions = [
      `user_id=:userId AND ${SHOWN}`,
      ...(purpose === undefined ? [] : ['purpose=:purpose']),
      ...(after === undefined
        ? []
        : [`(created_at,id) ${beyond} (SELECT f.created_at,f.id FROM files f WHERE f.id=:after)`]),
    ];
    return await select(
      this.#sequelize,
      file.read,
      `SELECT ${file.columns} FROM files WHERE ${conditions.join(' AND ')}
        ORDER BY created_at ${order}, id ${order} LIMIT :limit`,
      { userId, purpose, after, limit },
    );
  }

  /** Piece after piece. @throws {AppError} notFound when it is removed meanwhile: a part is never taken for the whole. */
  async *read({ id, bytes }: Pick<StoredFile, 'id' | 'bytes'>): AsyncGenerator<Buffer, void> {
    for (let seq = 0, at = 0; at < bytes; seq += 1) {
      const sql = 'SELECT data FROM file_chunks WHERE file_id=? AND seq=?';
      const [found] = await select(this.#sequelize, chunk.read, sql, [id, seq]);
      if (found?.data.length !== Math.min(CHUNK_BYTES, bytes - at)) {
        throw new AppError('notFound', `the file ${id} was removed while it was read`);
      }
      yield found.data;
      at += found.data.length;
    }
  }

  /** What a batch has yet to read does not expire before it. */
  async keepUntil(id: string, until: Date): Promise<void> {
    const sql = 'UPDATE files SET expires_at=:until WHERE id=:id AND is_whole=1 AND expires_at < :until';
    await change(this.#sequelize, sql, { id, until });
  }

  /** With its pieces. Idempotent. @returns false when the user has no such file. */
  async remove(id: string, userId: number): Promise<boolean> {
    return await inTransaction(this.#sequelize, async (transaction) => {
      const sql = 'DELETE FROM files WHERE id=? AND user_id=?';
      const removed = await change(this.#sequelize, sql, [id, userId], transaction);
      await change(this.#sequelize, 'DELETE FROM file_chunks WHERE file_id=?', [id], transaction);
      return removed > 0;
    });
  }

  /** Of the files of one operation all but one, unfinished ones among them. Idempotent. */
  async removeOthers(operationId: string, userId: number, kept?: string): Promise<void> {
    const sql = 'SELECT id, user_id FROM files WHERE id LIKE ? AND user_id=?';
    const found = await select(this.#sequelize, owned.read, sql, [`${newFileId(operationId)}-%`, userId]);
    for (const { id } of found) if (id !== kept) await this.remove(id, userId);
  }

  /** A run of the same request may have written it whole meanwhile. Pieces without a row go, too. */
  async #removeUnfinished(id: string): Promise<void> {
    await inTransaction(this.#sequelize, async (transaction) => {
      await change(this.#sequelize, 'DELETE FROM files WHERE id=? AND is_whole=0', [id], transaction);
      const whole = 'SELECT 1 FROM files WHERE id=? FOR UPDATE';
      if (await exists(this.#sequelize, whole, [id], transaction)) return;
      await change(this.#sequelize, 'DELETE FROM file_chunks WHERE file_id=?', [id], transaction);
    });
  }

  /** Of one round, each in a transaction of its own: the pieces of many are gigabytes. @returns how many. */
  async removeExpired(): Promise<number> {
    const sql = `SELECT id, user_id FROM files WHERE expires_at<NOW(3) ORDER BY expires_at LIMIT ${DELETE_AT_ONCE}`;
    const expired = await select(this.#sequelize, owned.read, sql);
    for (const { id, userId } of expired) await this.remove(id, userId);
    return expired.length;
  }
}

/** The same bytes in pieces of the size of a chunk. */
async function* chunked(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + CHUNK_BYTES - size);
      waiting.push(part);
      size += part.length;
      at += part.length;
      if (size < CHUNK_BYTES) continue;
      yield Buffer.concat(waiting);
      waiting = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(waiting);
}
