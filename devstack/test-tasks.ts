/** Runs the tasks of a test run side by side, each as soon as the servers that it needs are up and free for it. */
import { Interrupted } from './interruption.ts';

/** Servers as tasks see them: several use them at once, or one has them for itself. */
export class TaskServers {
  #users = 0;
  #isAlone = false;

  isFree(alone: boolean): boolean {
    return alone ? this.#users === 0 : !this.#isAlone;
  }

  take(alone: boolean): void {
    this.#users += 1;
    this.#isAlone = alone;
  }

  giveBack(): void {
    this.#users -= 1;
    this.#isAlone = false;
  }
}

export interface TestTask {
  /** The lowest begins first. */
  readonly rank: number;
  readonly servers?: TaskServers | undefined;
  /** Whether nothing else may use the servers meanwhile. */
  readonly alone?: boolean;
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Begins tasks by rank, passing over those whose servers are taken.
 * @param batches of tasks, each there when its servers are up.
 * @throws the first error of a task or of a batch; the other tasks are aborted then, and have ended.
 */
export async function runTasks(
  batches: readonly Promise<readonly TestTask[]>[],
  atOnce: number,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const waiting: TestTask[] = [];
  const underWay = new Set<Promise<void>>();
  let running = 0;
  const follow = (work: Promise<void>) => {
    const followed = work.finally(() => underWay.delete(followed));
    underWay.add(followed);
  };
  const begin = (task: TestTask) => {
    running += 1;
    task.servers?.take(task.alone ?? false);
    const end = () => {
      running -= 1;
      task.servers?.giveBack();
    };
    follow(task.run(either).finally(end));
  };
  const join = (tasks: readonly TestTask[]) => {
    waiting.push(...tasks);
    waiting.sort((a, b) => a.rank - b.rank);
  };
  for (const batch of batches) follow(batch.then(join));
  try {
    for (;;) {
      const index = running < atOnce ? waiting.findIndex(canBegin) : -1;
      const [task] = index < 0 ? [] : waiting.splice(index, 1);
      if (task) begin(task);
      else if (underWay.size > 0) await Promise.race(underWay);
      else return;
    }
  } catch (error) {
    failed.abort(new Interrupted('another task could not run'));
    await Promise.allSettled(underWay);
    throw error;
  }
}

function canBegin({ servers, alone = false }: TestTask): boolean {
  return servers?.isFree(alone) ?? true;
}
