/** The one owner of the table `users`. Creates a user's account with it; the money belongs to the ledger. */
import { literal, type Sequelize, type Transaction, UniqueConstraintError } from 'sequelize';
import { AppError, type FieldError } from '../../infra/errors.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { change, insert, select } from '../../infra/mysql/statements.ts';
import type { Role } from './caller.ts';
import type { User } from './user.ts';
import { credentialsOf, defineUsers, type StoredCredentials, type UserModel, userOf } from './user-model.ts';
import { shapeOf } from './username.ts';

export interface NewUser {
  readonly username: string;
  readonly email: string | null;
  readonly passwordHash: string;
  readonly role: Role;
  /** Nano-units that the ledger credits when it opens the account. */
  readonly openingBalance: bigint;
}

const userAccount = rowOf({ id: column.integer });
const nameWeights = rowOf({ weights: column.text });

/** In weights of 16 bits, as hex; the one of a space is 020A. */
const TRAILING_SPACES = /^((?:.{4})*?)(?:020A)*$/;

export class UserStore {
  readonly #sequelize: Sequelize;
  readonly #users: UserModel;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
    this.#users = defineUsers(sequelize);
  }

  /**
   * Makes a user and its account together.
   * @throws {AppError} alreadyExists for a taken email, and for a name that is taken or looks like one that is.
   */
  async insert(user: NewUser, transaction: Transaction): Promise<{ id: number; accountId: number }> {
    const { openingBalance, ...columns } = user;
    // A name that is the email address of another would pass for that other.
    const isAddress = await this.#users.findOne({ where: { email: user.username }, transaction });
    if (isAddress !== null) throw nameTaken();
    try {
      const row = await this.#users.create({ ...columns, nameShape: shapeOf(user.username) }, { transaction });
      const { id } = row.get();
      const sql = "INSERT INTO accounts (owner_kind, owner_id, pending_grant) VALUES ('user', ?, ?)";
      const accountId = await insert(this.#sequelize, sql, [id, openingBalance], transaction);
      return { id, accountId };
    } catch (error) {
      if (error instanceof UniqueConstraintError) throw taken(error);
      throw error;
    }
  }

  async find(id: number): Promise<User | undefined> {
    const row = await this.#users.findByPk(id);
    return row === null ? undefined : userOf(row.get());
  }

  /** Locks the row until the transaction ends. */
  async findLocked(id: number, transaction: Transaction): Promise<User | undefined> {
    const row = await this.#users.findByPk(id, { transaction, lock: transaction.LOCK.UPDATE });
    return row === null ? undefined : userOf(row.get());
  }

  /** By name as the database compares names: without regard to case and accents. */
  async credentialsOf(username: string): Promise<StoredCredentials | undefined> {
    const row = (await this.#users.findOne({ where: { username } }))?.get();
    return row && credentialsOf(row);
  }

  /** Text that is equal for two names exactly if the database treats them as equal. */
  async nameKey(username: string): Promise<string> {
    const [row] = await select(
      this.#sequelize,
      nameWeights.read,
      'SELECT HEX(WEIGHT_STRING(CONVERT(? USING utf8mb4) COLLATE utf8mb4_unicode_520_ci)) AS weights',
      [username],
    );
    // The column's comparison pads the shorter name with spaces.
    return (row?.weights ?? '').replace(TRAILING_SPACES, '$1');
  }

  async credentialsById(id: number): Promise<StoredCredentials | undefined> {
    const row = (await this.#users.findByPk(id))?.get();
    return row && credentialsOf(row);
  }

  async hasRoot(): Promise<boolean> {
    return (await this.#users.count({ where: { role: 'ROLE_ROOT_ADMIN' } })) > 0;
  }

  /** Replaces an outdated hash of the same password; no token is affected. */
  async rehash(id: number, before: string, after: string): Promise<void> {
    await this.#users.update({ passwordHash: after }, { where: { id, passwordHash: before } });
  }

  /** Sets a new password and ends all tokens. @returns false if the password has been changed in between. */
  async changePassword(id: number, before: string, after: string): Promise<boolean> {
    const [changed] = await this.#users.update(
      { passwordHash: after, tokenVersion: literal('token_version + 1') },
      { where: { id, passwordHash: before } },
    );
    return changed === 1;
  }

  /** Sets a password and ends all login tokens, and a link to set one. */
  async setPassword(id: number, passwordHash: string, transaction: Transaction): Promise<void> {
    const columns = { passwordHash, tokenVersion: literal('token_version + 1') };
    await this.#users.update(columns, { where: { id }, transaction });
    await change(this.#sequelize, 'DELETE FROM password_resets WHERE user_id=?', [id], transaction);
  }

  async setRole(id: number, role: Role, transaction: Transaction): Promise<void> {
    await this.#users.update({ role }, { where: { id }, transaction });
  }

  /** Disabling ends all tokens. */
  async setActive(id: number, active: boolean, transaction: Transaction): Promise<void> {
    const columns = active ? { status: 1 } : { status: 0, tokenVersion: literal('token_version + 1') };
    await this.#users.update(columns, { where: { id }, transaction });
  }

  /** Ends everything that the user can do, for good: login tokens, access keys, links to set a password. */
  async close(id: number, transaction: Transaction): Promise<void> {
    const closing = 'UPDATE users SET status=0, closed_at=NOW(3), token_version=token_version+1 WHERE id=?';
    await change(this.#sequelize, closing, [id], transaction);
    const keys = 'UPDATE access_keys SET deleted_at=NOW(3), is_active=0 WHERE user_id=? AND deleted_at IS NULL';
    await change(this.#sequelize, keys, [id], transaction);
    await change(this.#sequelize, 'DELETE FROM password_resets WHERE user_id=?', [id], transaction);
  }

  /** The account of a user. It never changes. */
  async accountIdOf(userId: number): Promise<number | undefined> {
    const sql = "SELECT id FROM accounts WHERE owner_kind = 'user' AND owner_id = ?";
    const [row] = await select(this.#sequelize, userAccount.read, sql, [userId]);
    return row?.id;
  }
}

function taken(error: UniqueConstraintError): AppError {
  return Object.keys(error.fields).some((name) => name.includes('email'))
    ? takenAlready([{ path: 'email', message: 'is taken already' }], error)
    : nameTaken(error);
}

function nameTaken(cause?: unknown): AppError {
  return takenAlready([{ path: 'username', message: 'is taken already, or looks like one that is' }], cause);
}

function takenAlready(errors: readonly FieldError[], cause: unknown): AppError {
  const text = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new AppError('alreadyExists', text, { errors, cause });
}
