/** The workflow of every kind of job: one run that does it all, and one step that puts its end right where it could not. */
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
import { adviceFor } from './job-advice.ts';

/** Runs a job to its end; a job that fails or is cancelled ends as a failed workflow, so that operators can filter. */
export async function carryOut(input: JobInput): Promise<JobOutcome> {
  setCurrentDetails('runs; the pending activity shows the key, the call and what it waits for');
  const outcome = await runToEnd(input);
  upsertMemo({ requestId: input.jobId, cost: outcome.cost, providerKeyId: outcome.providerKeyId });
  setCurrentDetails(sentenceOf(outcome));
  if (outcome.status === 'COMPLETED') return outcome;
  throw ApplicationFailure.create({
    type: outcome.status,
    message: `${sentenceOf(outcome)}; GET /v1/async/jobs/${input.jobId} tells its owner`,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
  });
}

function sentenceOf({ status, cost, providerKeyId, errorCode = null }: JobOutcome): string {
  const key = providerKeyId === null ? '' : ` with key #${providerKeyId}`;
  if (status !== 'FAILED') return `${status.toLowerCase()}${key}, charged ${cost}`;
  return `failed${errorCode === null ? '' : ` (${errorCode})`}${key}, nothing charged: ${adviceFor(errorCode)}`;
}

async function runToEnd(input: JobInput): Promise<JobOutcome> {
  try {
    return await jobRun(input.deadlineMs).runJob(input);
  } catch (error) {
    // The run was cancelled, timed out or refused: whatever it left in the row decides, in a scope that outlives a cancel.
    // A worker that dies before the cancel reaches it leaves a time-out.
    const cancelled = isCancellation(error) || CancellationScope.current().consideredCancelled;
    return CancellationScope.nonCancellable(() => closeJob(input, cancelled ? 'CANCELLED' : 'FAILED'));
  }
}
