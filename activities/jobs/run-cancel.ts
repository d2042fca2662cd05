/**
 * A cancel as a running job learns of it: from Temporal's heartbeat, from a message of whoever cancelled, or from the
 * job's row, which is read every second while it runs. Any one of them may be away.
 */
import type { JobEvents } from './job-events.ts';
import type { RunContext } from './performer.ts';

export interface CancellableRun {
  /** Its signal aborts, and `isCancelled` is true, whoever told of the cancel. */
  readonly context: RunContext;
  /** The run has found out itself. */
  cancel(): void;
  /** The run is over. */
  stop(): void;
}

export function cancellable(jobId: string, context: RunContext, events: Pick<JobEvents, 'listen'>): CancellableRun {
  const asked = new AbortController();
  const stop = events.listen(jobId, ({ cancelRequested }) => {
    if (cancelRequested) asked.abort();
  });
  return {
    context: {
      ...context,
      signal: AbortSignal.any([context.signal, asked.signal]),
      isCancelled: () => asked.signal.aborted || context.isCancelled(),
    },
    cancel: () => asked.abort(),
    stop,
  };
}
