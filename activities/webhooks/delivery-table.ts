/** New deliveries, written in the transaction that ends their job. */

import type { LedgerSink } from '../../core/ledger/commit-queue/table.ts';
import type { Rows } from '../../core/ledger/commit-queue/unit-of-work.ts';
import { workflowOutbox } from '../../core/outbox/outbox.ts';
import { insertRows, utcDateTime } from '../../infra/mysql/literal.ts';
import { fitTitle, TASK_QUEUES, type WorkflowStart, webhookWorkflowId } from '../../workflows/contracts.ts';

/** An ended job whose owner wants a webhook. */
export interface Announcement {
  readonly jobId: string;
  readonly userId: number;
  readonly url: string;
}

const newDeliveries: LedgerSink<Announcement & { readonly atMs: number }> = {
  name: 'webhook_deliveries',
  write: (items) =>
    insertRows(
      'webhook_deliveries',
      ['id', 'user_id', 'job_id', 'url', 'status', 'created_at', 'updated_at'],
      items.map(({ jobId, userId, url, atMs }) => {
        const at = utcDateTime(atMs);
        // A job ends once, so its id serves as the message's: it is known before the transaction and cannot be doubled.
        return [jobId, userId, jobId, url, 'PENDING', at, at];
      }),
    ),
};

/** Adds the delivery and the start of its workflow to the transaction. Pure. */
export function announceEnd(rows: Rows, announcement: Announcement, span: { readonly traceparent?: string }): void {
  rows.append(newDeliveries, { ...announcement, atMs: rows.nowMs });
  const start = { ...deliveryStart(announcement.jobId, announcement.userId, 0), ...span };
  rows.append(workflowOutbox, { start, atMs: rows.nowMs, forRelay: true });
}

/** The workflow that carries one round of a delivery. The address is text of a user and stays in the row. */
export function deliveryStart(deliveryId: string, userId: number, round: number): WorkflowStart {
  const again = round === 0 ? '' : ` · redelivery ${round}`;
  return {
    workflow: 'webhookDelivery',
    workflowId: webhookWorkflowId(userId, deliveryId, round),
    taskQueue: TASK_QUEUES.webhooks,
    input: { deliveryId, round },
    title: fitTitle(`webhook · job ${deliveryId} · user ${userId}${again}`),
    searchAttributes: { UserId: userId },
    fairnessKey: `user-${userId}`,
  };
}
