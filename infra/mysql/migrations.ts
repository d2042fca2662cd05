/** Runs the numbered SQL files of `migrations/` once each, in order; two processes at once wait for each other. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RowDataPacket } from 'mysql2/promise';
import { DatabaseError, type Sequelize } from 'sequelize';
import { Umzug } from 'umzug';
import { connectMysql, type DatabaseConfig } from './connection.ts';
import { column, orNull, rowOf } from './rows.ts';
import { change, select } from './statements.ts';

const FOLDER = join(import.meta.dirname, 'migrations');
/** Names of locks are shared by all databases of a server and have at most 64 characters. */
const LOCKED_NAME_LENGTH = 50;
const LOCK_WAIT_SECONDS = 120;

/** A file's statements without comments; a statement ends with a semicolon at the end of a line. */
function statementsOf(sql: string): string[] {
  return sql
    .replace(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

const migration = rowOf({ name: column.text });
const progress = rowOf({ done: column.integer });
const lockAnswer = rowOf({ taken: orNull(column.flag) });

const TABLES = [
  'CREATE TABLE IF NOT EXISTS schema_migrations (name VARCHAR(100) NOT NULL PRIMARY KEY, applied_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3))',
  // How many statements of a file are done: MySQL cannot roll back a change of tables with the rest of its file.
  'CREATE TABLE IF NOT EXISTS schema_migration_progress (name VARCHAR(100) NOT NULL PRIMARY KEY, done INT UNSIGNED NOT NULL)',
];

async function names(sequelize: Sequelize): Promise<string[]> {
  const rows = await select(sequelize, migration.read, 'SELECT name FROM schema_migrations ORDER BY name');
  return rows.map(({ name }) => name);
}

async function tablesOf(sequelize: Sequelize): Promise<Set<string>> {
  const sql = 'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()';
  return new Set((await select(sequelize, migration.read, sql)).map(({ name }) => name));
}

/** Errors of the servers for a change of tables that already exists. Each ALTER is done as a whole or not at all. */
const MADE_BEFORE = new Set([
  'ER_TABLE_EXISTS_ERROR',
  'ER_DUP_FIELDNAME',
  'ER_DUP_KEYNAME',
  'ER_CANT_DROP_FIELD_OR_KEY',
  'ER_CONSTRAINT_NOT_FOUND',
  'ER_CHECK_CONSTRAINT_DUP_NAME',
  'ER_DUP_CONSTRAINT_NAME',
  'ER_CONSTRAINT_NOT_FOUND',
]);

/**
 * Runs the statements of one file, from where an interrupted run stopped. That run may have executed statements without
 * recording them, so what they have made is no error; changes of rows are written so that they can be repeated.
 */
async function runFile(sequelize: Sequelize, name: string, log: (text: string) => void): Promise<void> {
  const statements = statementsOf(await readFile(join(FOLDER, name), 'utf8'));
  const sql = 'SELECT done FROM schema_migration_progress WHERE name=?';
  const [before] = await select(sequelize, progress.read, sql, [name]);
  if (!before) await noteBegun(sequelize, name);
  for (const [index, statement] of statements.entries()) {
    if (before && index < before.done) continue;
    log(`migration ${name}, ${index + 1} of ${statements.length}`);
    try {
      await sequelize.query(statement);
    } catch (error) {
      if (!before || !isMadeBefore(error)) throw error;
    }
    const note =
      'INSERT INTO schema_migration_progress (name,done) VALUES (?,?) ON DUPLICATE KEY UPDATE done=VALUES(done)';
    await change(sequelize, note, [name, index + 1]);
  }
}

async function noteBegun(sequelize: Sequelize, name: string): Promise<void> {
  await change(sequelize, 'INSERT IGNORE INTO schema_migration_progress (name,done) VALUES (?,0)', [name]);
}

function isMadeBefore(error: unknown): boolean {
  if (!(error instanceof DatabaseError) || !('code' in error.original)) return false;
  return MADE_BEFORE.has(String(error.original.code));
}

async function umzug(sequelize: Sequelize, log: (text: string) => void): Promise<Umzug> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  return new Umzug({
    migrations: files.map((name) => ({
      name,
      up: () => runFile(sequelize, name, log),
    })),
    storage: {
      executed: () => names(sequelize),
      logMigration: async ({ name }) => {
        await change(sequelize, 'INSERT INTO schema_migrations (name) VALUES (?)', [name]);
      },
      unlogMigration: async () => {
        throw new Error('migrations only go forward; restore a backup to go back');
      },
    },
    logger: undefined,
  });
}

/** Errors of the servers for a database that is missing or invisible to this user. */
const NO_DATABASE = new Set<unknown>(['ER_BAD_DB_ERROR', 'ER_DBACCESS_DENIED_ERROR']);

/** Creates the database if it is missing. A user without that right never tries if its database exists. */
async function createDatabase(config: DatabaseConfig): Promise<void> {
  const connection = await connectMysql(config);
  try {
    await connection.query(`USE \`${config.DB_NAME}\``);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && NO_DATABASE.has(error.code))) throw error;
    await connection.query(`CREATE DATABASE IF NOT EXISTS \`${config.DB_NAME}\` DEFAULT CHARACTER SET utf8mb4`);
  } finally {
    await connection.end();
  }
}

/**
 * Brings the schema up to date. Safe to call again and from several processes.
 * @returns how many migrations ran.
 */
export async function migrate(
  config: DatabaseConfig,
  sequelize: Sequelize,
  log: (text: string) => void,
): Promise<number> {
  await createDatabase(config);
  const lock = await connectMysql(config);
  try {
    const [[answer]] = await lock.query<RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS taken', [
      `${config.DB_NAME.slice(0, LOCKED_NAME_LENGTH)}:migrations`,
      LOCK_WAIT_SECONDS,
    ]);
    if (!answer || !lockAnswer.read(answer).taken)
      throw new Error(
        `another process has been migrating for ${LOCK_WAIT_SECONDS} seconds; try again when it has ended`,
      );
    const earlier = await tablesOf(sequelize);
    for (const table of TABLES) await sequelize.query(table);
    const migrations = await umzug(sequelize, log);
    // Versions that recorded no progress may have been interrupted in the file that is next.
    if (earlier.has('schema_migrations') && !earlier.has('schema_migration_progress')) {
      const [next] = await migrations.pending();
      if (next) await noteBegun(sequelize, next.name);
    }
    return (await migrations.up()).length;
  } finally {
    await lock.end();
  }
}
