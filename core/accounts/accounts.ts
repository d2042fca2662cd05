/** Constructs everything about accounts. */
import type { Sequelize } from 'sequelize';
import type { Config } from '../../infra/config.ts';
import { createVault } from '../../infra/crypto.ts';
import type { Logger } from '../../infra/logger.ts';
import { createPasswords } from '../../infra/passwords.ts';
import type { Redis } from '../../infra/redis/connection.ts';
import type { Invalidation } from '../../infra/redis/invalidation.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { parseMoney } from '../ledger/money.ts';
import { createAccessKeyHashes } from './access-key.ts';
import { AccessKeyAdministration } from './access-key-administration.ts';
import { type AccessKeyAuthentication, createAccessKeyAuthentication } from './access-key-authentication.ts';
import { AccessKeyStore } from './access-key-store.ts';
import { AccessKeys } from './access-keys.ts';
import { AuditLog } from './audit-log.ts';
import { BudgetUse } from './budget-use.ts';
import { EndedSessions } from './ended-sessions.ts';
import { createLoginTokens } from './login-tokens.ts';
import { PasswordResets } from './password-resets.ts';
import { type AccountOpener, Registration } from './registration.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { SignIn } from './sign-in.ts';
import { createSignInLimits, type SignInLimits } from './sign-in-limits.ts';
import { UserAdministration } from './user-administration.ts';
import { UserList } from './user-list.ts';
import { UserStore } from './user-store.ts';

export interface AccountsDependencies {
  readonly config: Config;
  readonly sequelize: Sequelize;
  readonly redis: Redis;
  readonly invalidation: Invalidation;
  readonly ledger: AccountOpener & Pick<Ledger, 'run' | 'recall'>;
  readonly log: Logger;
}

export interface Accounts {
  readonly users: UserStore;
  readonly userList: UserList;
  readonly registration: Registration;
  readonly userAdministration: UserAdministration;
  readonly signIn: SignIn;
  readonly signInLimits: SignInLimits;
  readonly endedSessions: EndedSessions;
  readonly passwordResets: PasswordResets;
  readonly accessKeys: AccessKeys;
  readonly accessKeyAdministration: AccessKeyAdministration;
  readonly audit: AuditLog;
  /** Tells the API who calls. */
  readonly authenticator: Sessions & AccessKeyAuthentication;
}

export async function createAccounts(dependencies: AccountsDependencies): Promise<Accounts> {
  const { config, sequelize, redis, invalidation, ledger, log } = dependencies;
  const passwords = await createPasswords(config.WEAK_HASHES_FOR_TESTS);
  const users = new UserStore(sequelize);
  const audit = new AuditLog(sequelize);
  const tokens = createLoginTokens(config.JWT_SECRET, config.JWT_TTL);
  const signInLimits = createSignInLimits(redis, {
    registrationsPerHour: config.REGISTRATIONS_PER_HOUR,
    secret: config.JWT_SECRET,
  });
  const store = new AccessKeyStore(sequelize);
  const hashes = createAccessKeyHashes(createVault(config.KEY_ENCRYPTION_KEY));
  const grantNano = parseMoney(config.registrationGrant) ?? 0n;
  const keys = createAccessKeyAuthentication({ store, hashes, invalidation, log });
  const endedSessions = new EndedSessions(sequelize, invalidation, config.JWT_TTL);
  const sessions = createSessions(users, tokens, endedSessions, invalidation);
  return {
    users,
    userList: new UserList(sequelize),
    registration: new Registration({ sequelize, users, passwords, ledger, audit, log, grantNano }),
    userAdministration: new UserAdministration({ sequelize, users, ledger, audit, invalidation }),
    signIn: new SignIn({ sequelize, users, passwords, tokens, limits: signInLimits, invalidation, audit }),
    signInLimits,
    endedSessions,
    passwordResets: new PasswordResets({ sequelize, users, passwords, limits: signInLimits, invalidation, audit }),
    accessKeys: new AccessKeys({
      ...{ store, hashes, invalidation },
      budgetUse: new BudgetUse(sequelize, config.APP_TIME_ZONE),
    }),
    accessKeyAdministration: new AccessKeyAdministration({
      ...{ sequelize, hashes, invalidation, audit, timeZone: config.APP_TIME_ZONE },
    }),
    audit,
    authenticator: { ...sessions, ...keys },
  };
}
