import type { JobInput, JobOutcome } from './contracts.ts';
import { carryOut } from './job.ts';

/** One asynchronous image generation; its id is the job's. */
export function imageJob(input: JobInput): Promise<JobOutcome> {
  return carryOut(input);
}
