/** What an administrator sees first: the jobs that are live, and the money of all accounts. Reads only. */
import type { Sequelize } from 'sequelize';
import { KINDS } from '../core/ledger/tables/transfers.ts';
import { column, type ReadRow, rowOf } from '../infra/mysql/rows.ts';
import { select } from '../infra/mysql/statements.ts';
import { inSnapshot } from '../infra/mysql/transaction.ts';

const live = rowOf({ pending: column.integer, processing: column.integer });
const balances = rowOf({ available: column.bigint, held: column.bigint, debt: column.bigint });
const movement = rowOf({
  day: column.day,
  kind: column.oneOf(KINDS),
  transfers: column.integer,
  amount: column.bigint,
});
/** All transfers of a kind on a local day; `amount` in nano-units, signed as the accounts see it. */
type Movement = ReadRow<typeof movement>;

export interface AdminOverview {
  readonly jobs: ReadRow<typeof live>;
  /** Of all accounts at this moment, in nano-units. */
  readonly balances: ReadRow<typeof balances>;
  readonly movements: readonly Movement[];
}

export type ReadAdminOverview = (from: Date, until: Date) => Promise<AdminOverview>;

/** What it reads belongs together: one moment. Transfers of the time are found by the index of each account. */
export function createAdminOverview(sequelize: Sequelize): ReadAdminOverview {
  return (from, until) =>
    inSnapshot(sequelize, async (snapshot) => {
      const [jobs = { pending: 0, processing: 0 }] = await select(
        sequelize,
        live.read,
        `SELECT (SELECT COUNT(*) FROM jobs WHERE status='PENDING') AS pending,
                (SELECT COUNT(*) FROM jobs WHERE status='PROCESSING') AS processing`,
        {},
        snapshot,
      );
      const [sums = { available: 0n, held: 0n, debt: 0n }] = await select(
        sequelize,
        balances.read,
        `SELECT COALESCE(SUM(available),0) AS available, COALESCE(SUM(debt),0) AS debt,
                (SELECT COALESCE(SUM(amount),0) FROM holds WHERE state='open') AS held FROM accounts`,
        {},
        snapshot,
      );
      const movements = await select(
        sequelize,
        movement.read,
        `SELECT t.day, t.kind, COUNT(*) AS transfers, SUM(t.amount) AS amount FROM accounts a
           STRAIGHT_JOIN transfers t FORCE INDEX (ix_transfers_account_time) ON t.account_id=a.id
          WHERE t.created_at>= :from AND t.created_at< :until GROUP BY t.day, t.kind ORDER BY t.day, t.kind`,
        { from, until },
        snapshot,
      );
      return { jobs, balances: sums, movements };
    });
}
