/** Every timeout and retry policy of the product's activities, once. */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { BatchActivities } from '../activities/batches/batch-activities.ts';
import type { JobActivities } from '../activities/jobs/job-activities.ts';
import type { MaintenanceActivities } from '../activities/maintenance/maintenance-activities.ts';
import type { OrderActivities } from '../activities/orders/order-activities.ts';
import type { WebhookActivities } from '../activities/webhooks/webhook-activities.ts';

/** A lost worker is noticed after this silence. */
const HEARTBEAT_TIMEOUT = '10s';

/**
 * The job itself: one activity that is safe to run again at any point. It has no maximum of attempts: provider calls
 * are counted in the job's row. `startToCloseTimeout` only bounds one run.
 */
export function jobRun(deadlineMs: number) {
  return proxyActivities<Pick<JobActivities, 'runJob'>>({
    summary: 'begins, calls the provider, stores and charges',
    startToCloseTimeout: deadlineMs,
    heartbeatTimeout: HEARTBEAT_TIMEOUT,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' },
  });
}

/**
 * Closes a job that its run could not end, after waiting for a task that its provider has. Retried until the database
 * takes it.
 */
export const { closeJob } = proxyActivities<Pick<JobActivities, 'closeJob'>>({
  summary: 'ends the job; a task that its provider has is waited for and charged',
  startToCloseTimeout: '10m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

const BATCH_STEP = {
  startToCloseTimeout: '30m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
} as const;

/** Steps of a batch, each safe to run again; the row decides when the batch is over. */
export const { beginBatch, endBatch } = proxyActivities<BatchActivities>(BATCH_STEP);

/** As long as the batch: its calls have their own deadlines, and a dead worker is noticed by its silence. */
export const { runBatchLines } = proxyActivities<BatchActivities>({ ...BATCH_STEP, startToCloseTimeout: '24h' });

export const { expireOrder } = proxyActivities<Pick<OrderActivities, 'expireOrder'>>({
  summary: 'cancels the order if its time is over',
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** One try per run; the activity says when the next one is due. The policy is for lost workers. */
export const { deliverWebhook } = proxyActivities<Pick<WebhookActivities, 'deliverWebhook'>>({
  summary: 'sends the message to its receiver',
  startToCloseTimeout: '1m',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '5m' },
});

/** Maintenance: reads and deletes much, and may be repeated. */
export const { checkLedger, removeExpired } = proxyActivities<MaintenanceActivities>({
  startToCloseTimeout: '1h',
  retry: { initialInterval: '1m', backoffCoefficient: 2, maximumInterval: '15m', maximumAttempts: 10 },
});
