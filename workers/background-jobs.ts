/** Repeats the chores for as long as the worker runs. */
import type { Chore } from '../activities/background-jobs.ts';
import type { Logger } from '../infra/logger.ts';

/** Told after each round whether it worked. */
export type OnRound = (chore: string, worked: boolean) => void;

/** Starts the chores. @returns a function that stops them and waits for the rounds under way. */
export function startUpkeep(
  chores: readonly Chore[],
  log: Logger,
  onRound: OnRound = () => undefined,
): () => Promise<void> {
  const stopped = new AbortController();
  const loops = chores.map((chore) => repeat(chore, log, onRound, stopped.signal));
  return async () => {
    stopped.abort();
    await Promise.all(loops);
  };
}

async function repeat(chore: Chore, log: Logger, onRound: OnRound, stopped: AbortSignal): Promise<void> {
  let failing = false;
  while (!stopped.aborted) {
    let more = false;
    try {
      more = await chore.round();
      if (failing) log.info({ chore: chore.name }, 'upkeep works again');
      failing = false;
    } catch (err) {
      if (!failing) log.warn({ err, chore: chore.name }, 'upkeep failed; trying on');
      failing = true;
    }
    onRound(chore.name, !failing);
    if (!more) await pause(chore.everyMs, stopped);
  }
}

function pause(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    stopped.addEventListener('abort', done, { once: true });
  });
}
