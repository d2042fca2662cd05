/** Repeats the background jobs for as long as the worker runs, and shows in /metrics which of them fail. */
import { setTimeout as pause } from 'node:timers/promises';
import { Gauge, type Registry } from 'prom-client';
import type { BackgroundJob } from '../activities/background-jobs.ts';
import type { Logger } from '../infra/logger.ts';

/** Called after each round. */
export type OnRound = (name: string, succeeded: boolean) => void;

export function backgroundJobMetrics(registry: Registry): OnRound {
  const failing = new Gauge({
    name: 'upkeep_failing',
    help: 'Whether the last round of a background job failed in this process',
    // Alert rules group by this label.
    labelNames: ['chore'],
    registers: [registry],
  });
  return (name, succeeded) => failing.set({ chore: name }, succeeded ? 0 : 1);
}

/** Starts the jobs. @returns a function that stops them and waits for the rounds that are running. */
export function startBackgroundJobs(
  jobs: readonly BackgroundJob[],
  log: Logger,
  onRound: OnRound = () => undefined,
): () => Promise<void> {
  const stopped = new AbortController();
  const loops = jobs.map((job) => repeat(job, log, onRound, stopped.signal));
  return async () => {
    stopped.abort();
    await Promise.all(loops);
  };
}

async function repeat(job: BackgroundJob, log: Logger, onRound: OnRound, stopped: AbortSignal): Promise<void> {
  let failing = false;
  while (!stopped.aborted) {
    let more = false;
    try {
      more = await job.round();
      if (failing) log.info({ backgroundJob: job.name }, 'background job works again');
      failing = false;
    } catch (err) {
      if (!failing) log.warn({ err, backgroundJob: job.name }, 'background job failed; it will be tried again');
      failing = true;
    }
    onRound(job.name, !failing);
    if (!more) await pause(job.everyMs, undefined, { signal: stopped }).catch(() => undefined);
  }
}
