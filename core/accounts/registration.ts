/** New users. Each gets an account, whose opening balance the ledger credits once, also after a crash in between. */
import type { Sequelize } from 'sequelize';
import { AppError } from '../../infra/errors.ts';
import type { Logger } from '../../infra/logger.ts';
import { inTransaction } from '../../infra/mysql/transaction.ts';
import type { Passwords } from '../../infra/passwords.ts';
import { formatMoney } from '../ledger/money.ts';
import type { AuditLog, By } from './audit-log.ts';
import type { Role } from './caller.ts';
import { ROOT_USERNAME } from './user.ts';
import type { UserStore } from './user-store.ts';
import { looksReserved, readUsername } from './username.ts';

/** 999999.00 */
const ROOT_BALANCE_NANO = 999_999_000_000_000n;

export interface AccountOpener {
  /** Credits the pending grant of an account. Idempotent; the sweeper calls it for interrupted registrations. */
  openAccount(accountId: number): Promise<void>;
}

export interface SignUp {
  readonly username: string;
  readonly password: string;
  readonly email?: string | undefined;
}

export interface RegistrationDependencies {
  readonly sequelize: Sequelize;
  readonly users: UserStore;
  readonly passwords: Passwords;
  readonly ledger: AccountOpener;
  readonly audit: AuditLog;
  readonly log: Logger;
  /** Opening balance of a user who registers, in nano-units. */
  readonly grantNano: bigint;
}

export class Registration {
  readonly #to: RegistrationDependencies;

  constructor(dependencies: RegistrationDependencies) {
    this.#to = dependencies;
  }

  /**
   * @returns the name as it is stored.
   * @throws {AppError} invalidParameter for a name that is not allowed; alreadyExists for a taken or reserved name, one
   * that looks like it, or a taken email; the error does not say which, so that nobody learns whose email is known.
   */
  async register(signUp: SignUp): Promise<string> {
    const username = readUsername(signUp.username);
    if (looksReserved(username)) throw taken(signUp);
    try {
      await this.#create({ ...signUp, username }, 'ROLE_USER', this.#to.grantNano);
    } catch (error) {
      throw error instanceof AppError && error.kind === 'alreadyExists' ? taken(signUp, error) : error;
    }
    return username;
  }

  /** A user made by an administrator. @returns its id. @throws {AppError} invalidParameter, alreadyExists by field. */
  createUser(signUp: SignUp, role: Role, openingBalanceNano: bigint, by: By): Promise<number> {
    return this.#create({ ...signUp, username: readUsername(signUp.username) }, role, openingBalanceNano, by);
  }

  /**
   * Creates the first administrator unless there is one. Several processes may call it at once.
   * @returns 'no-password' when one is needed and `password` is empty.
   */
  async ensureRootUser(password: string): Promise<'made' | 'present' | 'no-password'> {
    if (await this.#to.users.hasRoot()) return 'present';
    if (password === '') return 'no-password';
    try {
      await this.#create({ username: ROOT_USERNAME, password }, 'ROLE_ROOT_ADMIN', ROOT_BALANCE_NANO);
      return 'made';
    } catch (error) {
      const madeMeanwhile = error instanceof AppError && error.kind === 'alreadyExists';
      if (madeMeanwhile && (await this.#to.users.hasRoot())) return 'present';
      throw error;
    }
  }

  async #create({ username, password, email }: SignUp, role: Role, openingBalance: bigint, by?: By): Promise<number> {
    const { sequelize, users, audit, passwords } = this.#to;
    const passwordHash = await passwords.hash(password);
    const user = { username, email: email ?? null, passwordHash, role, openingBalance };
    const { id, accountId } = await inTransaction(sequelize, async (transaction) => {
      const made = await users.insert(user, transaction);
      if (by !== undefined) {
        const after = { username, email, role, openingBalance: formatMoney(openingBalance) };
        await audit.record(
          { ...by, action: 'users.create', targetKind: 'user', targetId: made.id, after },
          transaction,
        );
      }
      return made;
    });
    await this.#open(accountId);
    return id;
  }

  /** The user is already stored: if the ledger is away, the sweeper opens the account later. */
  async #open(accountId: number): Promise<void> {
    try {
      await this.#to.ledger.openAccount(accountId);
    } catch (err) {
      this.#to.log.warn({ err, accountId }, 'opening balance not credited yet; the sweeper will');
    }
  }
}

/** The same words for both fields. */
function taken({ email }: SignUp, cause?: unknown): AppError {
  const paths = email === undefined ? ['username'] : ['username', 'email'];
  const message = 'is taken already, or looks like one that is';
  const errors = paths.map((path) => ({ path, message }));
  return new AppError('alreadyExists', `${paths.join(' or ')}: ${message}`, { errors, cause });
}
