/** The worker of the maintenance queue: scheduled maintenance, one at a time. */
import { Worker } from '@temporalio/worker';
import type { MaintenanceActivities } from '../activities/maintenance/maintenance-activities.ts';
import { TASK_QUEUES } from '../workflows/contracts.ts';
import { commonOptions, type WorkerOptions } from './worker-options.ts';

export function createMaintenanceWorker(options: WorkerOptions, activities: MaintenanceActivities): Promise<Worker> {
  return Worker.create({
    ...commonOptions(options),
    taskQueue: TASK_QUEUES.maintenance,
    activities: { ...activities },
    maxConcurrentActivityTaskExecutions: 1,
  });
}
