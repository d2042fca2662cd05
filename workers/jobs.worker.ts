/** The worker of the jobs queue: job workflows and the one activity that carries a job out, on the same queue. */
import { Worker } from '@temporalio/worker';
import type { JobActivities } from '../activities/jobs/job-activities.ts';
import { TASK_QUEUES } from '../workflows/contracts.ts';
import { commonOptions, type WorkerOptions } from './worker-options.ts';

export function createJobsWorker(options: WorkerOptions, activities: JobActivities, slots: number): Promise<Worker> {
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
