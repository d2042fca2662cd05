/**
 * How many jobs of a user or of a provider run, or wait to, as the commit queue sees it: counted, never kept, so that no
 * crash leaves a count behind. The counts are exact because a row of their own is locked first: the user's account, the provider.
 */

import type { LedgerTable } from '../../core/ledger/commit-queue/table.ts';
import { literals } from '../../infra/mysql/literal.ts';
import { column, rowOf } from '../../infra/mysql/rows.ts';
import type { JobStatus } from './job.ts';

/** What a transaction has put into a count is for its own later operations only. */
const NOTHING = () => 'DO 0';

const count = rowOf({ id: column.integer, running: column.integer });
const provider = rowOf({ id: column.integer });

function countTable(name: string, owner: string, ...statuses: JobStatus[]): LedgerTable<number> {
  return {
    name,
    // Reads without a lock; its statement begins after the locks before it were given, so it sees who held them last.
    lock: (ids) =>
      `SELECT ${owner} AS id,COUNT(*) AS running FROM jobs WHERE status IN (${literals(statuses)}) AND ${owner} IN (${literals(ids.map(Number))}) GROUP BY ${owner}`,
    parse: (record) => {
      const { id, running } = count.read(record);
      return [String(id), running];
    },
    insert: NOTHING,
    update: NOTHING,
  };
}

export const runningOfUser = countTable('running jobs of users', 'user_id', 'PROCESSING');
export const liveOfUser = countTable('live jobs of users', 'user_id', 'PENDING', 'PROCESSING');
export const runningOfProvider = countTable('running jobs of providers', 'provider_id', 'PROCESSING');

/** Admits one transaction at a time to a provider's count. */
export const providerGate: LedgerTable<number> = {
  name: 'providers',
  lock: (ids) => `SELECT id FROM providers WHERE id IN (${literals(ids.map(Number))}) ORDER BY id FOR UPDATE`,
  parse: (record) => {
    const { id } = provider.read(record);
    return [String(id), id];
  },
};
