/** Migrated databases for tests: the first one on a set of servers is migrated, the others get the same tables at once. */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import type { Sequelize } from 'sequelize';
import { z } from 'zod';
import { testStack } from '../devstack/test-stack.ts';
import { connectMysql, type DatabaseConfig } from '../infra/mysql/connection.ts';
import { migrate } from '../infra/mysql/migrations.ts';

const MIGRATIONS = join(import.meta.dirname, '../infra/mysql/migrations');
const namesSchema = z.array(z.object({ name: z.string() }));
const tablesSchema = z.array(z.object({ 'Create Table': z.string() }));
const progressSchema = z.array(z.object({ name: z.string(), done: z.number() }));
const statementsSchema = z.array(z.string());

/** What `migrate` makes of a database that is not there, for a third of the work. One that is there is migrated. */
export async function migrateNew(config: DatabaseConfig, sequelize: Sequelize): Promise<void> {
  const file = join(testStack().dataFolder, `schema-${migrationsHash()}.json`);
  const connection = await connectMysql(config, { multipleStatements: true });
  try {
    if (existsSync(file) && (await createDatabase(connection, config.DB_NAME))) {
      const statements = statementsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
      await connection.query(statements.join(';'));
      return;
    }
    await migrate(config, sequelize, () => undefined);
    if (!existsSync(file)) keep(await statementsOf(connection, config.DB_NAME), file);
  } finally {
    await connection.end();
  }
}

function migrationsHash(): string {
  const hash = createHash('sha256');
  for (const name of globSync('*.sql', { cwd: MIGRATIONS }).sort()) {
    hash.update(name).update(readFileSync(join(MIGRATIONS, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Creates and uses it. @returns false when it is there already. */
async function createDatabase(connection: Connection, name: string): Promise<boolean> {
  try {
    await connection.query(`CREATE DATABASE \`${name}\` DEFAULT CHARACTER SET utf8mb4; USE \`${name}\``);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ER_DB_CREATE_EXISTS') return false;
    throw error;
  }
}

/** What makes the tables of this database and says which migrations have made them. */
async function statementsOf(connection: Connection, database: string): Promise<string[]> {
  const read = async <T>(schema: z.ZodType<T>, sql: string) => schema.parse((await connection.query(sql))[0]);
  await connection.query(`USE \`${database}\``);
  const named = 'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() ORDER BY name';
  const statements = ['SET foreign_key_checks=0'];
  for (const { name } of await read(namesSchema, named)) {
    const [table] = await read(tablesSchema, `SHOW CREATE TABLE \`${name}\``);
    // Where an earlier run has left rows.
    if (table) statements.push(table['Create Table'].replace(/ AUTO_INCREMENT=\d+/, ''));
  }
  const applied = await read(namesSchema, 'SELECT name FROM schema_migrations ORDER BY name');
  const progress = await read(progressSchema, 'SELECT name, done FROM schema_migration_progress ORDER BY name');
  const rows = (all: readonly object[]) => [all.map((row) => Object.values(row))];
  return [
    ...statements,
    connection.format('INSERT INTO schema_migrations (name) VALUES ?', rows(applied)),
    connection.format('INSERT INTO schema_migration_progress (name,done) VALUES ?', rows(progress)),
  ];
}

/** Other test files read it at the same time, or write the same. */
function keep(statements: readonly string[], file: string): void {
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, JSON.stringify(statements));
  renameSync(partial, file);
}
