/** The worker of the orders queue: small timers, apart from the jobs so that a flood of those never delays them. */
import { Worker } from '@temporalio/worker';
import type { OrderActivities } from '../activities/orders/order-activities.ts';
import { TASK_QUEUES } from '../workflows/contracts.ts';
import type { WorkerOptions } from './jobs.worker.ts';

const SLOTS = 20;

export function createOrdersWorker(options: WorkerOptions, activities: OrderActivities): Promise<Worker> {
  return Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: TASK_QUEUES.orders,
    workflowBundle: { codePath: options.bundlePath },
    activities: { ...activities },
    maxConcurrentActivityTaskExecutions: SLOTS,
    shutdownGraceTime: options.shutdownGraceMs,
  });
}
