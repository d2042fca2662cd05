/** A chat job as it must never become: it waits first, which no history of a real one does. */
import { sleep } from '@temporalio/workflow';
import { jobRun } from '../../workflows/activity-proxies.ts';
import type { JobInput, JobOutcome } from '../../workflows/contracts.ts';

export async function chatJob(input: JobInput): Promise<JobOutcome> {
  await sleep(1_000);
  return jobRun(input.deadlineMs).runJob(input);
}
