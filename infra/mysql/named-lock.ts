/** Work that only one process does at a time: a named lock of the database server, which ends with its connection. */
import type { Sequelize } from 'sequelize';
import { column, orNull, rowOf } from './rows.ts';
import { select } from './statements.ts';

/** Names are shared by all databases of a server, so the database's name comes first. */
const NAME = "CONCAT(LEFT(DATABASE(), 32), ':', ?)";

const lock = rowOf({ taken: orNull(column.flag) });

/**
 * Runs `work` while this process has the lock `name` (at most 30 characters) of this database.
 * @returns undefined, at once, when another process has it.
 */
export async function withNamedLock<T>(
  sequelize: Sequelize,
  name: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  // The transaction is only there to keep one connection of the pool for the lock.
  return await sequelize.transaction(async (transaction) => {
    const [row] = await select(sequelize, lock.read, `SELECT GET_LOCK(${NAME}, 0) AS taken`, [name], transaction);
    if (!row?.taken) return undefined;
    try {
      return await work();
    } finally {
      await select(sequelize, () => undefined, `SELECT RELEASE_LOCK(${NAME})`, [name], transaction);
    }
  });
}
