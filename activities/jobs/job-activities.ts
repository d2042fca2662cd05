/** Jobs as Temporal runs them: a thin adapter over JobRunner. No text of users, key or result passes through here. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { Logger } from '../../infra/logger.ts';
import type { JobInput, JobOutcome } from '../../workflows/contracts.ts';
import type { JobRunner } from './job-run.ts';
import { type Performers, RunInterrupted, RunMustWait } from './performer.ts';
import { waitMs } from './run-limits.ts';

export interface JobActivities {
  /** Carries a job to its end; run again by Temporal whenever it was interrupted. */
  runJob(input: JobInput): Promise<JobOutcome>;
  /** Ends a job that its runs could not end. */
  closeJob(input: JobInput, status: 'FAILED' | 'CANCELLED'): Promise<JobOutcome>;
}

/**
 * A heartbeat tells Temporal that the worker lives and what the run does, and brings a cancel back. The first one comes
 * after this time, too: it would cost a job that is over by then as much as the start of its workflow.
 */
const HEARTBEAT_MS = 1_000;

export function createJobActivities(runner: JobRunner, performers: Performers, log: Logger): JobActivities {
  return {
    async runJob(input) {
      const activity = Context.current();
      const jobLog = log.child({ traceId: input.traceId, jobId: input.jobId, attempt: activity.info.attempt });
      let detail = 'begins';
      const beat = setInterval(() => activity.heartbeat(detail), HEARTBEAT_MS);
      try {
        return await runner.run(input, performers, {
          signal: activity.cancellationSignal,
          again: activity.info.attempt > 1,
          isCancelled: () => activity.cancellationDetails?.cancelRequested === true,
          heartbeat: (text) => {
            detail = text;
          },
          log: jobLog,
          requestId: input.jobId,
        });
      } catch (error) {
        if (error instanceof RunMustWait) throw notYet(activity.info.attempt);
        jobLog.warn({ err: error }, 'job run did not reach an end');
        throw retryable(error, input);
      } finally {
        clearInterval(beat);
      }
    },
    closeJob: ({ jobId }, status) => runner.close(jobId, status),
  };
}

/**
 * The slot is given back, so that nobody else's job stands behind one that waits; Temporal keeps the timer, which adds
 * nothing to the history.
 */
function notYet(tries: number): ApplicationFailure {
  const nextRetryDelay = waitMs(tries, Math.random());
  return ApplicationFailure.create({
    type: 'WAITING',
    message: `as many jobs of its user or provider run as may (JOBS_PER_USER, JOBS_PER_PROVIDER); tried again in ${nextRetryDelay} ms`,
    nextRetryDelay,
    category: ApplicationFailureCategory.BENIGN,
  });
}

/** Messages in a history are fixed text: a provider's own can repeat the prompt. */
function retryable(error: unknown, input: JobInput): ApplicationFailure {
  const interrupted = error instanceof RunInterrupted;
  return ApplicationFailure.create({
    type: interrupted ? 'INTERRUPTED' : 'UNEXPECTED',
    message: interrupted
      ? 'the run was interrupted and will be repeated'
      : `an unexpected error; see the worker's log for job ${input.jobId}`,
    ...(interrupted ? { category: ApplicationFailureCategory.BENIGN } : {}),
  });
}
