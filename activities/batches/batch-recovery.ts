/** Repairs batches that no workflow will end: their rows are compared with Temporal, as those of jobs are. */

import type { Logger } from '../../infra/logger.ts';
import type { WorkflowState } from '../../infra/temporal/client.ts';
import type { BatchRunner } from './batch-run.ts';
import type { BatchStore, LiveBatch } from './batch-store.ts';
import { batchStart } from './batches.ts';

export interface BatchReconcilerDeps {
  readonly store: Pick<BatchStore, 'aged' | 'uncleared' | 'restart' | 'move' | 'hasCallsUnderway'>;
  readonly runner: Pick<BatchRunner, 'end'>;
  /** @throws while Temporal is away. */
  readonly workflowState: (workflowId: string) => Promise<WorkflowState>;
  readonly log: Logger;
}

const AT_ONCE = 100;
/** Within this time a committed start is made and an end is cleared up. */
const AGE_SECONDS = 60;
/** A line that was found to be allowed to run has begun its call by then. */
const LAST_CALLS_MS = 10_000;
const STOPPED = [
  {
    code: 'batch_stopped',
    message: 'the batch was stopped from outside before it had ended; lines with an answer are charged',
    ...{ line: null, param: null },
  },
];

/**
 * A live row without a workflow (Temporal's data was lost) is started again. One whose workflow has ended (terminated) is
 * cancelled: no line begins any more, and when those that run have ended, its files are written and its hold is given back.
 */
export class BatchReconciler {
  readonly #deps: BatchReconcilerDeps;
  /** Each round continues after the last one, so that a hundred long batches do not hide the next. */
  #after = '';

  constructor(deps: BatchReconcilerDeps) {
    this.#deps = deps;
  }

  /** One round; safe in several processes at once. @returns how many were changed. @throws while Temporal is away. */
  async reconcile(): Promise<number> {
    const { store, runner } = this.#deps;
    let righted = 0;
    for (const id of await store.uncleared(AGE_SECONDS, AT_ONCE)) {
      await runner.end(id);
      righted += 1;
    }
    const { batches, next } = await store.aged(AGE_SECONDS, this.#after, AT_ONCE);
    for (const batch of batches) if (await this.#check(batch)) righted += 1;
    this.#after = next;
    return righted;
  }

  async #check(batch: LiveBatch): Promise<boolean> {
    const { store, workflowState, log } = this.#deps;
    const { id: batchId, workflowId, traceId } = batch;
    const state = await workflowState(workflowId);
    if (state === 'running') return false;
    log.warn({ traceId, batchId, workflow: state }, 'a live batch has no running workflow; putting it right');
    if (state === 'none') return store.restart(batchId, batchStart(batch, workflowId));
    return this.#stop(batch);
  }

  async #stop(batch: LiveBatch): Promise<boolean> {
    const { store, runner } = this.#deps;
    const { id, status, cancellingAt } = batch;
    if (status === 'validating' || status === 'in_progress') {
      const stopped = { cancelling_at: new Date(), errors: JSON.stringify(STOPPED) };
      return store.move(id, [status], 'cancelling', stopped);
    }
    if (status === 'cancelling') {
      const lastCallsAtMs = (cancellingAt?.getTime() ?? 0) + LAST_CALLS_MS;
      if (Date.now() < lastCallsAtMs) return false;
      if (await store.hasCallsUnderway(batch, new Date(lastCallsAtMs))) return false;
    }
    await runner.end(id);
    return true;
  }
}
