/** Steps of a batch as Temporal runs them: a thin adapter over BatchRunner. No text of users passes through here. */
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from '../../infra/logger.ts';
import type { BatchInput } from '../../workflows/contracts.ts';
import type { BatchRunner, StepContext } from './batch-run.ts';
import { LinesWait } from './line-retry.ts';

export interface BatchActivities {
  /** @returns how many lines are to be run. */
  beginBatch(input: BatchInput): Promise<number>;
  runBatchLines(input: BatchInput, from: number, until: number): Promise<void>;
  /** @returns the batch's last status. */
  endBatch(input: BatchInput): Promise<string>;
}

const HEARTBEAT_MS = 1_000;

/** @param stopped aborts when the worker's grace period is over. */
export function createBatchActivities(runner: BatchRunner, log: Logger, stopped: AbortSignal): BatchActivities {
  const step = <Value>(input: BatchInput, work: (context: StepContext) => Promise<Value>) =>
    asStep(input, log, stopped, work);
  return {
    beginBatch: (input) => step(input, () => runner.begin(input.batchId)),
    runBatchLines: (input, from, until) =>
      step(input, (context) => runner.runLines(input.batchId, from, until, context)),
    endBatch: (input) => step(input, () => runner.end(input.batchId)),
  };
}

/** Sends heartbeats while the work runs. Messages in a history are fixed texts, because others may repeat a prompt. */
async function asStep<Value>(
  { batchId, traceId }: BatchInput,
  log: Logger,
  stopped: AbortSignal,
  work: (context: StepContext) => Promise<Value>,
): Promise<Value> {
  const activity = Context.current();
  const { attempt } = activity.info;
  const stepLog = log.child({ traceId, batchId, attempt });
  const beat = setInterval(() => activity.heartbeat(), HEARTBEAT_MS);
  try {
    return await work({ attempt, signal: AbortSignal.any([activity.cancellationSignal, stopped]), log: stepLog });
  } catch (error) {
    stepLog.warn({ err: error }, 'a step of a batch did not reach its end; it will be repeated');
    throw ApplicationFailure.create({
      type: 'INTERRUPTED',
      message: `the step will be repeated; see the worker's log for ${batchId}`,
      ...(error instanceof LinesWait ? { nextRetryDelay: error.seconds * 1_000 } : {}),
    });
  } finally {
    clearInterval(beat);
  }
}
