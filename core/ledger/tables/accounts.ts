/**
 * Balances of accounts, and what access keys with a budget have spent. `available` is free to spend; what is held is the
 * sum of open holds.
 */
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

/** The account after `amount` (not negative) came in: it pays the debt first, and only the rest becomes available. */
export function payIn(account: Account, amount: bigint): Account {
  const paid = amount < account.debt ? amount : account.debt;
  return { ...account, debt: account.debt - paid, available: account.available + amount - paid };
}

/** Spent and held money of access keys with a budget, for the current period. */
export const keyBudgets = ledgerTable({
  name: 'key_budgets',
  key: ['accessKeyId'],
  fixed: { accessKeyId: column.integer },
  changing: {
    /** First day of the period, yyyy-MM-dd. */
    periodStart: column.day,
    used: column.bigint,
  },
});
export type KeyBudget = RowIn<typeof keyBudgets>;
