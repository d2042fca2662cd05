/**
 * A cancel, or an end that somebody else made, as a running job learns of it: from Temporal's heartbeat, from a message
 * of whoever did it, or from the job's row, which is read every second while it runs. Any one of them may be away.
 */
import { isLive } from './job.ts';
import type { JobEvents } from './job-events.ts';
import type { RunContext } from './job-handler.ts';

export interface CancellableRun {
  /** Its signal aborts, and `isCancelled` is true, whoever told of the cancel; `stopped` aborts for an end only. */
  readonly context: RunContext;
  /** The run has found out itself. */
  cancel(): void;
  /** The run is over. */
  stop(): void;
}

export function cancellable(jobId: string, context: RunContext, events: Pick<JobEvents, 'listen'>): CancellableRun {
  const asked = new AbortController();
  const ended = new AbortController();
  const stop = events.listen(jobId, ({ cancelRequested, status }) => {
    // Somebody else may have ended the job: nobody can be charged for what the run calls for then.
    if (!isLive(status)) ended.abort();
    else if (cancelRequested) asked.abort();
  });
  return {
    context: {
      ...context,
      signal: AbortSignal.any([context.signal, asked.signal, ended.signal]),
      stopped: AbortSignal.any([context.stopped, ended.signal]),
      isCancelled: () => asked.signal.aborted || ended.signal.aborted || context.isCancelled(),
    },
    cancel: () => asked.abort(),
    stop,
  };
}
