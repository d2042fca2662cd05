/** A gateway that the bench `peers` measures, and what it is started with. */
import type { SideProcess, SideProcessOptions } from './side-process.ts';
import type { Headers } from './wrk.ts';

/** How a model of the upstream is asked for. */
export interface Target {
  readonly url: string;
  readonly model: string;
  /** Of each customer. */
  readonly headers: readonly Headers[];
}

export interface System {
  readonly name: string;
  readonly target: (model: string) => Target;
  readonly process: { readonly pid: number | undefined };
  /** Its accounts are in the database's process, whose CPU counts as its own. */
  readonly usesDatabase: boolean;
  /** A call that fails ends the bench; those of others are shown. */
  readonly isOurs: boolean;
  /** How many calls it has charged or logged so far; unset: it keeps nothing. */
  readonly kept?: () => Promise<number>;
}

export type Start = (name: string, side: Omit<SideProcessOptions, 'name' | 'dataFolder'>) => Promise<SideProcess>;

export interface Ground {
  readonly upstream: string;
  readonly start: Start;
  /** An empty folder for a program's files. */
  readonly folder: (name: string) => string;
}
