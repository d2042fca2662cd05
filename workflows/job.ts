/** The shape of every job: one run that does it all, and one step that puts its end right where the run could not. */
import { ApplicationFailureCategory } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  setCurrentDetails,
  upsertMemo,
} from '@temporalio/workflow';
import { closeJob, jobRun } from './activity-proxies.ts';
import type { JobInput, JobOutcome } from './contracts.ts';

/** Runs a job to its end; a job that fails or is cancelled ends as a failed workflow, so that operators can filter. */
export async function carryOut(input: JobInput): Promise<JobOutcome> {
  const outcome = await runToEnd(input);
  upsertMemo({ cost: outcome.cost, providerKeyId: outcome.providerKeyId });
  setCurrentDetails(`${outcome.status.toLowerCase()}, cost ${outcome.cost}`);
  if (outcome.status === 'COMPLETED') return outcome;
  throw ApplicationFailure.create({
    type: outcome.status,
    message: `the job ended ${outcome.status}; its row says why (GET /v1/async/jobs/${input.jobId})`,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
  });
}

async function runToEnd(input: JobInput): Promise<JobOutcome> {
  try {
    return await jobRun(input.deadlineMs).runJob(input);
  } catch (error) {
    // The run was cancelled, timed out or refused: whatever it left in the row decides, in a scope that outlives a cancel.
    const cancelled = isCancellation(error);
    return CancellationScope.nonCancellable(() => closeJob(input, cancelled ? 'CANCELLED' : 'FAILED'));
  }
}
