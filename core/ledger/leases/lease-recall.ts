/**
 * Asking all processes for the money that they have leased of an account: somebody needs it, or must not have it any
 * more. Redis carries the request. The rows say when they have given it back, also without Redis: a process that finds
 * an account poor gives its lease back by itself.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sequelize } from 'sequelize';
import { AppError } from '../../../infra/errors.ts';
import { column, orNull, rowOf } from '../../../infra/mysql/rows.ts';
import { select } from '../../../infra/mysql/statements.ts';

/** A caller with too little balance waits at most this long for what is leased. */
const RECALL_WAIT_MS = 3_000;
const POLL_MS = 50;

const standing = rowOf({ open: column.integer, inUse: orNull(column.integer) });
const STANDING =
  "SELECT COUNT(*) AS open, SUM(expires_at>NOW(3)) AS in_use FROM holds WHERE state='open' AND owner='lease' AND account_id=?";

/** `late`: some of it is still leased, or nobody knows. */
export type Recalled = 'nothing-leased' | 'returned' | 'late';

const TRY_AGAIN_SECONDS = 5;

/** For who needs all of an account's money, and knows that it is not all there. */
export function stillLeased(): AppError {
  const message =
    'some money of the account is set aside by a process that has not given it back yet: nothing was moved';
  return new AppError('unavailable', `${message}, try again`, { retryAfterSeconds: TRY_AGAIN_SECONDS });
}

export class LeaseRecall {
  readonly #sequelize: Sequelize;
  readonly #tellAll: (accountId: number) => Promise<void>;
  readonly #running = new Map<number, Promise<Recalled>>();

  /** @param tellAll has every process give its leases of the account back; resolves when those that answer have. */
  constructor(sequelize: Sequelize, tellAll: (accountId: number) => Promise<void>) {
    this.#sequelize = sequelize;
    this.#tellAll = tellAll;
  }

  /**
   * Resolves when nothing of the account is leased but what running calls need, or after 3 s (`late`).
   * `nothing-leased`: what was refused would be refused again.
   */
  recall(accountId: number): Promise<Recalled> {
    const running = this.#running.get(accountId);
    if (running) return running;
    // If the database does not answer, what the caller wants to do will say so.
    const recall = this.#recall(accountId)
      .catch((): Recalled => 'late')
      .finally(() => this.#running.delete(accountId));
    this.#running.set(accountId, recall);
    return recall;
  }

  async #recall(accountId: number): Promise<Recalled> {
    const end = performance.now() + RECALL_WAIT_MS;
    let leases = await this.#leasesOf(accountId);
    if (leases.open === 0) return 'nothing-leased';
    if (leases.inUse > 0) await this.#tellAll(accountId);
    for (;;) {
      leases = await this.#leasesOf(accountId);
      if (leases.inUse === 0) return 'returned';
      if (performance.now() > end) return 'late';
      await delay(POLL_MS);
    }
  }

  async #leasesOf(accountId: number): Promise<{ open: number; inUse: number }> {
    const [row] = await select(this.#sequelize, standing.read, STANDING, [accountId]);
    return { open: row?.open ?? 0, inUse: row?.inUse ?? 0 };
  }
}
