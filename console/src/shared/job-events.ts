/** A job as it goes on: the API tells each change of its status and progress. */
import { useEffect, useState } from 'react';
import { queryClient } from '../api/client.ts';
import type { Job } from '../api/generated/schema.ts';
import { follow } from './event-source.ts';

export type JobState = Pick<Job, 'status' | 'progress'>;

export function isRunning({ status }: Pick<Job, 'status'>): boolean {
  return status === 'PENDING' || status === 'PROCESSING';
}

/** A job that waits or works says nothing for longer; when it is asked for anew its state comes at once. */
const SILENT_MS = 30_000;

/** Tells every change until the job has ended. @returns what ends it earlier. */
function followJob(jobId: string, onState: (state: JobState) => void): () => void {
  const leave = follow({
    open: () => new EventSource(`/v1/async/jobs/${encodeURIComponent(jobId)}/events`),
    listeners: {
      status: (data) => {
        const state: JobState = JSON.parse(data);
        if (!isRunning(state)) leave();
        onState(state);
      },
    },
    silentMs: SILENT_MS,
  });
  return leave;
}

/** Fulfilled when the job has ended. @throws what `signal` was aborted with. */
export function endOfJob(jobId: string, signal: AbortSignal, onState: (state: JobState) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = followJob(jobId, (state) => {
      onState(state);
      if (!isRunning(state)) resolve();
    });
    signal.addEventListener('abort', () => {
      leave();
      reject(signal.reason);
    });
  });
}

/** How far a running job is; what is on the page is asked again when it has ended. */
export function useJobState(job: Job): JobState {
  const { jobId, status, progress } = job;
  const [told, setTold] = useState<JobState & { readonly jobId: string }>();
  const running = isRunning(job);
  useEffect(() => {
    if (!running) return undefined;
    return followJob(jobId, (state) => {
      setTold({ jobId, ...state });
      if (!isRunning(state)) void queryClient.invalidateQueries();
    });
  }, [jobId, running]);
  return running && told?.jobId === jobId ? told : { status, progress };
}
