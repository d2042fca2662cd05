/** Transactions outside of the ledger. */
import { setTimeout as pause } from 'node:timers/promises';
import { DatabaseError, type Sequelize, Transaction } from 'sequelize';
import { AppError } from '../errors.ts';

const { READ_COMMITTED, REPEATABLE_READ } = Transaction.ISOLATION_LEVELS;

/** Each deadlock lets at least one of the others commit, so that this many are a sign of a real jam. */
const MAX_ATTEMPTS = 20;
/** Longer from attempt to attempt, and different for each, so that the same ones do not meet again. */
const PAUSE_MS = 10;

/** For reads that must be consistent, independent of the server's default level. */
export const AT_ONE_MOMENT = { isolationLevel: REPEATABLE_READ };

/**
 * Runs `work` in a transaction, again from its start when the database ended it to resolve a deadlock. The level takes
 * no locks on gaps, in which those who insert neighbouring rows would deadlock.
 * @throws {AppError} illegalState when the last attempt ended in a deadlock, too.
 */
export async function inTransaction<T>(
  sequelize: Pick<Sequelize, 'transaction'>,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sequelize.transaction({ isolationLevel: READ_COMMITTED }, work);
    } catch (error) {
      if (!isDeadlock(error)) throw error;
      if (attempt === MAX_ATTEMPTS) {
        const message = 'others are changing the same rows right now; try again';
        throw new AppError('illegalState', message, { retryAfterSeconds: 1, cause: error });
      }
      await pause(Math.random() * PAUSE_MS * attempt);
    }
  }
}

function isDeadlock(error: unknown): boolean {
  return error instanceof DatabaseError && 'code' in error.original && error.original.code === 'ER_LOCK_DEADLOCK';
}
