/** CPU time of processes and of the whole machine, as Linux counts it: in ticks of 10 ms. */
import { readFileSync } from 'node:fs';

const MS_PER_TICK = 10;

/** User and system time of a process since its start, in milliseconds, all its threads together. */
function cpuMsOf(pid: number | undefined): number {
  if (pid === undefined) throw new Error('the process to measure does not run');
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name in brackets, and may itself contain blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

/** Time that all cores together have worked since the machine's start, in milliseconds. */
function machineBusyMs(): number {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n', 1);
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + interrupts + softInterrupts + stolen) * MS_PER_TICK;
}

export interface CpuUse<Name extends string> {
  /** Milliseconds of CPU by process. */
  readonly byProcess: Readonly<Record<Name, number>>;
  /** Busy cores of the whole machine, including this bench. */
  readonly busyCores: number;
}

/** Starts to watch processes, named for the tables. @returns what was used since then. */
export function watchCpu<Name extends string>(watched: Readonly<Record<Name, number | undefined>>): () => CpuUse<Name> {
  const beganAt = performance.now();
  const busyBefore = machineBusyMs();
  const names = Object.keys(watched) as Name[];
  const before = names.map((name) => cpuMsOf(watched[name]));
  return () => {
    const used = names.map((name, index) => [name, cpuMsOf(watched[name]) - (before[index] ?? 0)] as const);
    return {
      byProcess: Object.fromEntries(used) as Record<Name, number>,
      busyCores: (machineBusyMs() - busyBefore) / (performance.now() - beganAt),
    };
  };
}
