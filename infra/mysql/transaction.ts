/** Outside of the ledger: transactions, snapshots, and locks that only one process has. */
import { setTimeout as pause } from 'node:timers/promises';
import { DatabaseError, type Sequelize, Transaction } from 'sequelize';
import { AppError } from '../errors.ts';
import { column, orNull, rowOf } from './rows.ts';
import { select } from './statements.ts';

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
