/** The one owner of the table `access_keys`. */
import { DataTypes, literal, type Model, type ModelStatic, Op, type Optional, type Sequelize } from 'sequelize';
import { z } from 'zod';
import { BUDGET_PERIODS, type BudgetPeriod } from '../../infra/calendar.ts';
import { column, orNull, rowOf } from '../../infra/mysql/rows.ts';
import { exists, select } from '../../infra/mysql/statements.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { AccessKey, AccessKeyChange, AccessKeyLimits, StoredHash } from './access-key.ts';

interface Row {
  id: number;
  userId: number;
  name: string;
  tag: string | null;
  publicPart: string;
  keyHash: Buffer;
  hashVersion: number;
  lastFour: string;
  operationId: string | null;
  isActive: number;
  expiresAt: Date | null;
  allowedModels: unknown;
  rpmLimit: number | null;
  tpmLimit: number | null;
  parallelLimit: number | null;
  budget: string | null;
  budgetPeriod: BudgetPeriod | null;
  lastUsedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}
type RowModel = Model<Row, Optional<Row, 'id' | 'isActive' | 'lastUsedAt' | 'createdAt' | 'updatedAt' | 'deletedAt'>>;

export interface NewAccessKey extends AccessKeyLimits, StoredHash {
  readonly userId: number;
  readonly name: string;
  readonly tag: string | null;
  readonly publicPart: string;
  readonly lastFour: string;
  /** Id of the operation that creates it. The same id again gives the key of the earlier call this text. */
  readonly operationId: string;
}

/** A key with everything that decides whether it is accepted. */
export interface KeyOfCaller {
  readonly key: AccessKey;
  readonly keyHash: Buffer;
  readonly userId: number;
  readonly userActive: boolean;
  readonly accountId: number;
}

