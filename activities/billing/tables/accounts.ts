/** Balances. `available` is free to spend; what is held stands in open holds. Rows are made at registration. */
import { literals, updateRows } from '../../../infra/mysql/literal.ts';
import { bigintOf, bigintOrNull, numberOf } from '../lane/record.ts';
import type { LaneTable } from '../lane/table.ts';

export interface Account {
  readonly id: number;
  readonly available: bigint;
  readonly debt: bigint;
  /** The opening grant that is still to be credited. */
  readonly pendingGrant: bigint | null;
}

export const accounts: LaneTable<Account> = {
  name: 'accounts',
  lock: (ids) =>
    `SELECT id,available,debt,pending_grant FROM accounts WHERE id IN (${literals(ids.map(Number))}) ORDER BY id FOR UPDATE`,
  parse: (record) => [
    String(numberOf(record, 'id')),
    {
      id: numberOf(record, 'id'),
      available: bigintOf(record, 'available'),
      debt: bigintOf(record, 'debt'),
      pendingGrant: bigintOrNull(record, 'pending_grant'),
    },
  ],
  update: (rows) =>
    updateRows(
      'accounts',
      'id',
      ['available', 'debt', 'pending_grant'],
      rows.map((row) => [row.id, row.available, row.debt, row.pendingGrant]),
    ),
};
