/** Workflows that are still to be started, written in the same transaction as the row that they serve. */
import { insertRows, utcDateTime } from '../../infra/mysql/literal.ts';
import type { WorkflowStart } from '../../workflows/contracts.ts';
import type { LedgerSink } from '../ledger/commit-queue/table.ts';

/** The process that committed the row starts the workflow at once; the relay only takes what is older than this. */
const RELAY_AFTER_MS = 3_000;

export interface OutboxEntry {
  readonly start: WorkflowStart;
  readonly atMs: number;
  /** True if no process starts it at once, so the relay need not wait. */
  readonly forRelay?: boolean;
}

export const workflowOutbox: LedgerSink<OutboxEntry> = {
  name: 'workflow_outbox',
  write: insertStarts,
};

/** The INSERT of starts, for transactions outside of the commit queue. */
export function insertStarts(entries: readonly OutboxEntry[]): string {
  return insertRows(
    'workflow_outbox',
    ['workflow_id', 'workflow', 'start', 'next_try_at', 'created_at'],
    entries.map(({ start, atMs, forRelay }) => [
      start.workflowId,
      start.workflow,
      JSON.stringify(start),
      utcDateTime(forRelay ? atMs : atMs + RELAY_AFTER_MS),
      utcDateTime(atMs),
    ]),
  );
}
