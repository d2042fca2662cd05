/** Transactions outside of the ledger. */
import { DatabaseError, type Sequelize, Transaction } from 'sequelize';

const MAX_ATTEMPTS = 3;

/** For reads that must be consistent, independent of the server's default level. */
export const AT_ONE_MOMENT = { isolationLevel: Transaction.ISOLATION_LEVELS.REPEATABLE_READ };

/** Runs `work` in a transaction, again from its start when the database ended it to resolve a deadlock. */
export async function inTransaction<T>(
  sequelize: Sequelize,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sequelize.transaction(work);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isDeadlock(error)) throw error;
    }
  }
}

function isDeadlock(error: unknown): boolean {
  return error instanceof DatabaseError && 'code' in error.original && error.original.code === 'ER_LOCK_DEADLOCK';
}
