/** Login tokens that are of no use any more because their user has signed out, wherever a copy of them is. */
import { hash } from 'node:crypto';
import type { Sequelize } from 'sequelize';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';

/** Every process keeps those of the users that it knows. With more of a user, all its tokens end. */
const MOST_OF_A_USER = 100;

const ended = rowOf({ tokenHash: column.bytes });

/** Of what is signed: the same signature can be written in several ways. */
export function sessionHash(token: string): Buffer {
  return hash('sha256', token.slice(0, token.lastIndexOf('.')), 'buffer');
}

export class EndedSessions {
  readonly #sequelize: Sequelize;
  readonly #invalidation: Pick<Invalidation, 'publish'>;
  readonly #lifeMs: number;

  /** @param lifeMs how long a token is valid at most. */
  constructor(sequelize: Sequelize, invalidation: Pick<Invalidation, 'publish'>, lifeMs: number) {
    this.#sequelize = sequelize;
    this.#invalidation = invalidation;
    this.#lifeMs = lifeMs;
  }

  /** Hashes in hex. */
  async of(userId: number): Promise<ReadonlySet<string>> {
    const sql = `SELECT ${ended.columns} FROM ended_sessions WHERE user_id=? AND expires_at > NOW(3)`;
    const found = await select(this.#sequelize, ended.read, sql, [userId]);
    return new Set(found.map(({ tokenHash }) => tokenHash.toString('hex')));
  }

  /** Ends the user's token on every process. Idempotent. */
  async end(userId: number, token: string): Promise<void> {
    const seconds = Math.ceil(this.#lifeMs / 1_000);
    await inTransaction(this.#sequelize, async (transaction) => {
      const run = (sql: string, values: Readonly<Record<string, unknown>>) =>
        change(this.#sequelize, sql, values, transaction);
      await run('DELETE FROM ended_sessions WHERE user_id=:userId AND expires_at <= NOW(3)', { userId });
      await run(
        `INSERT IGNORE INTO ended_sessions (user_id, token_hash, expires_at)
          VALUES (:userId, :tokenHash, NOW(3) + INTERVAL :seconds SECOND)`,
        { userId, tokenHash: sessionHash(token), seconds },
      );
      const sql = `SELECT ${ended.columns} FROM ended_sessions WHERE user_id=? LIMIT ${MOST_OF_A_USER + 1}`;
      const kept = await select(this.#sequelize, ended.read, sql, [userId], transaction);
      if (kept.length <= MOST_OF_A_USER) return;
      await run('UPDATE users SET token_version=token_version+1 WHERE id=:userId', { userId });
      await run('DELETE FROM ended_sessions WHERE user_id=:userId', { userId });
    });
    await this.#invalidation.publish('user', userId);
  }
}
