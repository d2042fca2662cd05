/** Money reserved for a running call or job. Open until captured (in part or whole) or released. */
import { insertRows, literals, updateRows, utcDateTime } from '../../../infra/mysql/literal.ts';
import { column, orNull, rowOf } from '../../../infra/mysql/rows.ts';
import type { LedgerTable } from '../commit-queue/table.ts';

export interface Hold {
  readonly id: string;
  readonly accountId: number;
  readonly accessKeyId: number | null;
  readonly owner: HoldOwner;
  /** Ids of the candidates' price versions, comma-separated. */
  readonly prices: string;
  /** First day of the budget period that it was taken from, or null. */
  readonly budgetPeriod: string | null;
  /** What that budget allows in a period, or null without one. */
  readonly budgetLimit: bigint | null;
  readonly amount: bigint;
  readonly captured: bigint;
  readonly released: bigint;
  readonly state: HoldState;
  readonly expiresAtMs: number;
  readonly createdAtMs: number;
  readonly closedAtMs: number | null;
}

const OWNERS = ['call', 'job'] as const;
export type HoldOwner = (typeof OWNERS)[number];
const STATES = ['open', 'captured', 'released'] as const;
export type HoldState = (typeof STATES)[number];

const storedHold = rowOf({
  id: column.text,
  accountId: column.integer,
  accessKeyId: orNull(column.integer),
  owner: column.oneOf(OWNERS),
  prices: column.text,
  budgetPeriod: orNull(column.day),
  budgetLimit: orNull(column.bigint),
  amount: column.bigint,
  captured: column.bigint,
  released: column.bigint,
  state: column.oneOf(STATES),
  expiresAtMs: column.ms,
  createdAtMs: column.ms,
  closedAtMs: orNull(column.ms),
});

export const holds: LedgerTable<Hold> = {
  name: 'holds',
  lock: (ids) => `SELECT ${storedHold.columns} FROM holds WHERE id IN (${literals(ids)}) ORDER BY id FOR UPDATE`,
  parse: (record) => {
    const hold = storedHold.read(record);
    return [hold.id, hold];
  },
  insert: (rows, writer) =>
    insertRows(
      'holds',
      [...storedHold.names, 'slot', 'epoch'],
      rows.map((row) => [
        row.id,
        row.accountId,
        row.accessKeyId,
        row.owner,
        row.prices,
        row.budgetPeriod,
        row.budgetLimit,
        row.amount,
        row.captured,
        row.released,
        row.state,
        utcDateTime(row.expiresAtMs),
        utcDateTime(row.createdAtMs),
        row.closedAtMs === null ? null : utcDateTime(row.closedAtMs),
        writer.slot,
        writer.epoch,
      ]),
    ),
  update: (rows) =>
    updateRows(
      'holds',
      'id',
      ['captured', 'released', 'state', 'closed_at'],
      rows.map((row) => [
        row.id,
        row.captured,
        row.released,
        row.state,
        row.closedAtMs === null ? null : utcDateTime(row.closedAtMs),
      ]),
    ),
};
