import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import type { Sequelize } from 'sequelize';
import { testStack } from '../../devstack/test-stack.ts';
import { readConfig } from '../../infra/config.ts';
import { connectMysql } from '../../infra/mysql/connection.ts';
import { migrate } from '../../infra/mysql/migrations.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { connectSequelize } from '../../infra/mysql/sequelize.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import { migrateNew } from '../schema.ts';

const DATABASES = [
  'migrated_whole',
  'migrated_in_pieces',
  'migrated_by_its_user',
  'migrated_new',
  'migrated_as_another',
] as const;
const columns = rowOf({ described: column.text });

class Killed extends Error {}

describe('migrations', () => {
  const base = readConfig(testStack().environment);
  let root: Connection;

  before(async () => {
    root = await connectMysql(base);
    for (const name of DATABASES) await root.query(`DROP DATABASE IF EXISTS ${name}`);
  });
  after(async () => {
    for (const name of DATABASES) await root.query(`DROP DATABASE IF EXISTS ${name}`);
    await root.query("DROP USER IF EXISTS 'few_rights'@'%'");
    await root.end();
  });

  /** @returns what the tables are in the end, and how many statements were begun in each run. */
  async function migrated(name: string, killedAfter: number): Promise<{ schema: string[]; runs: number }> {
    const sequelize = connectSequelize({ ...base, DB_NAME: name });
    try {
      const runs = await migrateInPieces(name, sequelize, killedAfter);
      const rows = await select(
        sequelize,
        columns.read,
        `SELECT CONCAT_WS(' ',TABLE_NAME,COLUMN_NAME,COLUMN_TYPE,IS_NULLABLE,COLLATION_NAME) AS described
           FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE()
         UNION ALL
         SELECT CONCAT_WS(' ',TABLE_NAME,INDEX_NAME,SEQ_IN_INDEX,COLUMN_NAME,NON_UNIQUE)
           FROM information_schema.STATISTICS WHERE TABLE_SCHEMA=DATABASE()
         ORDER BY described`,
      );
      return { schema: rows.map(({ described }) => described), runs };
    } finally {
      await sequelize.close();
    }
  }

  /** @returns how many runs it took. */
  async function migrateInPieces(name: string, sequelize: Sequelize, killedAfter: number): Promise<number> {
    let runs = 0;
    for (let ended = false; !ended; runs += 1) {
      let begun = 0;
      const log = () => {
        begun += 1;
        if (begun > killedAfter) throw new Killed();
      };
      ended = await migrate({ ...base, DB_NAME: name }, sequelize, log).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof Error && (error instanceof Killed || error.cause instanceof Killed))) throw error;
          return false;
        },
      );
      // The process died before it could note its last statement.
      if (!ended) {
        const sql = `UPDATE schema_migration_progress SET done=done-1 WHERE done>0
                        AND name NOT IN (SELECT name FROM schema_migrations)`;
        if (runs % 2 === 0) await change(sequelize, sql);
      }
    }
    return runs;
  }

  test('what is killed after any statement goes on, whether or not the statement was noted', async () => {
    const whole = await migrated('migrated_whole', Number.POSITIVE_INFINITY);
    const pieces = await migrated('migrated_in_pieces', 1);
    assert.deepEqual(pieces.schema, whole.schema);
    assert.ok(whole.schema.length > 100 && pieces.runs > 30, `${pieces.runs} runs`);
  });

  test('tests get databases with the tables that migrations make, on which none is missing', async () => {
    for (const DB_NAME of ['migrated_new', 'migrated_as_another']) {
      const sequelize = connectSequelize({ ...base, DB_NAME });
      await migrateNew({ ...base, DB_NAME }, sequelize);
      assert.equal(await migrate({ ...base, DB_NAME }, sequelize, () => undefined), 0);
      await sequelize.close();
    }
    const whole = await migrated('migrated_whole', Number.POSITIVE_INFINITY);
    assert.deepEqual(await migrated('migrated_as_another', Number.POSITIVE_INFINITY), whole);
  });

  test('what a version without records of progress left half done goes on', async () => {
    await root.query('DROP DATABASE IF EXISTS migrated_in_pieces');
    const { schema } = await migrated('migrated_in_pieces', Number.POSITIVE_INFINITY);
    // As if it had died after the last statement of its last file.
    await root.query('DROP TABLE migrated_in_pieces.schema_migration_progress');
    await root.query('DELETE FROM migrated_in_pieces.schema_migrations ORDER BY name DESC LIMIT 1');
    assert.deepEqual((await migrated('migrated_in_pieces', Number.POSITIVE_INFINITY)).schema, schema);
    await root.query('DELETE FROM migrated_in_pieces.schema_migrations ORDER BY name DESC LIMIT 1');
    await root.query('TRUNCATE migrated_in_pieces.schema_migration_progress');
    await assert.rejects(migrated('migrated_in_pieces', Number.POSITIVE_INFINITY), 'tables of others are no progress');
  });

  test('models that were deleted before their names were kept are named by the audit log', async () => {
    const database = 'migrated_whole';
    const name = '0019-names-of-deleted-models.sql';
    await root.query(`DROP DATABASE IF EXISTS ${database}`);
    await migrated(database, Number.POSITIVE_INFINITY);
    await root.query(`DELETE FROM ${database}.schema_migrations WHERE name='${name}'`);
    await root.query(`UPDATE ${database}.schema_migration_progress SET done=1 WHERE name='${name}'`);
    const entry = (action: string, id: number, before: string) => `('root','${action}','model','${id}','${before}')`;
    await root.query(`INSERT INTO ${database}.audit_log (actor_name,action,target_kind,target_id,before_state) VALUES
      ${entry('models.delete', 7, '{"modelIdentifier":"模型 \\\\"x\\\\"","priority":1}')},
      ${entry('models.update', 8, '{"modelIdentifier":"lives"}')}, ${entry('models.delete', 9, '{"priority":1}')}`);
    await migrated(database, Number.POSITIVE_INFINITY);
    const [rows] = await root.query(`SELECT id, model_identifier AS name FROM ${database}.deleted_models`);
    assert.deepEqual(JSON.parse(JSON.stringify(rows)), [{ id: 7, name: '模型 "x"' }]);
  });

  test('a user that may only use its own database migrates it', async () => {
    await root.query('CREATE DATABASE migrated_by_its_user');
    await root.query("CREATE USER 'few_rights'@'%' IDENTIFIED BY 'few'");
    await root.query("GRANT ALL PRIVILEGES ON migrated_by_its_user.* TO 'few_rights'@'%'");
    const config = { ...base, DB_NAME: 'migrated_by_its_user', DB_USER: 'few_rights', DB_PASSWORD: 'few' };
    const sequelize = connectSequelize(config);
    const count = await migrate(config, sequelize, () => undefined);
    await sequelize.close();
    assert.ok(count > 10);
  });
});
