/** What `peers` measured, as tables for people: each system beside the bare Koa of the same rounds. */
import { markdownTable, median, spread } from './figures.ts';
import type { System } from './system.ts';

export const BODY_CALLERS = 16;
export const KILLED_CALLERS = 16;
const GOOD_P99_MS = 20;

/** What every measurement of one system has. */
export interface Cost {
  readonly perSecond: number;
  /** Milliseconds of CPU of all its processes and of its database, for a call or a stream. */
  readonly cpuMs: number;
  readonly databaseCpuMs: number;
  readonly memoryMb: number;
  readonly failures: number;
  /** Cores that others on the machine kept busy, roughly. */
  readonly foreignCores: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One measurement: which part, which point of it, which system. */
export interface Measurement extends Cost {
  readonly part: Part;
  readonly point: number;
  readonly system: System;
}

export type Part = 'calls' | 'bodies' | 'streams';

export function report(
  measurements: readonly Measurement[],
  kills: readonly string[][],
  systems: readonly System[],
): string {
  const parts = new Set(measurements.map(({ part }) => part));
  return [
    ...(parts.has('calls')
      ? [
          tableOf('calls', 'callers', measurements, systems),
          `Most calls a second at p99 under ${GOOD_P99_MS} ms, of these numbers of callers:`,
          bestTable(measurements, systems),
        ]
      : []),
    ...(parts.has('bodies')
      ? [`Bodies, ${BODY_CALLERS} callers:`, tableOf('bodies', 'KB', measurements, systems)]
      : []),
    ...(parts.has('streams')
      ? ['Streams; latency is that of the first token:', tableOf('streams', 'open', measurements, systems)]
      : []),
    ...(kills.length > 0
      ? [
          `kill -9 of all processes under ${KILLED_CALLERS} callers:`,
          markdownTable(['system', 'answered', 'charged or logged', 'lost'], kills),
        ]
      : []),
  ].join('\n\n');
}

function tableOf(part: Part, unit: string, measurements: readonly Measurement[], systems: readonly System[]): string {
  const own = measurements.filter((one) => one.part === part);
  const rows = [...new Set(own.map(({ point }) => point))].flatMap((point) => {
    const of = (system: System | undefined) => own.filter((one) => one.point === point && one.system === system);
    const bare = of(systems[0]);
    return systems.map((system) => rowOf(String(point), of(system), bare));
  });
  const head = [
    unit,
    'system',
    'a second',
    'of bare Koa',
    'CPU ms each',
    'of bare Koa',
    'of it database',
    'rest of bare Koa',
  ];
  return markdownTable([...head, 'p50 / p99 ms', 'memory MB', 'failed', 'cores busy otherwise'], rows);
}

/** @param bare of the same rounds. */
function rowOf(point: string, own: readonly Measurement[], bare: readonly Measurement[]): string[] {
  const middle = (value: (one: Measurement) => number, digits: number) => median(own.map(value)).toFixed(digits);
  const ratio = (value: (one: Measurement) => number) =>
    spread(
      own.map((one, round) => value(one) / value(bare[round] ?? one)),
      2,
    );
  return [
    point,
    own[0]?.system.name ?? '',
    middle((one) => one.perSecond, 0),
    ratio((one) => one.perSecond),
    middle((one) => one.cpuMs, 3),
    ratio((one) => one.cpuMs),
    middle((one) => one.databaseCpuMs, 3),
    ratio((one) => one.cpuMs - one.databaseCpuMs),
    `${middle((one) => one.p50Ms, 1)} / ${middle((one) => one.p99Ms, 1)}`,
    middle((one) => one.memoryMb, 0),
    String(own.reduce((sum, { failures }) => sum + failures, 0)),
    middle((one) => one.foreignCores, 2),
  ];
}

function bestTable(measurements: readonly Measurement[], systems: readonly System[]): string {
  const rows = systems.map((system) => {
    const own = measurements.filter((one) => one.part === 'calls' && one.system === system);
    const points = [...new Set(own.map(({ point }) => point))].flatMap((point) => {
      const rounds = own.filter((one) => one.point === point);
      // One in which nothing was answered has no latency.
      if (rounds.some(({ perSecond }) => perSecond === 0)) return [];
      if (median(rounds.map(({ p99Ms }) => p99Ms)) >= GOOD_P99_MS) return [];
      return [{ point, perSecond: median(rounds.map(({ perSecond }) => perSecond)) }];
    });
    const [best] = points.sort((a, b) => b.perSecond - a.perSecond);
    return [system.name, best ? best.perSecond.toFixed(0) : 'none', best ? String(best.point) : '–'];
  });
  return markdownTable(['system', 'a second', 'callers'], rows);
}
