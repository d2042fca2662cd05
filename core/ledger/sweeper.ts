/**
 * Cleans up after dead processes: fences lapsed writers, releases the holds of their calls and their leases, and credits opening grants
 * of interrupted registrations. Every step is safe to run from several processes and at any time.
 */
import type { Connection } from 'mysql2/promise';
import type { Sequelize } from 'sequelize';
import type { DatabaseConfig } from '../../infra/mysql/connection.ts';
import { column, orNull, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { change, select } from '../../infra/mysql/statements.ts';
import { openWriterConnection } from './commit-queue/connection.ts';
import { fenceWriter, lapsedWriters } from './commit-queue/fencing.ts';
import type { Ledger } from './ledger.ts';
import { release } from './operations/close-hold.ts';
import { closeDeadLease } from './operations/lease.ts';
import { deleteExpiredClaims } from './tables/claims.ts';

const BATCH = 500;
/** Of idempotency keys in one round: more than a busy installation uses up in that time. */
const CLAIM_BATCHES = 20;
/** Leaves time for a registration that is still running and opens its own account. */
const GRANT_AGE_SECONDS = 10;

export interface Sweep {
  readonly fencedWriters: number;
  readonly releasedHolds: number;
  readonly openedAccounts: number;
}

const deadHold = rowOf({
  id: column.text,
  isLease: column.flag,
  accountId: column.integer,
  accessKeyId: orNull(column.integer),
  budgetPeriod: orNull(column.day),
});
type DeadHold = ReadRow<typeof deadHold>;
const waitingAccount = rowOf({ id: column.integer });

/**
 * Holds of calls, and leases, whose writer has been fenced, and holds of calls that have exceeded their time in a living
 * process.
 */
const DEAD_HOLDS = `
  SELECT h.id, h.owner='lease' AS is_lease, h.account_id, h.access_key_id, h.budget_period
    FROM holds h JOIN writers w ON w.slot=h.slot
   WHERE h.state='open' AND h.owner IN ('call','lease') AND h.epoch < w.epoch
  UNION
  SELECT id, 0, account_id, access_key_id, budget_period FROM holds
   WHERE state='open' AND owner='call' AND expires_at < NOW(3)
  LIMIT ${BATCH}`;

export class HoldSweeper {
  readonly #database: DatabaseConfig;
  readonly #sequelize: Sequelize;
  readonly #ledger: Ledger;
  #lapsedBefore: ReadonlySet<string> = new Set();

  constructor(database: DatabaseConfig, sequelize: Sequelize, ledger: Ledger) {
    this.#database = database;
    this.#sequelize = sequelize;
    this.#ledger = ledger;
  }

  /** One round, for every second or two. Fencing comes first, so that no capture can race the release of its hold. */
  async sweep(): Promise<Sweep> {
    const fencedWriters = await this.#fence();
    const releasedHolds = await this.#releaseDeadHolds();
    const openedAccounts = await this.#openAccounts();
    await this.#deleteExpiredClaims();
    return { fencedWriters, releasedHolds, openedAccounts };
  }

  /** Small statements hold their locks briefly. What is left after so many is the next round's. */
  async #deleteExpiredClaims(): Promise<void> {
    for (let batch = 0; batch < CLAIM_BATCHES; batch += 1) {
      const deleted = await change(this.#sequelize, deleteExpiredClaims(BATCH));
      if (deleted < BATCH) return;
    }
  }

  /**
   * Fences writers that had also lapsed in the previous round. After an outage of the database all writers have lapsed,
   * and the living ones need a moment to renew themselves.
   */
  async #fence(): Promise<number> {
    const connection = await openWriterConnection(this.#database);
    try {
      const fenced = await this.#fenceLapsed(connection);
      await connection.end();
      return fenced;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async #fenceLapsed(connection: Connection): Promise<number> {
    const lapsed = (await lapsedWriters(connection)).map((writer) => ({ writer, key: Object.values(writer).join() }));
    let fenced = 0;
    for (const { writer, key } of lapsed) {
      if (this.#lapsedBefore.has(key) && (await fenceWriter(connection, writer))) fenced += 1;
    }
    this.#lapsedBefore = new Set(lapsed.map(({ key }) => key));
    return fenced;
  }

  async #releaseDeadHolds(): Promise<number> {
    const dead = await select(this.#sequelize, deadHold.read, DEAD_HOLDS);
    const released = await Promise.all(dead.map((row) => this.#releaseDead(row)));
    return released.filter((isReleased) => isReleased).length;
  }

  async #releaseDead({ id, isLease, accountId, accessKeyId, budgetPeriod }: DeadHold): Promise<boolean> {
    const budgetKeyId = budgetPeriod === null ? null : accessKeyId;
    if (isLease) return this.#ledger.run(closeDeadLease({ id, accountId, budgetKeyId }));
    const outcome = await this.#ledger.run(release({ holdId: id, accountId, budgetKeyId }));
    return outcome.kind === 'released';
  }

  async #openAccounts(): Promise<number> {
    const waiting = await select(
      this.#sequelize,
      waitingAccount.read,
      `SELECT id FROM accounts WHERE pending_grant IS NOT NULL AND created_at < NOW(3) - INTERVAL ${GRANT_AGE_SECONDS} SECOND LIMIT ${BATCH}`,
    );
    for (const { id } of waiting) await this.#ledger.openAccount(id);
    return waiting.length;
  }
}
