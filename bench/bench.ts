/** What a bench is given and what it gives. */
import type { Stack } from '../devstack/stack.ts';

export interface BenchContext {
  readonly stack: Stack;
  /** Other databases to measure in the same rounds, if the bench can; only their database server runs. */
  readonly others: readonly Stack[];
  /** Times that every system is measured, one after the other in each round. */
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Few points only. */
  readonly short: boolean;
  /** The parts of a bench that has some. */
  readonly only: readonly string[];
  /** Where CPU profiles of the API process go; measuring with them on costs some percent. */
  readonly profileFolder: string | undefined;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Bench {
  /** As it is called on the command line. */
  readonly name: string;
  readonly title: string;
  /** @returns the figures as Markdown. @throws when a call failed or was not charged: such figures mean nothing. */
  run(context: BenchContext): Promise<string>;
}
