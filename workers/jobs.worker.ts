/** The worker of the jobs queue: jobs and batches, their workflows and steps on the same queue. */
import { Worker } from '@temporalio/worker';
import type { BatchActivities } from '../activities/batches/batch-activities.ts';
import type { JobActivities } from '../activities/jobs/job-activities.ts';
import { TASK_QUEUES } from '../workflows/contracts.ts';
import { commonOptions, type WorkerOptions } from './worker-options.ts';

export function createJobsWorker(
  options: WorkerOptions,
  activities: JobActivities & BatchActivities,
  slots: number,
): Promise<Worker> {
  return Worker.create({
    ...commonOptions(options),
    taskQueue: TASK_QUEUES.jobs,
    activities: { ...activities },
    maxConcurrentActivityTaskExecutions: slots,
    // A cancel returns with a heartbeat: with the default of 30 s it would reach the provider call too late.
    maxHeartbeatThrottleInterval: '1s',
    defaultHeartbeatThrottleInterval: '1s',
  });
}
