/** MySQL or MariaDB: reachable, safe for money, with the schema of this version. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { Config } from '../../infra/config.ts';
import { connectMysql, mysqlAdvice } from '../../infra/mysql/connection.ts';
import { column, type RowReader, rowOf } from '../../infra/mysql/rows.ts';
import { connectionText, type Finding, look, TIMEOUT_MS } from './finding.ts';

const PART = 'MySQL';
const MIGRATIONS = join(import.meta.dirname, '../../infra/mysql/migrations');
const CLOCK_TOLERANCE_MS = 2_000;

export function lookAtMysql(config: Config): Promise<Finding[]> {
  const where = `${config.DB_HOST}:${config.DB_PORT}`;
  const advice = `Start MySQL, or set DB_HOST, DB_PORT, DB_USER, DB_PASSWORD to where it is (now ${config.DB_USER} at ${where}).`;
  const find = async () => {
    const connection = await connectMysql(config, { connectTimeout: TIMEOUT_MS });
    try {
      const [server] = await rowsOf(connection, serverVersion, 'SELECT VERSION() AS version, CURRENT_USER() AS user');
      const [cipher] = await rowsOf(connection, status, "SHOW SESSION STATUS LIKE 'Ssl_cipher'");
      const text = `${server?.version} at ${where}, ${connectionText((cipher?.Value ?? '') !== '', server?.user ?? '')}`;
      const reached: Finding = { part: PART, state: 'good', text };
      return [reached, ...(await durability(connection)), await clock(connection), await schema(connection, config)];
    } finally {
      connection.destroy();
    }
  };
  return look(PART, advice, find, mysqlAdvice);
}

const serverVersion = rowOf({ version: column.text, user: column.text });
const status = rowOf({ Value: column.text });
const logs = rowOf({ flushes: column.integer, binlog: column.flag, syncs: column.integer });
const clockNow = rowOf({ now: column.decimal });
const tables = rowOf({ found: column.integer });
const migration = rowOf({ name: column.text });

async function rowsOf<Row>(
  connection: Connection,
  reader: RowReader<Row>,
  sql: string,
  values: string[] = [],
): Promise<Row[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql, values);
  return rows.map((row) => reader.read(row));
}

async function durability(connection: Connection): Promise<Finding[]> {
  const [row] = await rowsOf(
    connection,
    logs,
    'SELECT @@innodb_flush_log_at_trx_commit AS flushes, @@log_bin AS binlog, @@sync_binlog AS syncs',
  );
  const loses = row?.flushes !== 1 || (row.binlog && row.syncs !== 1);
  if (!loses) return [{ part: PART, state: 'good', text: 'a commit is on disk before it is answered' }];
  const text = 'a power cut can lose committed money';
  return [{ part: PART, state: 'bad', text, advice: 'Set innodb_flush_log_at_trx_commit=1 and sync_binlog=1.' }];
}

async function clock(connection: Connection): Promise<Finding> {
  const [theirs] = await rowsOf(connection, clockNow, 'SELECT UNIX_TIMESTAMP(NOW(3)) * 1000 AS now');
  const offMs = Math.abs((theirs?.now ?? 0) - Date.now());
  if (offMs < CLOCK_TOLERANCE_MS) return { part: PART, state: 'good', text: 'its clock is ours' };
  const text = `its clock is ${Math.round(offMs / 1000)} s off ours`;
  return { part: PART, state: 'warning', text, advice: 'Let both machines follow the same time server (NTP).' };
}

async function schema(connection: Connection, { DB_NAME }: Config): Promise<Finding> {
  const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql'));
  const advice = 'Run: npm run migrate, in the image node cli/migrate.ts (npm start and Compose do it by themselves).';
  const [table] = await rowsOf(
    connection,
    tables,
    "SELECT COUNT(*) AS found FROM information_schema.tables WHERE table_schema = ? AND table_name = 'schema_migrations'",
    [DB_NAME],
  );
  if (!table?.found) return { part: PART, state: 'bad', text: `${DB_NAME} has no tables yet`, advice };
  const rows = await rowsOf(connection, migration, `SELECT name FROM \`${DB_NAME}\`.schema_migrations`);
  const done = new Set(rows.map(({ name }) => name));
  const missing = files.filter((name) => !done.has(name));
  if (missing.length > 0) return { part: PART, state: 'bad', text: `not migrated: ${missing.join(', ')}`, advice };
  const newer = [...done].filter((name) => !files.includes(name));
  if (newer.length === 0) return { part: PART, state: 'good', text: `schema of ${files.length} migrations` };
  const text = `the schema is newer than this version (${newer.join(', ')})`;
  return { part: PART, state: 'warning', text, advice: 'Run the version that made it.' };
}
