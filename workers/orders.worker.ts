/** The worker of the orders queue: small timers, apart from the jobs, so that many jobs never delay them. */
import { Worker } from '@temporalio/worker';
import type { OrderActivities } from '../activities/orders/order-activities.ts';
import { TASK_QUEUES } from '../workflows/contracts.ts';
import { commonOptions, type WorkerOptions } from './worker-options.ts';

const SLOTS = 20;

export function createOrdersWorker(options: WorkerOptions, activities: OrderActivities): Promise<Worker> {
  return Worker.create({
    ...commonOptions(options),
    taskQueue: TASK_QUEUES.orders,
    activities: { ...activities },
    maxConcurrentActivityTaskExecutions: SLOTS,
  });
}
