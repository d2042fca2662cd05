/** Workflows still to be started, written in the same transaction as the row they serve. */
import { insertRows, utcDateTime } from '../../infra/mysql/literal.ts';
import type { WorkflowStart } from '../../workflows/contracts.ts';
import type { LaneSink } from '../billing/lane/table.ts';

/** The process that committed the row starts the workflow at once; the relay only takes what is older than this. */
const RELAY_AFTER_MS = 3_000;

export interface OutboxEntry {
  readonly start: WorkflowStart;
  readonly atMs: number;
}

export const workflowOutbox: LaneSink<OutboxEntry> = {
  name: 'workflow_outbox',
  write: (entries) =>
    insertRows(
      'workflow_outbox',
      ['workflow_id', 'workflow', 'start', 'next_try_at', 'created_at'],
      entries.map(({ start, atMs }) => [
        start.workflowId,
        start.workflow,
        JSON.stringify(start),
        utcDateTime(atMs + RELAY_AFTER_MS),
        utcDateTime(atMs),
      ]),
    ),
};
