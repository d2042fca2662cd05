/**
 * A cancel, or an end that somebody else made, as a running job learns of it: from Temporal's heartbeat, from a message
 * of whoever did it, or from the job's row, which is read every second while it runs. Any one of them may be away.
 */
import { isLive } from './job.ts';
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
  const stop = events.listen(jobId, ({ cancelRequested, status }) => {
    // Somebody else may have ended the job: what the run calls for is for nobody then.
    if (cancelRequested || !isLive(status)) asked.abort();
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
