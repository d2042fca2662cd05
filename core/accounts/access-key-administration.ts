/** Access keys of all users, as ROOT looks after them: whose they are, what they spend, and an end to one that leaks. */
import type { Sequelize } from 'sequelize';
import { BUDGET_PERIODS } from '../../infra/calendar.ts';
import { AppError } from '../../infra/errors.ts';
import { column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import { type AccessKeyHashes, maskedAccessKey, publicPartOf } from './access-key.ts';
import type { AuditLog, By } from './audit-log.ts';
import { BUDGET_USED, usedOf } from './budget-use.ts';

const stored = rowOf({
  id: column.integer,
  userId: column.integer,
  username: column.text,
  name: column.text,
  tag: orNull(column.text),
  publicPart: column.text,
  lastFour: column.text,
  keyHash: column.bytes,
  isActive: column.flag,
  expiresAt: orNull(column.time),
  budget: orNull(column.bigint),
  budgetPeriod: orNull(column.oneOf(BUDGET_PERIODS)),
  /** The period that `used` counts; null while nothing was spent. */
  periodStart: orNull(column.day),
  used: orNull(column.bigint),
  lastUsedAt: orNull(column.time),
  createdAt: column.time,
  deletedAt: orNull(column.time),
});

/** @param keys the table, or a page of it. */
const selectFrom = (
  keys: string,
) => `SELECT k.id,k.user_id,u.username,k.name,k.tag,k.public_part,k.last_four,k.key_hash,k.is_active,k.expires_at,
    k.budget,k.budget_period,b.period_start,${BUDGET_USED} AS used,k.last_used_at,k.created_at,k.deleted_at
  FROM ${keys} k JOIN users u ON u.id=k.user_id LEFT JOIN key_budgets b ON b.access_key_id=k.id`;

/** A key with its owner. Amounts in nano-units. */
export interface OwnedAccessKey
  extends Omit<ReadRow<typeof stored>, 'publicPart' | 'lastFour' | 'keyHash' | 'periodStart' | 'used'> {
  readonly masked: string;
  /** Spent and held in the running period of its budget; null for a key without one. */
  readonly budgetUsed: bigint | null;
}

/** The shown ends of a key: at least four characters of its beginning, and the last four where they are known. */
export interface KeyMask {
  readonly begin: string;
  readonly end: string | undefined;
}

export interface AccessKeyFilter {
  readonly id?: number | undefined;
  readonly userId?: number | undefined;
  readonly mask?: KeyMask | undefined;
  /** Deleted ones, too. */
  readonly deleted: boolean;
  /** Only keys with a smaller id. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface AccessKeyAdministrationDependencies {
  readonly sequelize: Sequelize;
  readonly hashes: AccessKeyHashes;
  readonly invalidation: Invalidation;
  readonly audit: AuditLog;
  readonly timeZone: string;
}

export class AccessKeyAdministration {
  readonly #to: AccessKeyAdministrationDependencies;

  constructor(dependencies: AccessKeyAdministrationDependencies) {
    this.#to = dependencies;
  }

  /** Newest first: by the primary key, the index of the user, or that of the public part for a mask. */
  async list(filter: AccessKeyFilter): Promise<OwnedAccessKey[]> {
    const { id, userId, mask, deleted, before, limit } = filter;
    const conditions = [
      ...(id === undefined ? [] : ['k.id=:id']),
      ...(userId === undefined ? [] : ['k.user_id=:userId']),
      ...(before === undefined ? [] : ['k.id < :before']),
      // The column is ASCII and binary; base64url has one character that LIKE reads as another.
      ...(mask === undefined ? [] : ['k.public_part LIKE :begin']),
      ...(mask?.end === undefined ? [] : ['k.last_four=:end']),
      ...(deleted ? [] : ['k.deleted_at IS NULL']),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const begin = `${(mask?.begin ?? '').replaceAll('_', '\\_')}%`;
    // The page first: joined to all, they would be sorted.
    const page = `(SELECT k.* FROM access_keys k ${where} ORDER BY k.id DESC LIMIT :limit)`;
    const found = await select(this.#to.sequelize, stored.read, `${selectFrom(page)} ORDER BY k.id DESC`, {
      id,
      userId,
      before,
      begin,
      end: mask?.end,
      limit,
    });
    return found.map((row) => this.#owned(row));
  }

  /** The key with this text, deleted or not. @throws {AppError} notFound; invalidParameter for what is no access key. */
  async find(text: string): Promise<OwnedAccessKey> {
    const { sequelize, hashes } = this.#to;
    const sql = `${selectFrom('access_keys')} WHERE k.public_part=?`;
    const [found] = await select(sequelize, stored.read, sql, [publicPartOf(text) ?? '']);
    if (found === undefined || hashes.check(text, found.keyHash) === 'wrong') {
      throw new AppError('notFound', 'there is no such access key');
    }
    return this.#owned(found);
  }

  /** Ends a key for good, at once on every process. Again, it changes nothing. @throws {AppError} notFound. */
  async revoke(id: number, reason: string | undefined, by: By): Promise<OwnedAccessKey> {
    const { sequelize, audit, invalidation } = this.#to;
    const one = `${selectFrom('access_keys')} WHERE k.id=?`;
    await inTransaction(sequelize, async (transaction) => {
      const sql = 'UPDATE access_keys SET deleted_at=NOW(3), is_active=0 WHERE id=? AND deleted_at IS NULL';
      if ((await change(sequelize, sql, [id], transaction)) === 0) return;
      const [key] = await select(sequelize, stored.read, one, [id], transaction);
      if (key === undefined) return;
      const before = { userId: key.userId, name: key.name, masked: maskedAccessKey(key.publicPart, key.lastFour) };
      const what = {
        action: 'access-keys.revoke',
        targetKind: 'access-key',
        targetId: id,
        before,
        after: { reason },
      } as const;
      await audit.record({ ...by, ...what }, transaction);
    });
    await invalidation.publish('access-key', id);
    const [key] = await select(sequelize, stored.read, one, [id]);
    if (key === undefined) throw new AppError('notFound', `there is no access key ${id}`);
    return this.#owned(key);
  }

  #owned(row: ReadRow<typeof stored>): OwnedAccessKey {
    const { publicPart, lastFour, keyHash: _hash, periodStart: _start, used: _used, ...key } = row;
    const masked = maskedAccessKey(publicPart, lastFour);
    return { ...key, masked, budgetUsed: usedOf(row, this.#to.timeZone) };
  }
}
