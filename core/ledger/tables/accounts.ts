/** Balances. `available` is free to spend; what is held is the sum of open holds. Registration inserts the rows. */
import { literals, updateRows } from '../../../infra/mysql/literal.ts';
import { column, orNull, rowOf } from '../../../infra/mysql/rows.ts';
import type { LedgerTable } from '../commit-queue/table.ts';

export interface Account {
  readonly id: number;
  readonly available: bigint;
  readonly debt: bigint;
  /** The opening grant that is still to be credited. */
  readonly pendingGrant: bigint | null;
}

const account = rowOf({
  id: column.integer,
  available: column.bigint,
  debt: column.bigint,
  pendingGrant: orNull(column.bigint),
});

export const accounts: LedgerTable<Account> = {
  name: 'accounts',
  lock: (ids) =>
    `SELECT ${account.columns} FROM accounts WHERE id IN (${literals(ids.map(Number))}) ORDER BY id FOR UPDATE`,
  parse: (record) => {
    const row = account.read(record);
    return [String(row.id), row];
  },
  update: (rows) =>
    updateRows(
      'accounts',
      'id',
      ['available', 'debt', 'pending_grant'],
      rows.map((row) => [row.id, row.available, row.debt, row.pendingGrant]),
    ),
};
