/** Money that comes to an account pays its debt first, wherever it comes from. Pure. */
import type { Account } from '../tables/accounts.ts';

/** The account after `amount` (not negative) came in: it pays the debt first, and only the rest becomes available. */
export function payIn(account: Account, amount: bigint): Account {
  const paid = amount < account.debt ? amount : account.debt;
  return { ...account, debt: account.debt - paid, available: account.available + amount - paid };
}
