/** The worker of the webhooks queue, apart from the jobs: a slow receiver delays nobody's job. */
import { Worker } from '@temporalio/worker';
import type { WebhookActivities } from '../activities/webhooks/webhook-activities.ts';
import { TASK_QUEUES } from '../workflows/contracts.ts';
import type { WorkerOptions } from './jobs.worker.ts';

const SLOTS = 50;

export function createWebhooksWorker(options: WorkerOptions, activities: WebhookActivities): Promise<Worker> {
  return Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: TASK_QUEUES.webhooks,
    workflowBundle: { codePath: options.bundlePath },
    activities: { ...activities },
    maxConcurrentActivityTaskExecutions: SLOTS,
    shutdownGraceTime: options.shutdownGraceMs,
  });
}
