/** Spent and held money of access keys with a budget, for the current period. */
import { column } from '../../../infra/mysql/rows.ts';
import { ledgerTable, type RowIn } from '../commit-queue/table.ts';

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
