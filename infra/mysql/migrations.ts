/** Runs the numbered SQL files of `migrations/` once each, in order; two processes at once wait for each other. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RowDataPacket } from 'mysql2/promise';
import { QueryTypes, type Sequelize } from 'sequelize';
import { Umzug } from 'umzug';
import { connectMysql, type DatabaseConfig } from './connection.ts';

const FOLDER = join(import.meta.dirname, 'migrations');
const LOCK = 'llm-gateway-migrations';
const LOCK_WAIT_SECONDS = 120;

/** A file's statements; comments go, and a statement ends with a semicolon at the end of a line. */
function statementsOf(sql: string): string[] {
  return sql
    .replace(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

async function names(sequelize: Sequelize): Promise<string[]> {
  const rows = await sequelize.query<{ name: string }>('SELECT name FROM schema_migrations ORDER BY name', {
    type: QueryTypes.SELECT,
  });
  return rows.map((row) => row.name);
}

async function umzug(sequelize: Sequelize, log: (text: string) => void): Promise<Umzug> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  return new Umzug({
    migrations: files.map((name) => ({
      name,
      up: async () => {
        log(`migration ${name}`);
        for (const statement of statementsOf(await readFile(join(FOLDER, name), 'utf8')))
          await sequelize.query(statement);
      },
    })),
    storage: {
      executed: () => names(sequelize),
      logMigration: async ({ name }) => {
        await sequelize.query('INSERT INTO schema_migrations (name) VALUES (?)', { replacements: [name] });
      },
      unlogMigration: async () => {
        throw new Error('migrations only go forward; restore a backup to go back');
      },
    },
    logger: undefined,
  });
}

/** Creates the database when it is missing. */
async function createDatabase(config: DatabaseConfig): Promise<void> {
  const connection = await connectMysql(config);
  try {
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
    const [[answer]] = await lock.query<RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS taken', [LOCK, LOCK_WAIT_SECONDS]);
    if (Number(answer?.taken) !== 1)
      throw new Error(
        `another process has been migrating for ${LOCK_WAIT_SECONDS} seconds; try again when it has ended`,
      );
    await sequelize.query(
      'CREATE TABLE IF NOT EXISTS schema_migrations (name VARCHAR(100) NOT NULL PRIMARY KEY, applied_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3))',
    );
    return (await (await umzug(sequelize, log)).up()).length;
  } finally {
    await lock.end();
  }
}
