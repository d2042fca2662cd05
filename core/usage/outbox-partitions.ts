/**
 * Partitions of the usage outbox by local day. `p_rest` takes days without a partition; rows of a day whose partition was
 * dropped go to the next one. So no insert fails because a partition is missing.
 */
import type { Sequelize, Transaction } from 'sequelize';
import { column, type ReadRow, rowOf } from '../../infra/mysql/rows.ts';
import { exists, select } from '../../infra/mysql/statements.ts';

const REST = 'p_rest';
/** The commit queue waits behind a change of the table, so give up soon and try again in the next round. */
const LOCK_WAIT_SECONDS = 2;

/** `bound` is the first day after it. */
const partition = rowOf({ name: column.text, bound: column.day });
type Partition = ReadRow<typeof partition>;

export class OutboxPartitions {
  readonly #sequelize: Sequelize;

  constructor(sequelize: Sequelize) {
    this.#sequelize = sequelize;
  }

  /** One partition a day up to `lastDay`; the first also takes earlier days without one. @returns how many. */
  async createUntil(today: string, lastDay: string): Promise<number> {
    const newestBound = (await this.#partitions()).at(-1)?.bound ?? '';
    const missing = daysBetween(newestBound > today ? newestBound : today, lastDay);
    if (missing.length === 0) return 0;
    const created = missing.map((day) => `PARTITION ${nameOf(day)} VALUES LESS THAN ('${dayAfter(day)}')`);
    await this.#alone((transaction) =>
      this.#sequelize.query(
        `ALTER TABLE usage_outbox REORGANIZE PARTITION ${REST} INTO (${created.join(',')}, PARTITION ${REST} VALUES LESS THAN (MAXVALUE))`,
        { transaction },
      ),
    );
    return missing.length;
  }

  /** Drops partitions that end before `day` and whose rows have all been copied. @returns how many. */
  async dropCarried(day: string): Promise<number> {
    const old = (await this.#partitions()).filter(({ bound }) => bound <= day);
    if (old.length === 0) return 0;
    return await this.#alone(async (transaction) => {
      const carried: string[] = [];
      for (const { name } of old) if (await this.#isCarried(name, transaction)) carried.push(name);
      if (carried.length > 0) {
        await this.#sequelize.query(`ALTER TABLE usage_outbox DROP PARTITION ${carried.join(',')}`, { transaction });
      }
      return carried.length;
    });
  }

  async #isCarried(name: string, transaction: Transaction): Promise<boolean> {
    const left = await exists(
      this.#sequelize,
      `SELECT 1 FROM usage_outbox PARTITION (${name}) AS o LEFT JOIN usage_watermarks AS m ON m.slot=o.slot
        WHERE o.seq>COALESCE(m.seq,0) LIMIT 1`,
      undefined,
      transaction,
    );
    return !left;
  }

  /** Runs `work` while no other connection can read or write the outbox, so that what was checked is what is dropped. */
  async #alone<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return await this.#sequelize.transaction(async (transaction) => {
      const run = (sql: string) => this.#sequelize.query(sql, { transaction });
      await run(`SET @usage_lock_wait=@@lock_wait_timeout, lock_wait_timeout=${LOCK_WAIT_SECONDS}`);
      try {
        await run('LOCK TABLES usage_outbox WRITE, usage_outbox AS o WRITE, usage_watermarks AS m READ');
        return await work(transaction);
      } finally {
        await run('UNLOCK TABLES');
        await run('SET lock_wait_timeout=@usage_lock_wait');
      }
    });
  }

  /** All but `p_rest`, oldest first. */
  async #partitions(): Promise<Partition[]> {
    return await select(
      this.#sequelize,
      partition.read,
      `SELECT PARTITION_NAME AS name, REPLACE(PARTITION_DESCRIPTION,'''','') AS bound
         FROM information_schema.PARTITIONS
        WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='usage_outbox' AND PARTITION_NAME<>'${REST}'
        ORDER BY PARTITION_ORDINAL_POSITION`,
    );
  }
}

function nameOf(day: string): string {
  return `p${day.replaceAll('-', '')}`;
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  for (let day = first; day <= last; day = dayAfter(day)) days.push(day);
  return days;
}
