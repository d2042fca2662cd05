/** Passwords in, login tokens out. An unknown user and a wrong password give the same answer in the same time. */
import type { Sequelize } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { Passwords } from '../../infra/passwords.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import type { AuditLog, By } from './audit-log.ts';
import type { LoginTokens } from './login-tokens.ts';
import type { SignInLimits } from './sign-in-limits.ts';
import type { User } from './user.ts';
import type { UserStore } from './user-store.ts';

export interface SignInDependencies {
  readonly sequelize: Sequelize;
  readonly users: UserStore;
  readonly passwords: Passwords;
  readonly tokens: LoginTokens;
  readonly limits: SignInLimits;
  readonly invalidation: Invalidation;
  readonly audit: AuditLog;
}

export class SignIn {
  readonly #to: SignInDependencies;

  constructor(dependencies: SignInDependencies) {
    this.#to = dependencies;
  }

  /**
   * @param address where the attempt comes from, for the limits.
   * @throws {AppError} badCredentials, accountDisabled (only after the right password), accountLocked, tooManyRequests.
   */
  async login(username: string, password: string, address: string): Promise<{ token: string; user: User }> {
    const { users, passwords, limits, tokens } = this.#to;
    const found = await users.credentialsOf(username);
    // Spellings that the database treats as equal share one count, also for unknown names, so it reveals nothing.
    const account = await users.nameKey(username);
    const right = await limits.attempt({ purpose: 'sign-in', account, address }, async () => {
      if (found !== undefined) return this.#isRight(found.user.id, password, found.passwordHash);
      await passwords.pretendToVerify(password);
      return false;
    });
    if (found === undefined || !right) throw wrong();
    const { user } = found;
    if (!user.active) throw new AppError('accountDisabled', 'the user is disabled');
    return { token: await tokens.issue({ userId: user.id, version: user.tokenVersion }), user };
  }

  /** Ends every login token of the user. @throws {AppError} badCredentials, accountLocked, tooManyRequests. */
  async changePassword(userId: number, before: string, after: string, address: string): Promise<void> {
    const { users, passwords, limits, invalidation } = this.#to;
    const found = await users.credentialsById(userId);
    if (found === undefined) throw new AppError('invalidToken', 'the user does not exist any more');
    const account = await users.nameKey(found.user.username);
    const attempt = { purpose: 'change-password', account, address } as const;
    const isRight = async () => (await passwords.verify(before, found.passwordHash)) !== 'wrong';
    if (!(await limits.attempt(attempt, isRight))) throw wrong();
    const changed = await users.changePassword(userId, found.passwordHash, await passwords.hash(after));
    if (!changed) throw new AppError('illegalState', 'the password was changed meanwhile: sign in again');
    await limits.clear(account, address);
    await invalidation.publish('user', userId);
  }

  /**
   * For an administrator: sets a password without the old one, even if that changes at the same time, and ends
   * every login token and a lock after wrong passwords. @throws {AppError} notFound.
   */
  async resetPassword(userId: number, password: string, by: By): Promise<void> {
    const { sequelize, users, passwords, limits, invalidation, audit } = this.#to;
    const found = await users.credentialsById(userId);
    if (found === undefined) throw new AppError('notFound', `there is no user ${userId}`);
    const hash = await passwords.hash(password);
    await inTransaction(sequelize, async (transaction) => {
      await users.setPassword(userId, hash, transaction);
      await audit.record({ ...by, action: 'users.reset-password', targetKind: 'user', targetId: userId }, transaction);
    });
    await limits.clear(await users.nameKey(found.user.username));
    await invalidation.publish('user', userId);
  }

  async #isRight(userId: number, password: string, hash: string): Promise<boolean> {
    const { users, passwords } = this.#to;
    const check = await passwords.verify(password, hash);
    if (check === 'right-but-outdated') await users.rehash(userId, hash, await passwords.hash(password));
    return check !== 'wrong';
  }
}

function wrong(): AppError {
  return new AppError('badCredentials', 'the username or the password is wrong');
}
