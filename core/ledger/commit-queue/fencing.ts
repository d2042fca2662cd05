/** Fencing writers that have not renewed themselves in time: their processes are dead, frozen or cut off. */
import type { Connection } from 'mysql2/promise';
import { column, orNull, rowOf } from '../../../infra/mysql/rows.ts';
import { query, rowsOf } from './connection.ts';
import { FREE_SINCE, type Writer, writerLock } from './writer.ts';

/** The last 8 epochs, as many as the column holds. MySQL assigns from left to right, so `epoch` is still the old one. */
const HISTORY = "SUBSTRING_INDEX(CONCAT(epoch,':',seq,' ',history),' ',8)";

export interface LapsedWriter extends Pick<Writer, 'slot' | 'epoch'> {
  /** When it expired; changes once it has renewed itself. */
  readonly expiresAtMs: number;
}

const lapsed = rowOf({ slot: column.integer, epoch: column.integer, expiresAtMs: column.ms });
const thread = rowOf({ Id: column.integer, Command: column.text });
const lockHolder = rowOf({ id: orNull(column.integer) });

/** Writers that have expired and are not fenced yet. */
export async function lapsedWriters(connection: Connection): Promise<LapsedWriter[]> {
  return await rowsOf(
    connection,
    lapsed.read,
    `SELECT ${lapsed.columns} FROM writers WHERE expires_at < NOW(3) AND expires_at <> ${FREE_SINCE}`,
  );
}

/**
 * Raises the epoch of a lapsed writer. First it ends the connection that the writer may still have, because a frozen
 * process would keep its row locks for ever. A writer whose connection is running a query is left alone: it waits for
 * locks of another process, perhaps of the dead one, and that ends within the lock wait time.
 * Safe to run from several processes.
 * @returns whether this call has fenced it.
 */
export async function fenceWriter(connection: Connection, { slot, epoch }: LapsedWriter): Promise<boolean> {
  const connectionId = await connectionOf(connection, slot, epoch);
  if (connectionId !== undefined) {
    if (await isAtWork(connection, connectionId)) return false;
    await end(connection, connectionId);
  }
  const [result] = await query(
    connection,
    `UPDATE writers SET history=${HISTORY},epoch=epoch+1,expires_at=${FREE_SINCE} WHERE slot=${slot} AND epoch=${epoch} AND expires_at < NOW(3)`,
  );
  return 'affectedRows' in result && result.affectedRows === 1;
}

/** Ends the connection that a slot and epoch still hold, if any; its open transaction is rolled back. */
export async function endWriterConnection(connection: Connection, slot: number, epoch: number): Promise<void> {
  const connectionId = await connectionOf(connection, slot, epoch);
  if (connectionId !== undefined) await end(connection, connectionId);
}

async function connectionOf(connection: Connection, slot: number, epoch: number): Promise<number | undefined> {
  const [holder] = await rowsOf(
    connection,
    lockHolder.read,
    `SELECT IS_USED_LOCK(${writerLock(connection, slot, epoch)}) AS id`,
  );
  return holder?.id ?? undefined;
}

async function end(connection: Connection, connectionId: number): Promise<void> {
  // Fails if the connection has ended in between.
  await query(connection, `KILL ${connectionId}`).catch(() => undefined);
}

/** Needs no privilege: every user sees its own connections. */
async function isAtWork(connection: Connection, connectionId: number): Promise<boolean> {
  const threads = await rowsOf(connection, thread.read, 'SHOW PROCESSLIST');
  return threads.some(({ Id, Command }) => Id === connectionId && Command === 'Query');
}
