/** CPU time and memory of processes and of the whole machine, as Linux counts them: CPU in ticks of 10 ms. */
import { readdirSync, readFileSync } from 'node:fs';

const MS_PER_TICK = 10;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** User and system time since its start, in milliseconds, all its threads together. */
  readonly cpuMs: number;
}

function statOf(pid: number): ProcessStat | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field is the program's name in brackets, and may itself contain blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK };
}

/** A process and all that it has started, directly or not. @throws when it does not run. */
function familyOf(pid: number | undefined): ProcessStat[] {
  const first = pid === undefined ? undefined : statOf(pid);
  if (!first) throw new Error('the process to measure does not run');
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []));
  const family = [first];
  for (const member of family) family.push(...all.filter(({ parent }) => parent === member.pid));
  return family;
}

function cpuMsOf(pid: number | undefined): number {
  return familyOf(pid).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** Of a process and all that it has started; pages that several share count once. */
export function memoryMbOf(pid: number | undefined): number {
  const kilobytes = familyOf(pid).map((member) => {
    const rollup = readFileSync(`/proc/${member.pid}/smaps_rollup`, 'latin1');
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]);
  });
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024;
}

/** A process and all that it has started. */
export function pidsOf(pid: number | undefined): number[] {
  return familyOf(pid).map((member) => member.pid);
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
  /** Milliseconds of CPU by process, with those that it has started. */
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
