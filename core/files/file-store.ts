/** Files of users in MySQL, in pieces: what is kept has its row, and a row has all of its pieces. */
import type { Sequelize } from 'sequelize';
import { newId } from '../../infra/ids.ts';
import { insertRows, utcDateTime } from '../../infra/mysql/literal.ts';
import { column, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';

/** A packet has twice as many, as hexadecimal digits. */
const CHUNK_BYTES = 1024 * 1024;
const DELETE_AT_ONCE = 100;

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

const chunk = rowOf({ data: column.bytes });
const sum = rowOf({ bytes: column.integer });
const idOnly = rowOf({ id: column.text });

export interface FileFilter {
  readonly userId: number;
  readonly purpose?: string | undefined;
  /** Files that are older than this one. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export function newFileId(): string {
  return `file-${newId().replaceAll('-', '')}`;
}

export class FileStore {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /** Of all files of a user. */
  async bytesOf(userId: number): Promise<number> {
    const sql = 'SELECT COALESCE(SUM(bytes),0) AS bytes FROM files WHERE user_id=?';
    const [found] = await select(this.#sequelize, sum.read, sql, [userId]);
    return found?.bytes ?? 0;
  }

  /** Writes a file, or writes it anew: a step that is run again leaves the same. */
  async put(meta: Omit<StoredFile, 'bytes'>, pieces: AsyncIterable<Buffer>): Promise<StoredFile> {
    const { id, userId, purpose, filename, createdAt, expiresAt } = meta;
    await change(this.#sequelize, 'DELETE FROM file_chunks WHERE file_id=?', [id]);
    let bytes = 0;
    let seq = 0;
    for await (const piece of chunked(pieces)) {
      await change(this.#sequelize, insertRows('file_chunks', ['file_id', 'seq', 'data'], [[id, seq, piece]]));
      bytes += piece.length;
      seq += 1;
    }
    const times = [createdAt, expiresAt].map((time) => utcDateTime(time.getTime()));
    const columns = ['id', 'user_id', 'purpose', 'filename', 'bytes', 'created_at', 'expires_at'];
    const row = insertRows('files', columns, [[id, userId, purpose, filename, bytes, ...times]]);
    await change(this.#sequelize, `${row} ON DUPLICATE KEY UPDATE bytes=VALUES(bytes)`);
    return { ...meta, bytes };
  }

  async find(id: string, userId: number): Promise<StoredFile | undefined> {
    const sql = `SELECT ${file.columns} FROM files WHERE id=? AND user_id=?`;
    return (await select(this.#sequelize, file.read, sql, [id, userId]))[0];
  }

  /** The newest first. */
  async list({ userId, purpose, after, limit }: FileFilter): Promise<StoredFile[]> {
    const conditions = [
      'user_id=:userId',
      ...(purpose === undefined ? [] : ['purpose=:purpose']),
      ...(after === undefined ? [] : ['(created_at,id) < (SELECT f.created_at,f.id FROM files f WHERE f.id=:after)']),
    ];
    return await select(
      this.#sequelize,
      file.read,
      `SELECT ${file.columns} FROM files WHERE ${conditions.join(' AND ')} ORDER BY created_at DESC, id DESC LIMIT :limit`,
      { userId, purpose, after, limit },
    );
  }

  /** Piece after piece. */
  async *read(id: string): AsyncGenerator<Buffer, void> {
    for (let seq = 0; ; seq += 1) {
      const sql = 'SELECT data FROM file_chunks WHERE file_id=? AND seq=?';
      const [found] = await select(this.#sequelize, chunk.read, sql, [id, seq]);
      if (found === undefined) return;
      yield found.data;
    }
  }

  /** @returns false when the user has no such file. */
  async remove(id: string, userId: number): Promise<boolean> {
    const removed = await change(this.#sequelize, 'DELETE FROM files WHERE id=? AND user_id=?', [id, userId]);
    if (removed > 0) await change(this.#sequelize, 'DELETE FROM file_chunks WHERE file_id=?', [id]);
    return removed > 0;
  }

  /** Of one round. @returns how many. */
  async removeExpired(): Promise<number> {
    const sql = `SELECT id FROM files WHERE expires_at<NOW(3) ORDER BY expires_at LIMIT ${DELETE_AT_ONCE}`;
    const ids = (await select(this.#sequelize, idOnly.read, sql)).map(({ id }) => id);
    if (ids.length === 0) return 0;
    await inTransaction(this.#sequelize, async (transaction) => {
      await change(this.#sequelize, 'DELETE FROM file_chunks WHERE file_id IN (?)', [ids], transaction);
      await change(this.#sequelize, 'DELETE FROM files WHERE id IN (?)', [ids], transaction);
    });
    return ids.length;
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
