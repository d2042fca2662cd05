import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../infra/logger.ts';
import type { JobEvent } from './job-events.ts';
import { cancellable } from './job-handler.ts';

/** A run, and what sends it events of its job. */
function runningJob() {
  let send = (_event: JobEvent): void => undefined;
  const context = {
    signal: new AbortController().signal,
    stopped: new AbortController().signal,
    isCancelled: () => false,
    again: false,
    heartbeat: () => undefined,
    log: () => createLogger('silent'),
    requestId: 'job-1',
  };
  const listen = (_jobId: string, listener: (event: JobEvent) => void) => {
    send = listener;
    return () => undefined;
  };
  const run = cancellable('job-1', context, { listen });
  return {
    run,
    send: (event: Omit<JobEvent, 'jobId' | 'progress'>) => send({ jobId: 'job-1', progress: 0, ...event }),
  };
}

test('a run stops for a cancel, and for an end that somebody else made of its job', () => {
  for (const event of [
    { status: 'PROCESSING', cancelRequested: true },
    { status: 'FAILED' },
    { status: 'CANCELLED' },
    { status: 'COMPLETED' },
  ] as const) {
    const { run, send } = runningJob();
    send({ status: 'PENDING' });
    send({ status: 'PROCESSING', cancelRequested: false });
    assert.deepEqual([run.context.signal.aborted, run.context.isCancelled()], [false, false]);
    send(event);
    assert.deepEqual([run.context.signal.aborted, run.context.isCancelled()], [true, true], JSON.stringify(event));
    // What a cancelled job has called for is waited for; for an ended one it is for nobody.
    assert.equal(run.context.stopped.aborted, event.status !== 'PROCESSING', JSON.stringify(event));
  }
});
