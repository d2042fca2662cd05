/** Balances. `available` is free to spend; what is held is the sum of open holds. */
import { column, orNull } from '../../../infra/mysql/rows.ts';
import { type LedgerTable, ledgerTable, type RowIn } from '../commit-queue/table.ts';

const { insert: _, ...changed } = ledgerTable({
  name: 'accounts',
  key: ['id'],
  fixed: { id: column.integer },
  changing: {
    available: column.bigint,
    debt: column.bigint,
    /** The opening grant that is still to be credited. */
    pendingGrant: orNull(column.bigint),
  },
});
export type Account = RowIn<typeof changed>;

/** Registration inserts the rows. */
export const accounts: LedgerTable<Account> = changed;
