/** Fencing writers that have not renewed themselves in time: their processes are dead, frozen or cut off. */
import type { Connection } from 'mysql2/promise';
import { query } from './connection.ts';
import { numberOf, textOf } from './record.ts';
import { FREE_SINCE, rowsOf, type Writer, writerLock } from './writer.ts';

/** Cut to the column's length between two entries; assignments run from left to right, so the epoch is still the old one. */
const HISTORY = "SUBSTRING_INDEX(CONCAT(epoch,':',seq,' ',history),' ',8)";

export interface LapsedWriter extends Pick<Writer, 'slot' | 'epoch'> {
  /** When its time was over; another one once it has renewed itself. */
  readonly expiredAt: string;
}

/** Writers that are past their time and not fenced yet. */
export async function lapsedWriters(connection: Connection): Promise<LapsedWriter[]> {
  const records = await rowsOf(
    connection,
    `SELECT slot,epoch,expires_at FROM writers WHERE expires_at < NOW(3) AND expires_at <> ${FREE_SINCE}`,
  );
  return records.map((record) => ({
    slot: numberOf(record, 'slot'),
    epoch: numberOf(record, 'epoch'),
    expiredAt: textOf(record, 'expires_at'),
  }));
}

/**
 * Raises the epoch of a lapsed writer after ending the connection it may still hold: a frozen process would keep its
 * row locks for ever. One whose connection is at work is left alone, since it waits for locks of another, which may be
 * the dead one; what it waits for ends within the lock wait time. Safe to run from several processes.
 * @returns whether it was fenced now.
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
  const [holder] = await rowsOf(connection, `SELECT IS_USED_LOCK(${writerLock(connection, slot, epoch)}) AS id`);
  return holder && holder.id !== null ? numberOf(holder, 'id') : undefined;
}

async function end(connection: Connection, connectionId: number): Promise<void> {
  // The connection may end by itself in between: then there is nothing left to end.
  await query(connection, `KILL ${connectionId}`).catch(() => undefined);
}

async function isAtWork(connection: Connection, connectionId: number): Promise<boolean> {
  const [thread] = await rowsOf(
    connection,
    `SELECT COMMAND AS command FROM information_schema.PROCESSLIST WHERE ID=${connectionId}`,
  );
  return thread?.command === 'Query';
}
