/** The workflow of every kind of job: one run carries it out, and one step closes it where the run could not. */
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
  setCurrentDetails('runs; the pending activity shows the key, the call and what it waits for');
  const outcome = await runToEnd(input);
  upsertMemo({ requestId: input.jobId, cost: outcome.cost, providerKeyId: outcome.providerKeyId });
  setCurrentDetails(sentenceOf(outcome));
  if (outcome.status === 'COMPLETED') return outcome;
  throw ApplicationFailure.create({
    type: outcome.status,
    message: `${sentenceOf(outcome)}; GET /v1/async/jobs/${input.jobId} shows it to its owner`,
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
    // The run was cancelled, timed out or refused: its row decides, in a scope that outlives a cancel.
    // A worker that dies before the cancel reaches it leaves a time-out.
    const cancelled = isCancellation(error) || CancellationScope.current().consideredCancelled;
    return CancellationScope.nonCancellable(() => closeJob(input, cancelled ? 'CANCELLED' : 'FAILED'));
  }
}

/**
 * What an operator should do about a failed job, by the code in its row. Fixed texts, without words of callers or
 * providers.
 */
const ADVICE: Readonly<Record<number, string>> = {
  400001: 'the provider refused the request; its caller must change it',
  504: 'the provider did not answer in time; look at its status and at UPSTREAM_TOTAL_TIMEOUT',
  600002: 'none of the models it was held for is online; switch one on or see why it was switched off',
  600003: 'the model cannot do what was asked; see its capabilities',
  600004: 'it was stopped or did not end before its deadline; see whether workers run and what they log',
  700001: "the provider's address was refused or not reached; see its urlBase",
  700003: 'its provider calls failed; see the circuits of the keys (GET /v1/providers/{id}/keys) and the provider',
  700004: 'the provider answered with an error of its own; see its status',
  900001: 'the database was away; it is safe to submit the job again',
};

function adviceFor(errorCode: number | null): string {
  return (errorCode === null ? undefined : ADVICE[errorCode]) ?? 'its row has the message that its owner was given';
}
