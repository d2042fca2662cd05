import type { JobInput, JobOutcome } from './contracts.ts';
import { carryOut } from './job.ts';

/** One asynchronous chat; its id is the job's. */
export function chatJob(input: JobInput): Promise<JobOutcome> {
  return carryOut(input);
}
