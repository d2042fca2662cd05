/** The one owner of the table `webhook_secrets`. Plain secrets leave it to sign messages, and once when they are made. */
import { randomBytes } from 'node:crypto';
import { QueryTypes, type Sequelize } from 'sequelize';
import { z } from 'zod';
import { sealedVersion, type Vault } from '../../infra/crypto.ts';
import { SECRET_PREFIX } from './signature.ts';

/** A replaced secret signs beside the new one for this long. */
const OVERLAP_HOURS = 24;
const SECRET_BYTES = 32;

export interface WebhookSecret {
  readonly id: number;
  readonly createdAt: Date;
  /** Until then it signs beside its successor; null = the present one. */
  readonly retiresAt: Date | null;
}

const rowSchema = z.object({ id: z.number(), created_at: z.date(), retires_at: z.date().nullable() });
const sealedSchema = z.object({ id: z.number(), user_id: z.number(), secret: z.instanceof(Buffer) });

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
    const rows = await this.#sequelize.query(
      `SELECT id,created_at,retires_at FROM webhook_secrets WHERE user_id=? AND ${SIGNING} ORDER BY id DESC`,
      { replacements: [userId], type: QueryTypes.SELECT },
    );
    return rows.map((row) => {
      const read = rowSchema.parse(row);
      return { id: read.id, createdAt: read.created_at, retiresAt: read.retires_at };
    });
  }

  /**
   * Makes a new secret; the one before signs beside it for a day.
   * @returns its id and the secret, which cannot be had again.
   */
  async rotate(userId: number): Promise<{ id: number; secret: string }> {
    const secret = SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
    const id = await this.#sequelize.transaction(async (transaction) => {
      await this.#sequelize.query('DELETE FROM webhook_secrets WHERE user_id=? AND retires_at < NOW(3)', {
        replacements: [userId],
        transaction,
      });
      await this.#sequelize.query(
        `UPDATE webhook_secrets SET retires_at=NOW(3) + INTERVAL ${OVERLAP_HOURS} HOUR WHERE user_id=? AND retires_at IS NULL`,
        { replacements: [userId], transaction },
      );
      const [inserted] = await this.#sequelize.query('INSERT INTO webhook_secrets (user_id,secret) VALUES (?,?)', {
        replacements: [userId, this.#vault.seal(secret, belongsTo(userId))],
        type: QueryTypes.INSERT,
        transaction,
      });
      return inserted;
    });
    return { id, secret };
  }

  /**
   * The secrets to sign with, newest first. A user who never made one is given one that was shown to nobody: the
   * message is signed all the same, and can be verified after the first rotation.
   */
  async signing(userId: number): Promise<string[]> {
    const rows = await this.#sequelize.query(
      `SELECT id,user_id,secret FROM webhook_secrets WHERE user_id=? AND ${SIGNING} ORDER BY id DESC`,
      { replacements: [userId], type: QueryTypes.SELECT },
    );
    if (rows.length === 0) return [(await this.rotate(userId)).secret];
    return rows.map((row) => this.#vault.open(sealedSchema.parse(row).secret, belongsTo(userId)));
  }

  /** Seals every secret under the newest key version. Safe to stop and to run again. @returns how many were sealed. */
  async reseal(): Promise<number> {
    const rows = await this.#sequelize.query('SELECT id,user_id,secret FROM webhook_secrets', {
      type: QueryTypes.SELECT,
    });
    const old = rows
      .map((row) => sealedSchema.parse(row))
      .filter((row) => sealedVersion(row.secret) !== this.#vault.newestVersion);
    for (const { id, user_id: userId, secret } of old) {
      const sealed = this.#vault.seal(this.#vault.open(secret, belongsTo(userId)), belongsTo(userId));
      await this.#sequelize.query('UPDATE webhook_secrets SET secret=? WHERE id=?', { replacements: [sealed, id] });
    }
    return old.length;
  }
}

function belongsTo(userId: number): string {
  return `webhook secret of user ${userId}`;
}
