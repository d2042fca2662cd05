/** Owns the table `webhook_secrets`. Plain secrets leave it to sign messages, and once when they are created. */
import { randomBytes } from 'node:crypto';
import type { Sequelize } from 'sequelize';
import { sealedVersion, type Vault } from '../../infra/crypto.ts';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { change, insert, select } from '../../infra/mysql/statements.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import { SECRET_PREFIX } from './signature.ts';

/** A replaced secret signs together with the new one for this long. */
const OVERLAP_HOURS = 24;
const SECRET_BYTES = 32;

export interface WebhookSecret {
  readonly id: number;
  readonly createdAt: Date;
  /** Until then it signs beside its successor; null = the present one. */
  readonly retiresAt: Date | null;
}

const shown = rowOf({ id: column.integer, createdAt: column.time, retiresAt: orNull(column.time) });
const user = rowOf({ id: column.integer });
const sealed = rowOf({ id: column.integer, userId: column.integer, secret: column.bytes });

const SIGNING = '(retires_at IS NULL OR retires_at > NOW(3))';

export class SecretStore {
  readonly #sequelize: Sequelize;
  readonly #vault: Vault;

  constructor(sequelize: Sequelize, vault: Vault) {
    this.#sequelize = sequelize;
    this.#vault = vault;
  }

  /** The secrets that sign, newest first; without the secrets themselves. */
  async list(userId: number): Promise<WebhookSecret[]> {
    const sql = `SELECT ${shown.columns} FROM webhook_secrets WHERE user_id=? AND ${SIGNING} ORDER BY id DESC`;
    return await select(this.#sequelize, shown.read, sql, [userId]);
  }

  /**
   * Makes a new secret; the one before signs beside it for a day.
   * @returns its id and the secret, which cannot be had again.
   */
  async rotate(userId: number): Promise<{ id: number; secret: string }> {
    const secret = SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
    const id = await inTransaction(this.#sequelize, async (transaction) => {
      // One at a time per user; otherwise two at once would both be the current one.
      await select(this.#sequelize, user.read, 'SELECT id FROM users WHERE id=? FOR UPDATE', [userId], transaction);
      const expired = 'DELETE FROM webhook_secrets WHERE user_id=? AND retires_at < NOW(3)';
      await change(this.#sequelize, expired, [userId], transaction);
      await change(
        this.#sequelize,
        `UPDATE webhook_secrets SET retires_at=NOW(3) + INTERVAL ${OVERLAP_HOURS} HOUR WHERE user_id=? AND retires_at IS NULL`,
        [userId],
        transaction,
      );
      const values = [userId, this.#vault.seal(secret, belongsTo(userId))];
      return await insert(
        this.#sequelize,
        'INSERT INTO webhook_secrets (user_id,secret) VALUES (?,?)',
        values,
        transaction,
      );
    });
    return { id, secret };
  }

  /**
   * The secrets to sign with, newest first. A user without a secret gets one that nobody has seen: messages are signed
   * from the start and can be verified after the first rotation.
   */
  async signing(userId: number): Promise<string[]> {
    const sql = `SELECT ${sealed.columns} FROM webhook_secrets WHERE user_id=? AND ${SIGNING} ORDER BY id DESC`;
    const rows = await select(this.#sequelize, sealed.read, sql, [userId]);
    if (rows.length === 0) return [(await this.rotate(userId)).secret];
    return rows.map((row) => this.#vault.open(row.secret, belongsTo(userId)));
  }

  /** Seals every secret under the newest key version. Safe to stop and to run again. @returns how many were sealed. */
  async reseal(): Promise<number> {
    const rows = await select(this.#sequelize, sealed.read, `SELECT ${sealed.columns} FROM webhook_secrets`);
    const old = rows.filter((row) => sealedVersion(row.secret) !== this.#vault.newestVersion);
    for (const { id, userId, secret } of old) {
      const anew = this.#vault.seal(this.#vault.open(secret, belongsTo(userId)), belongsTo(userId));
      await change(this.#sequelize, 'UPDATE webhook_secrets SET secret=? WHERE id=?', [anew, id]);
    }
    return old.length;
  }
}

function belongsTo(userId: number): string {
  return `webhook secret of user ${userId}`;
}
