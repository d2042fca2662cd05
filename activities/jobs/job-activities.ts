/** Jobs as Temporal runs them: a thin adapter over JobRunner. No text of users, key or result passes through here. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { Logger } from '../../infra/logger.ts';
import type { JobInput, JobOutcome } from '../../workflows/contracts.ts';
import { type RunContext, RunInterrupted, RunMustWait } from './job-handler.ts';
import { waitMs } from './job-limits.ts';
import type { JobRunner } from './job-run.ts';

export interface JobActivities {
  /** Runs a job to its end; Temporal repeats it after every interruption. */
  runJob(input: JobInput): Promise<JobOutcome>;
  /** Ends a job whose runs could not end it. */
  closeJob(input: JobInput, status: 'FAILED' | 'CANCELLED'): Promise<JobOutcome>;
}

/**
 * A heartbeat shows Temporal that the worker is alive and what the run does, and returns a cancel. The first one also
 * waits this long: for a shorter job it would cost as much as starting the workflow.
 */
const HEARTBEAT_MS = 1_000;

/**
 * @param stopped aborts when the worker's grace period is over. Temporal signals that to a run only once, and not to
 * one that was cancelled before.
 */
export function createJobActivities(runner: JobRunner, log: Logger, stopped: AbortSignal): JobActivities {
  return {
    runJob: (input) => asActivity(input, log, stopped, (context) => runner.run(input, context)),
    closeJob: (input, status) =>
      asActivity(input, log, stopped, (context) => {
        const isCancelled = () => status === 'CANCELLED';
        const signal = isCancelled() ? AbortSignal.abort() : context.signal;
        return runner.conclude(input, status, { ...context, signal, isCancelled });
      }),
  };
}

/** Sends heartbeats while the work runs, and turns its errors into those that Temporal may see. */
async function asActivity(
  input: JobInput,
  log: Logger,
  workerStopped: AbortSignal,
  work: (context: RunContext) => Promise<JobOutcome>,
): Promise<JobOutcome> {
  const activity = Context.current();
  const { attempt } = activity.info;
  const jobLog = log.child({ traceId: input.traceId, jobId: input.jobId, attempt });
  const isCancelled = () => activity.cancellationDetails?.cancelRequested === true;
  const stopped = new AbortController();
  activity.cancellationSignal.addEventListener('abort', () => {
    if (!isCancelled()) stopped.abort();
  });
  let detail = 'begins';
  const beat = setInterval(() => activity.heartbeat(detail), HEARTBEAT_MS);
  try {
    return await work({
      signal: AbortSignal.any([activity.cancellationSignal, workerStopped]),
      stopped: AbortSignal.any([stopped.signal, workerStopped]),
      again: attempt > 1,
      isCancelled,
      heartbeat: (text) => {
        detail = text;
      },
      log: () => jobLog,
      requestId: input.jobId,
    });
  } catch (error) {
    if (error instanceof RunMustWait) throw notYet(attempt);
    jobLog.warn({ err: error }, 'job run did not reach an end');
    throw retryable(error, input);
  } finally {
    clearInterval(beat);
  }
}

/**
 * Frees the slot, so that a waiting job does not block others. Temporal keeps the timer, which adds nothing to the
 * history.
 */
function notYet(tries: number): ApplicationFailure {
  const nextRetryDelay = waitMs(tries, Math.random());
  return ApplicationFailure.create({
    type: 'WAITING',
    message: `as many jobs of its user or provider run as may (JOBS_PER_USER, JOBS_PER_PROVIDER), or their files fill the memory; tried again in ${nextRetryDelay} ms`,
    nextRetryDelay,
    category: ApplicationFailureCategory.BENIGN,
  });
}

/** Messages in a history are fixed texts, because a provider's message can repeat the prompt. */
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
