/**
 * A new password for somebody who has lost theirs, begun by an administrator: a generated password, or a one-time token
 * with which the person sets one. From the start of either, the old password and all login tokens are of no use.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Sequelize } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { Passwords } from '../../infra/passwords.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import type { AuditLog, By } from './audit-log.ts';
import type { SignInLimits } from './sign-in-limits.ts';
import type { User } from './user.ts';
import type { UserStore } from './user-store.ts';

const TOKEN_LIFE_MS = 24 * 3_600_000;
const TOKEN_BYTES = 32;
/** 120 random bits: 20 characters. */
const PASSWORD_BYTES = 15;

export interface PasswordResetDependencies {
  readonly sequelize: Sequelize;
  readonly users: UserStore;
  readonly passwords: Passwords;
  readonly limits: SignInLimits;
  readonly invalidation: Invalidation;
  readonly audit: AuditLog;
}

const owner = rowOf({ userId: column.integer, expired: column.flag });

export class PasswordResets {
  readonly #to: PasswordResetDependencies;

  constructor(dependencies: PasswordResetDependencies) {
    this.#to = dependencies;
  }

  /** @returns the new password, which is stored nowhere. @throws {AppError} notFound; forbidden for a ROOT user; illegalState for a closed one. */
  async generate(userId: number, by: By): Promise<string> {
    const password = randomBytes(PASSWORD_BYTES).toString('base64url');
    await this.#replace(userId, password, undefined, by);
    return password;
  }

  /** @returns a token for `redeem`; an earlier one of the user stops working. @throws {AppError} as `generate`. */
  async issue(userId: number, by: By): Promise<{ token: string; expiresAt: Date }> {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const expiresAt = new Date(Date.now() + TOKEN_LIFE_MS);
    // Nobody knows this password.
    const password = randomBytes(TOKEN_BYTES).toString('base64url');
    await this.#replace(userId, password, { token, expiresAt }, by);
    return { token, expiresAt };
  }

  /** Sets the password of the token's user, once. @throws {AppError} invalidToken, expiredToken, accountDisabled. */
  async redeem(token: string, password: string): Promise<void> {
    const { sequelize, users, passwords, invalidation, limits } = this.#to;
    const tokenHash = hashOf(token);
    // Before the costly hash, which no random token is to cause.
    await this.#ownerOf(tokenHash);
    const passwordHash = await passwords.hash(password);
    const user = await inTransaction(sequelize, async (transaction): Promise<User> => {
      const userId = await this.#ownerOf(tokenHash);
      const found = await users.findLocked(userId, transaction);
      const taken = await change(sequelize, 'DELETE FROM password_resets WHERE token_hash=?', [tokenHash], transaction);
      if (found === undefined || taken === 0) throw unknownToken();
      if (!found.active) throw new AppError('accountDisabled', 'the user is disabled');
      await users.setPassword(userId, passwordHash, transaction);
      return found;
    });
    await limits.clear(await users.nameKey(user.username));
    await invalidation.publish('user', user.id);
  }

  async #ownerOf(tokenHash: Buffer): Promise<number> {
    const sql = 'SELECT user_id, expires_at <= NOW(3) AS expired FROM password_resets WHERE token_hash=?';
    const [found] = await select(this.#to.sequelize, owner.read, sql, [tokenHash]);
    if (found === undefined) throw unknownToken();
    if (found.expired) throw new AppError('expiredToken', 'the link has expired: ask for another one');
    return found.userId;
  }

  async #replace(
    userId: number,
    password: string,
    link: { token: string; expiresAt: Date } | undefined,
    by: By,
  ): Promise<void> {
    const { sequelize, users, passwords, limits, invalidation, audit } = this.#to;
    const passwordHash = await passwords.hash(password);
    const username = await inTransaction(sequelize, async (transaction) => {
      const user = await users.findLocked(userId, transaction);
      if (user === undefined) throw new AppError('notFound', `there is no user ${userId}`);
      // Whoever holds the server resets these, at its command line.
      if (user.role === 'ROLE_ROOT_ADMIN') throw new AppError('forbidden', 'a ROOT user cannot be changed');
      if (user.closedAt !== null) throw new AppError('illegalState', 'the account is closed');
      await users.setPassword(userId, passwordHash, transaction);
      if (link !== undefined) {
        await change(
          sequelize,
          'INSERT INTO password_resets (user_id,token_hash,expires_at) VALUES (?,?,?)',
          [userId, hashOf(link.token), link.expiresAt],
          transaction,
        );
      }
      const after = { by: link === undefined ? 'generated password' : 'link' };
      const what = { action: 'users.reset-password', targetKind: 'user', targetId: userId, after } as const;
      await audit.record({ ...by, ...what }, transaction);
      return user.username;
    });
    await limits.clear(await users.nameKey(username));
    await invalidation.publish('user', userId);
  }
}

function hashOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

function unknownToken(): AppError {
  return new AppError('invalidToken', 'the link is not valid, or was used: ask for another one');
}
