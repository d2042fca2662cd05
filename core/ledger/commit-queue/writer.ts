/**
 * The writer slot of a process: its right to move money. A slot has an epoch. The sweeper raises it when the slot has
 * lapsed, and so does the process that takes the slot; from then on no batch of the previous holder can commit (the
 * fence). A named lock marks the connection of a slot and epoch, so that a frozen holder's transaction can be ended.
 */
import { createHash } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { literal } from '../../../infra/mysql/literal.ts';
import { column, orNull, rowOf } from '../../../infra/mysql/rows.ts';
import { query, rowsOf } from './connection.ts';

export interface Writer {
  readonly slot: number;
  readonly epoch: number;
  seq: bigint;
}

/**
 * SQL of the name of the lock that the connection of this slot and epoch holds as long as it lives. Names are shared by
 * all databases of a server and have at most 64 characters. MySQL 9.6 and later have no MD5().
 */
export function writerLock(connection: Connection, slot: number, epoch: number): string {
  const database = createHash('md5')
    .update(connection.config.database ?? '')
    .digest('hex');
  return literal(`lane-${database}-${slot}-${epoch}`);
}

/** Marks a slot that can be taken: its last holder was fenced. Earlier than any real time. */
export const FREE_SINCE = "'1999-01-01'";
const TAKE_TRIES = 20;
/** A connection that was just ended may hold its lock for a moment. */
const MARK_WAIT_SECONDS = 5;

function expiry(ttlMs: number): string {
  return `NOW(3) + INTERVAL ${ttlMs * 1000} MICROSECOND`;
}

const freeSlot = rowOf({ slot: column.integer, epoch: column.integer, seq: column.bigint });
const newSlot = rowOf({ slot: column.integer });
const mark = rowOf({ marked: orNull(column.flag) });
const standing = rowOf({ epoch: column.integer, seq: column.bigint, history: column.text });

/** Takes a free slot, or makes a new one. */
export async function takeWriter(connection: Connection, ttlMs: number, process: string): Promise<Writer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await takeOnce(connection, ttlMs, process);
    } catch (error) {
      await query(connection, 'ROLLBACK');
      if (attempt >= TAKE_TRIES) throw error;
    }
  }
}

async function takeOnce(connection: Connection, ttlMs: number, process: string): Promise<Writer> {
  await query(connection, 'START TRANSACTION');
  // Only fenced slots: after the database was away, the slots of living processes have lapsed too.
  const [free] = await rowsOf(
    connection,
    freeSlot.read,
    `SELECT ${freeSlot.columns} FROM writers WHERE expires_at=${FREE_SINCE} ORDER BY slot LIMIT 1 FOR UPDATE SKIP LOCKED`,
  );
  const writer = free ? { ...free, epoch: free.epoch + 1 } : { slot: await nextSlot(connection), epoch: 1, seq: 0n };
  if (free) {
    await query(
      connection,
      `UPDATE writers SET epoch=${writer.epoch},expires_at=${expiry(ttlMs)},process=${literal(process)} WHERE slot=${writer.slot}`,
    );
  } else {
    await query(
      connection,
      `INSERT INTO writers (slot,epoch,seq,expires_at,process) VALUES (${writer.slot},1,0,${expiry(ttlMs)},${literal(process)})`,
    );
  }
  await query(connection, 'COMMIT');
  await markConnection(connection, writer);
  return writer;
}

async function nextSlot(connection: Connection): Promise<number> {
  const [row] = await rowsOf(connection, newSlot.read, 'SELECT COALESCE(MAX(slot),0)+1 AS slot FROM writers');
  if (!row) throw new Error('the database returned no slot');
  return row.slot;
}

/** The commit queue tries again with a new connection. */
class UnmarkedConnection extends Error {
  readonly code = 'WRITER_LOCK_HELD';

  constructor() {
    super("the writer's lock is still held by an earlier connection");
  }
}

/** Marks the connection as this writer's. Its previous connection must have been ended. */
export async function markConnection(connection: Connection, writer: Writer): Promise<void> {
  const name = writerLock(connection, writer.slot, writer.epoch);
  const [row] = await rowsOf(connection, mark.read, `SELECT GET_LOCK(${name},${MARK_WAIT_SECONDS}) AS marked`);
  // If this process froze, nobody could end an unmarked connection.
  if (!row?.marked) throw new UnmarkedConnection();
}

export interface Standing {
  /** False once the writer has been fenced. */
  readonly current: boolean;
  /** The last batch that this slot committed in this epoch; undefined when that is too many epochs ago. */
  readonly seq: bigint | undefined;
}

/**
 * The state of the writer's slot. Waits for a transaction of ours that may still be committing: the row is read under
 * lock, so the answer is final.
 */
export async function readStanding(connection: Connection, { slot, epoch }: Writer): Promise<Standing> {
  await query(connection, 'START TRANSACTION');
  const [row] = await rowsOf(
    connection,
    standing.read,
    `SELECT ${standing.columns} FROM writers WHERE slot=${slot} FOR UPDATE`,
  );
  await query(connection, 'COMMIT');
  if (!row) throw new Error(`writer slot ${slot} has gone`);
  if (row.epoch === epoch) return { current: true, seq: row.seq };
  const ended = row.history.split(' ').find((entry) => entry.startsWith(`${epoch}:`));
  return { current: false, seq: ended === undefined ? undefined : BigInt(ended.slice(ended.indexOf(':') + 1)) };
}

/** The statements that fence a batch: they fail the packet unless the slot is still ours at the batch before. */
export function fence(writer: Writer, ttlMs: number): string[] {
  return [
    `UPDATE writers SET seq=${writer.seq + 1n},expires_at=${expiry(ttlMs)} WHERE slot=${writer.slot} AND epoch=${writer.epoch} AND seq=${writer.seq}`,
    // Error 1242 on both servers when the row did not match; DO instead of SET would be swallowed by MariaDB.
    'SET @fence=IF(ROW_COUNT()=1,0,(SELECT 1 UNION ALL SELECT 2))',
  ];
}

/** Ends the writer's time at once; the sweeper fences it and with that gives the slot free. */
export async function leaveWriter(connection: Connection, writer: Writer): Promise<void> {
  await query(
    connection,
    `UPDATE writers SET expires_at=NOW(3) - INTERVAL 1 SECOND WHERE slot=${writer.slot} AND epoch=${writer.epoch}`,
  );
}
