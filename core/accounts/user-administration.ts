/** What a ROOT user may change about others. Each change is in the audit log, in one transaction with its record. */
import { createHash } from 'node:crypto';
import type { Sequelize, Transaction } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import { stillLeased } from '../ledger/leases/lease-recall.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { formatMoney } from '../ledger/money.ts';
import { adjust } from '../ledger/operations/credit.ts';
import { type AuditAction, type AuditLog, audited, type By } from './audit-log.ts';
import type { Role } from './caller.ts';
import type { User } from './user.ts';
import type { UserStore } from './user-store.ts';

/** How long a caller waits while the database is away. */
const ADJUSTMENT_WAIT_MS = 5_000;

export interface Adjustment {
  readonly userId: number;
  /** Nano-units, signed. */
  readonly amount: bigint;
  readonly reason: string;
  /** The caller's key for this one change: the same key, user and amount change the balance once. */
  readonly key: string;
}

export interface UserAdministrationDependencies {
  readonly sequelize: Sequelize;
  readonly users: UserStore;
  readonly ledger: Pick<Ledger, 'run' | 'recall'>;
  readonly audit: AuditLog;
  readonly invalidation: Invalidation;
}

export class UserAdministration {
  readonly #to: UserAdministrationDependencies;

  constructor(dependencies: UserAdministrationDependencies) {
    this.#to = dependencies;
  }

  /** @throws {AppError} notFound; forbidden for a ROOT user; illegalState for a disabled one that is to be ROOT. */
  assignRole(userId: number, role: Role, by: By): Promise<void> {
    const { users } = this.#to;
    return this.#change(userId, 'users.assign-role', { role }, by, (transaction, { active }) => {
      // Nobody could enable it any more.
      if (!active && role === 'ROLE_ROOT_ADMIN')
        throw new AppError('illegalState', 'the user is disabled: enable it first');
      return users.setRole(userId, role, transaction);
    });
  }

  /** Disabling ends all login tokens and stops the access keys. @throws {AppError} as `assignRole`. */
  setActive(userId: number, active: boolean, by: By): Promise<void> {
    const { users } = this.#to;
    return this.#change(userId, 'users.status', { active }, by, (transaction) =>
      users.setActive(userId, active, transaction),
    );
  }

  /**
   * Closes an account for good; closing it again changes nothing. Money is not touched: running calls are settled, what
   * is left stays on the account. @throws {AppError} notFound; forbidden for a ROOT user.
   */
  close(userId: number, reason: string, by: By): Promise<void> {
    const { users } = this.#to;
    return this.#change(userId, 'users.close', { closed: true, reason }, by, (transaction) =>
      users.close(userId, transaction),
    );
  }

  /**
   * @returns the new balance.
   * @throws {AppError} notFound; insufficientBalance when it would fall below zero; alreadyExists when the same change
   * was made under the same key so long ago that its answer is no longer kept: money is not moved twice under one key.
   */
  async adjustBalance({ userId, amount, reason, key }: Adjustment, by: By): Promise<bigint> {
    const { users, ledger } = this.#to;
    const accountId = await users.accountIdOf(userId);
    if (accountId === undefined) throw noUser(userId);
    const id = adjustmentId([String(by.actor?.userId), key, String(accountId), String(amount)]);
    const operation = audited(adjust({ id, accountId, note: reason }, amount), ({ kind, available }) => {
      if (kind !== 'done') return undefined;
      const before = { balance: formatMoney(available - amount) };
      const after = { amount: formatMoney(amount), reason, balance: formatMoney(available), transferId: id };
      return { ...by, action: 'users.adjust-balance', targetKind: 'user', targetId: userId, before, after };
    });
    // So that the balance of before and after is all of it, and can be taken.
    const recalled = await ledger.recall(accountId);
    const outcome = await ledger.run(operation, ADJUSTMENT_WAIT_MS);
    const { available } = outcome;
    if (outcome.kind === 'done-long-ago') throw usedBefore(outcome.atMs);
    if (outcome.kind === 'insufficient' && recalled === 'late') throw stillLeased();
    if (outcome.kind === 'insufficient') {
      throw new AppError('insufficientBalance', `the balance is ${formatMoney(available)} and cannot fall below zero`);
    }
    return available;
  }

  async #change(
    userId: number,
    action: AuditAction,
    after: Partial<User> | { readonly closed: true; readonly reason: string },
    by: By,
    write: (transaction: Transaction, user: User) => Promise<void>,
  ): Promise<void> {
    const { sequelize, users, ledger, audit, invalidation } = this.#to;
    await inTransaction(sequelize, async (transaction) => {
      const user = await users.findLocked(userId, transaction);
      if (user === undefined) throw noUser(userId);
      if (user.role === 'ROLE_ROOT_ADMIN') throw new AppError('forbidden', 'a ROOT user cannot be changed');
      if (user.closedAt !== null) {
        if ('closed' in after) return;
        throw new AppError('illegalState', 'the account is closed');
      }
      await write(transaction, user);
      const before = { role: user.role, active: user.active };
      await audit.record({ ...by, action, targetKind: 'user', targetId: userId, before, after }, transaction);
    });
    await invalidation.publish('user', userId);
    // Who may call no more has no use for money that is leased.
    const accountId = await users.accountIdOf(userId);
    if (accountId !== undefined) await ledger.recall(accountId);
  }
}

function usedBefore(atMs: number): AppError {
  const message = `was used for this same change at ${new Date(atMs).toISOString()}: give a new change a new key`;
  return new AppError('alreadyExists', `Idempotency-Key: ${message}`, {
    errors: [{ path: 'Idempotency-Key', message }],
  });
}

function noUser(userId: number): AppError {
  return new AppError('notFound', `there is no user ${userId}`);
}

/** The id of the transfer is derived from the request, so that a repeat after a crash moves no money again. */
function adjustmentId(parts: readonly string[]): string {
  return `adj-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;
}
