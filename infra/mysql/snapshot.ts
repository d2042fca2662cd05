/** Reads that all see one state of the database, even if others commit in between. */
import type { Sequelize, Transaction } from 'sequelize';

/** Runs `work` with a transaction whose reads all see the moment at which it began. Nothing may be written in it. */
export async function inSnapshot<T>(sequelize: Sequelize, work: (snapshot: Transaction) => Promise<T>): Promise<T> {
  return await sequelize.transaction(async (transaction) => {
    // Sequelize's own START TRANSACTION takes no snapshot; a server may read committed rows by default.
    await sequelize.query('COMMIT', { transaction });
    await sequelize.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', { transaction });
    await sequelize.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY', { transaction });
    return await work(transaction);
  });
}
