/** Spent and held money of access keys with a budget, for the running period. */
import { insertRows, literals, updateRows } from '../../../infra/mysql/literal.ts';
import { bigintOf, numberOf, textOf } from '../lane/record.ts';
import type { LaneTable } from '../lane/table.ts';

export interface KeyBudget {
  readonly accessKeyId: number;
  /** First day of the period, yyyy-MM-dd. */
  readonly periodStart: string;
  readonly used: bigint;
}

export const keyBudgets: LaneTable<KeyBudget> = {
  name: 'key_budgets',
  lock: (ids) =>
    `SELECT access_key_id,period_start,used FROM key_budgets WHERE access_key_id IN (${literals(ids.map(Number))}) ORDER BY access_key_id FOR UPDATE`,
  parse: (record) => [
    String(numberOf(record, 'access_key_id')),
    {
      accessKeyId: numberOf(record, 'access_key_id'),
      periodStart: textOf(record, 'period_start'),
      used: bigintOf(record, 'used'),
    },
  ],
  insert: (rows) =>
    insertRows(
      'key_budgets',
      ['access_key_id', 'period_start', 'used'],
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
