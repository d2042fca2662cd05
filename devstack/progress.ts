/** Shows what several tasks side by side are at: redrawn in a terminal, line by line in a log. */
import { Listr } from 'listr2';

export type Progress = 'shown' | 'silent';

export interface Reporter {
  /** Something the user should read. */
  readonly report: (text: string) => void;
  /** How far it is; said only from time to time where every word is a line of its own. */
  readonly tick: (text: string) => void;
}

export interface Task {
  readonly title: string;
  /** Answers the title to show once it is done. */
  run(reporter: Reporter): Promise<string>;
}

const TICK_MS_IN_TERMINAL = 200;
const TICK_MS_IN_LOG = 15_000;

function reporter(show: (text: string) => void): Reporter {
  const everyMs = process.stdout.isTTY ? TICK_MS_IN_TERMINAL : TICK_MS_IN_LOG;
  let last = 0;
  return {
    report: show,
    tick: (text) => {
      if (Date.now() - last < everyMs) return;
      last = Date.now();
      show(text);
    },
  };
}

/** A line that stands by itself. */
export function announce(progress: Progress, text: string): void {
  if (progress === 'shown') console.log(text);
}

/** Runs all tasks at once and waits for all of them, also when one has failed; then throws the first error. */
export async function runSideBySide(tasks: readonly Task[], progress: Progress): Promise<void> {
  const errors: unknown[] = [];
  const list = new Listr(
    tasks.map((item) => ({
      title: item.title,
      task: async (_context, task) => {
        const show = (text: string) => {
          // In a log, lines of several tasks stand among each other.
          task.output = process.stdout.isTTY ? text : `${item.title}: ${text}`;
        };
        try {
          task.title = await item.run(reporter(show));
        } catch (error) {
          errors.push(error);
          // The code that catches the first error reports it in full, once.
          throw new Error(`${item.title}: ${errors.length === 1 ? 'failed' : 'stopped'}`);
        }
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: progress === 'silent' ? 'silent' : 'default',
      fallbackRenderer: 'simple',
      rendererOptions: { collapseErrors: true },
    },
  );
  await list.run();
  if (errors.length > 0) throw errors[0];
}