export class AccessKeyStore {
  readonly #sequelize: Sequelize;
  readonly #rows: ModelStatic<RowModel>;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
    this.#rows = sequelize.define<RowModel>('access_keys', {
      id: { type: DataTypes.INTEGER.UNSIGNED, primaryKey: true, autoIncrement: true },
      userId: { type: DataTypes.INTEGER.UNSIGNED, allowNull: false },
      name: { type: DataTypes.STRING(100), allowNull: false },
      tag: { type: DataTypes.STRING(40) },
      publicPart: { type: DataTypes.CHAR(16), allowNull: false },
      keyHash: { type: DataTypes.BLOB, allowNull: false },
      hashVersion: { type: DataTypes.SMALLINT.UNSIGNED, allowNull: false },
      lastFour: { type: DataTypes.CHAR(4), allowNull: false },
      operationId: { type: DataTypes.STRING(36) },
      isActive: { type: DataTypes.TINYINT.UNSIGNED },
      expiresAt: { type: DataTypes.DATE(3) },
      allowedModels: { type: DataTypes.JSON },
      rpmLimit: { type: DataTypes.INTEGER.UNSIGNED },
      tpmLimit: { type: DataTypes.INTEGER.UNSIGNED },
      parallelLimit: { type: DataTypes.INTEGER.UNSIGNED },
      budget: { type: DataTypes.BIGINT },
      budgetPeriod: { type: DataTypes.STRING(8) },
      lastUsedAt: { type: DataTypes.DATE(3) },
      createdAt: { type: DataTypes.DATE(3) },
      updatedAt: { type: DataTypes.DATE(3) },
      deletedAt: { type: DataTypes.DATE(3) },
    });
  }

  /**
   * If the process that created a key died before it could show the text, the key is kept and gets the new text.
   * @returns undefined if the user already has `mostKeys`, also if several are created at once.
   */
  async insert(key: NewAccessKey, mostKeys: number): Promise<number | undefined> {
    const { allowedModels, budget, ...columns } = key;
    const { userId, operationId, publicPart, keyHash, hashVersion, lastFour } = key;
    return inTransaction(this.#sequelize, async (transaction) => {
      // One at a time for each user, so that the count is still true when the row is written.
      await exists(this.#sequelize, 'SELECT id FROM users WHERE id = ? FOR UPDATE', [userId], transaction);
      const before = await this.#rows.findOne({ where: { userId, operationId }, transaction });
      if (before !== null) {
        await before.update({ publicPart, keyHash, hashVersion, lastFour }, { transaction });
        return stored.ofModel(before.get()).id;
      }
      if ((await this.#rows.count({ where: { userId, deletedAt: null }, transaction })) >= mostKeys) return undefined;
      const row = await this.#rows.create(
        { ...columns, allowedModels: allowedModels ?? null, budget: budget === null ? null : budget.toString() },
        { transaction },
      );
      return row.get().id;
    });
  }

  /** The keys of a user that are not deleted, oldest first. */
  async ofUser(userId: number): Promise<AccessKey[]> {
    const rows = await this.#rows.findAll({ where: { userId, deletedAt: null }, order: [['id', 'ASC']] });
    return rows.map((row) => keyOf(row.get()));
  }

  async find(id: number, userId: number): Promise<AccessKey | undefined> {
    const row = await this.#rows.findOne({ where: { id, userId, deletedAt: null } });
    return row === null ? undefined : keyOf(row.get());
  }

  /** @returns false when the user has no such key. */
  async update(id: number, userId: number, change: AccessKeyChange): Promise<boolean> {
    const { active, budget, allowedModels, ...columns } = change;
    const [changed] = await this.#rows.update(
      {
        ...columns,
        ...(active === undefined ? {} : { isActive: active ? 1 : 0 }),
        ...(budget === undefined ? {} : { budget: budget === null ? null : budget.toString() }),
        ...(allowedModels === undefined ? {} : { allowedModels: allowedModels ?? literal('NULL') }),
      },
      { where: { id, userId, deletedAt: null } },
    );
    return changed === 1;
  }

  /** The row stays, because the ledger refers to it. @returns false if the user has no such key. */
  async remove(id: number, userId: number): Promise<boolean> {
    const [changed] = await this.#rows.update(
      { deletedAt: new Date(), isActive: 0 },
      { where: { id, userId, deletedAt: null } },
    );
    return changed === 1;
  }

  byPublicPart(publicPart: string): Promise<KeyOfCaller | undefined> {
    return this.#ofCaller({ publicPart });
  }

  byId(id: number): Promise<KeyOfCaller | undefined> {
    return this.#ofCaller({ id });
  }

  async #ofCaller(which: { readonly publicPart: string } | { readonly id: number }): Promise<KeyOfCaller | undefined> {
    const found = (await this.#rows.findOne({ where: { ...which, deletedAt: null } }))?.get();
    if (found === undefined) return undefined;
    const { userId, keyHash } = stored.ofModel(found);
    const [owner] = await select(
      this.#sequelize,
      keyOwner.read,
      `SELECT u.status=1 AS user_active, a.id AS account_id FROM users u
        JOIN accounts a ON a.owner_kind = 'user' AND a.owner_id = u.id WHERE u.id = ?`,
      [userId],
    );
    return owner && { key: keyOf(found), keyHash, userId, ...owner };
  }

  /** How many keys have a hash of another version than this one. */
  countOfOtherVersions(version: number): Promise<number> {
    return this.#rows.count({ where: { hashVersion: { [Op.ne]: version }, deletedAt: null } });
  }

  /** Notes the use; `hash`, when given, replaces one made with an older pepper. */
  async touch(id: number, hash?: StoredHash): Promise<void> {
    await this.#rows.update(
      {
        lastUsedAt: new Date(),
        // Set explicitly, because the column's ON UPDATE would count a use as a change.
        updatedAt: literal('updated_at'),
        ...hash,
      },
      { where: { id } },
    );
  }
}

const stored = rowOf({
  id: column.integer,
  userId: column.integer,
  name: column.text,
  tag: orNull(column.text),
  publicPart: column.text,
  keyHash: column.bytes,
  lastFour: column.text,
  isActive: column.flag,
  expiresAt: orNull(column.time),
  allowedModels: column.jsonOf(z.array(z.string()).nullable()),
  rpmLimit: orNull(column.integer),
  tpmLimit: orNull(column.integer),
  parallelLimit: orNull(column.integer),
  budget: orNull(column.bigint),
  budgetPeriod: orNull(column.oneOf(BUDGET_PERIODS)),
  lastUsedAt: orNull(column.time),
  createdAt: column.time,
  updatedAt: column.time,
});
const keyOwner = rowOf({ userActive: column.flag, accountId: column.integer });

function keyOf(row: Row): AccessKey {
  const { isActive: active, userId: _userId, keyHash: _keyHash, ...key } = stored.ofModel(row);
  return { ...key, active };
}
