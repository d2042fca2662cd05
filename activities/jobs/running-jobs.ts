/**
 * How many jobs of a user or of a provider run, as the money lane sees it: counted, never kept, so that no crash leaves
 * a count behind. The counts are exact because a row of their own is locked first: the user's account, the provider.
 */
import { literals } from '../../infra/mysql/literal.ts';
import { numberOf } from '../billing/lane/record.ts';
import type { LaneTable } from '../billing/lane/table.ts';

/** What a transaction has put into a count is for its own later operations only. */
const NOTHING = () => 'DO 0';

function countTable(name: string, column: string): LaneTable<number> {
  return {
    name,
    // Reads without a lock; its statement begins after the locks before it were given, so it sees who held them last.
    lock: (ids) =>
      `SELECT ${column} AS id,COUNT(*) AS running FROM jobs WHERE status='PROCESSING' AND ${column} IN (${literals(ids.map(Number))}) GROUP BY ${column}`,
    parse: (record) => [String(numberOf(record, 'id')), numberOf(record, 'running')],
    insert: NOTHING,
    update: NOTHING,
  };
}

export const runningOfUser = countTable('running jobs of users', 'user_id');
export const runningOfProvider = countTable('running jobs of providers', 'provider_id');

/** Admits one transaction at a time to a provider's count. */
export const providerGate: LaneTable<number> = {
  name: 'providers',
  lock: (ids) => `SELECT id FROM providers WHERE id IN (${literals(ids.map(Number))}) ORDER BY id FOR UPDATE`,
  parse: (record) => [String(numberOf(record, 'id')), numberOf(record, 'id')],
};
