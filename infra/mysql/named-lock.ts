/** Work that only one process does at a time: a named lock of the database server, gone with its connection. */
import { QueryTypes, type Sequelize } from 'sequelize';

/** Names are the server's, so the database's name stands before ours. */
const NAME = "CONCAT(LEFT(DATABASE(), 32), ':', ?)";

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
    const select = { replacements: [name], type: QueryTypes.SELECT as const, transaction };
    const [row] = await sequelize.query<{ taken: number | null }>(`SELECT GET_LOCK(${NAME}, 0) AS taken`, select);
    if (Number(row?.taken) !== 1) return undefined;
    try {
      return await work();
    } finally {
      await sequelize.query(`SELECT RELEASE_LOCK(${NAME})`, select);
    }
  });
}
