/** The worker of the webhooks queue, apart from the jobs: a slow receiver delays nobody's job. */
import { Worker } from '@temporalio/worker';
import type { WebhookActivities } from '../activities/webhooks/webhook-activities.ts';
import { TASK_QUEUES } from '../workflows/contracts.ts';
import { commonOptions, type WorkerOptions } from './worker-options.ts';

const SLOTS = 50;

export function createWebhooksWorker(options: WorkerOptions, activities: WebhookActivities): Promise<Worker> {
  return Worker.create({
    ...commonOptions(options),
    taskQueue: TASK_QUEUES.webhooks,
    activities: { ...activities },
    maxConcurrentActivityTaskExecutions: SLOTS,
  });
}
