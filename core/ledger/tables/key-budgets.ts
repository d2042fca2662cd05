/** Spent and held money of access keys with a budget, for the current period. */
import { insertRows, literals, updateRows } from '../../../infra/mysql/literal.ts';
import { column, rowOf } from '../../../infra/mysql/rows.ts';
import type { LedgerTable } from '../commit-queue/table.ts';

export interface KeyBudget {
  readonly accessKeyId: number;
  /** First day of the period, yyyy-MM-dd. */
  readonly periodStart: string;
  readonly used: bigint;
}

const keyBudget = rowOf({ accessKeyId: column.integer, periodStart: column.day, used: column.bigint });

export const keyBudgets: LedgerTable<KeyBudget> = {
  name: 'key_budgets',
  lock: (ids) =>
    `SELECT ${keyBudget.columns} FROM key_budgets WHERE access_key_id IN (${literals(ids.map(Number))}) ORDER BY access_key_id FOR UPDATE`,
  parse: (record) => {
    const row = keyBudget.read(record);
    return [String(row.accessKeyId), row];
  },
  insert: (rows) =>
    insertRows(
      'key_budgets',
      keyBudget.names,
      rows.map((row) => [row.accessKeyId, row.periodStart, row.used]),
    ),
  update: (rows) =>
    updateRows(
      'key_budgets',
      'access_key_id',
      ['period_start', 'used'],
      rows.map((row) => [row.accessKeyId, row.periodStart, row.used]),
    ),
};
