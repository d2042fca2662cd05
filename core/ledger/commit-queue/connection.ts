/** The commit queue's own raw connection: several statements a packet, integers exact, times as UTC text. */
import type { Connection } from 'mysql2/promise';
import { AppError } from '../../../infra/errors.ts';
import { connectMysql, type DatabaseConfig } from '../../../infra/mysql/connection.ts';
import { column, rowOf, type SqlRecord } from '../../../infra/mysql/rows.ts';

/** A batch of another process takes milliseconds; a lock that is held longer belongs to a process that hangs. */
const LOCK_WAIT_SECONDS = 5;
/**
 * Longer than any wait for locks. If the server has not answered after this time, its host or the network has
 * disappeared, which TCP alone would notice after a quarter of an hour.
 */
const ANSWER_TIMEOUT_MS = 10_000;
/** The byte of the command, and a margin. */
const PACKET_HEAD_BYTES = 1_024;

const SESSION = `SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;SET time_zone='+00:00',innodb_lock_wait_timeout=${LOCK_WAIT_SECONDS},sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'`;

export async function openWriterConnection(config: DatabaseConfig): Promise<Connection> {
  const connection = await connectMysql(config, {
    database: config.DB_NAME,
    multipleStatements: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    charset: 'utf8mb4',
    // Packets hold no placeholders. Searching for them, and recording stack traces, took a third of a packet's time.
    queryFormat: (sql: string) => sql,
    trace: false,
  });
  // A connection that breaks while idle must not end the process: the next packet fails, and the queue opens a new one.
  connection.on('error', () => undefined);
  try {
    await query(connection, SESSION);
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

class NoAnswer extends Error {
  readonly code = 'NO_ANSWER';

  constructor() {
    super(`the database has not answered within ${ANSWER_TIMEOUT_MS / 1_000} s`);
  }
}

/**
 * @throws an error that counts as `lost` if there is no answer in time; the connection can no longer be used. The
 * driver's own timeout would keep the process alive after a connection has broken.
 */
export async function query(connection: Connection, sql: string) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswer()), ANSWER_TIMEOUT_MS);
  });
  try {
    return await Promise.race([connection.query(sql), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The rows of one query. */
export async function rowsOf<Row>(
  connection: Connection,
  read: (record: SqlRecord) => Row,
  sql: string,
): Promise<Row[]> {
  const [rows] = await query(connection, sql);
  return recordsOf(rows).map((row) => read(row));
}

const packetLimit = rowOf({ bytes: column.integer });

/** The largest packet that the server accepts, in bytes; it ends the connection at a larger one. */
export async function packetLimitOf(connection: Connection): Promise<number> {
  const [packet] = await rowsOf(connection, packetLimit.read, 'SELECT @@max_allowed_packet AS bytes');
  if (!packet) throw new Error('the database returned no max_allowed_packet');
  return packet.bytes - PACKET_HEAD_BYTES;
}

/** Nothing was sent. If an operation is too large by itself, its caller gets this error. */
class PacketTooLarge extends AppError {
  constructor(bytes: number, limitBytes: number) {
    super('tooLarge', `this takes ${bytes} bytes in the database, which accepts ${limitBytes}; send less at once`);
  }
}

/**
 * Sends statements as one packet and returns the records of each (none for those that return no rows).
 * @throws PacketTooLarge, which counts as `refused`, above the limit.
 */
export async function sendPacket(
  connection: Connection,
  statements: readonly string[],
  limitBytes: number,
): Promise<SqlRecord[][]> {
  const sql = statements.join(';');
  // One UTF-16 unit becomes at most three bytes.
  if (sql.length * 3 > limitBytes) {
    const bytes = Buffer.byteLength(sql);
    if (bytes > limitBytes) throw new PacketTooLarge(bytes, limitBytes);
  }
  const [results] = await query(connection, sql);
  if (statements.length === 1) return [recordsOf(results)];
  return Array.isArray(results) ? results.map(recordsOf) : [];
}

function recordsOf(result: unknown): SqlRecord[] {
  return Array.isArray(result) ? result : [];
}

/** Another commit queue has just written the same row; this batch will find it when it runs again. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ER_DUP_ENTRY';
}

export type Failure = 'again' | 'fenced' | 'lost' | 'refused';

const DEADLOCK = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_DUP_ENTRY', 'ER_CHECKREAD']);
const FENCED = 'ER_SUBQUERY_NO_1_ROW';
const GONE = new Set([
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_QUERY_INTERRUPTED',
  'ER_CONNECTION_KILLED',
  'ER_DISK_FULL',
  'ER_BAD_DB_ERROR',
  'ER_OUT_OF_RESOURCES',
]);

/**
 * What a failed packet means: `again` = rolled back, run the batch once more; `fenced` = the slot is no longer ours;
 * `lost` = the connection broke, the outcome is unknown; `refused` = the statement itself is wrong (a bug or a CHECK).
 */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return 'refused';
  if (error instanceof PacketTooLarge) return 'refused';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const fatal = 'fatal' in error && error.fatal === true;
  if (code === FENCED) return 'fenced';
  if (DEADLOCK.has(code)) return 'again';
  if (fatal || GONE.has(code)) return 'lost';
  // Other codes come from the network (ECONNRESET, PROTOCOL_…); an error without a code is a bug.
  return code !== '' && !code.startsWith('ER_') ? 'lost' : 'refused';
}
