/**
 * Everything side by side: a bare Koa, this gateway and other gateways, with the same load and the same upstream. Calls
 * by numbers of callers and by size, streams, and what is lost by a kill.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchContext } from './bench.ts';
import { memoryMbOf, pidsOf, watchCpu } from './cpu.ts';
import { BODY_CALLERS, type Cost, KILLED_CALLERS, type Measurement, type Part, report } from './peers-report.ts';
import { type BenchProduct, chatBody, MODEL, PACED_MODEL, startBenchProduct } from './product.ts';
import { goProgram, wrkProgram } from './programs.ts';
import { runFaultyStreams } from './stream-load.ts';
import type { System } from './system.ts';
import { startSystems } from './systems.ts';
import { runFaultyLoad } from './wrk.ts';

const POINTS = { callers: [1, 4, 16, 64, 256], bodyKilobytes: [1, 100, 1_000], openStreams: [100, 500] };
const SHORT_POINTS: typeof POINTS = { callers: [1, 16], bodyKilobytes: [100], openStreams: [100] };
const WARM_UP_SECONDS = 4;
const WARM_UP_STREAMS = 100;
const QUIET_WITHIN_MS = 30_000;

interface Field {
  readonly product: BenchProduct;
  readonly systems: readonly System[];
  /** Runs a load. @returns how much was done, in seconds. */
  readonly calls: (system: System, how: { callers: number; seconds: number; kilobytes?: number }) => Promise<Done>;
  readonly streams: (system: System, open: number, seconds: number) => Promise<Done>;
}

interface Done {
  readonly count: number;
  readonly failures: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

async function loadsOf(context: BenchContext): Promise<Pick<Field, 'calls' | 'streams'>> {
  const { stack, signal } = context;
  const wrk = await wrkProgram(context);
  const program = await goProgram('streams', context);
  const folder = join(stack.dataFolder, 'load');
  return {
    calls: async (system, { callers, seconds, kilobytes = 0 }) => {
      const { url, model, headers } = system.target(MODEL);
      const body = bodyOf(model, kilobytes);
      const result = await runFaultyLoad({ wrk, url, callers, seconds, body, headers, folder, signal });
      const { requests, refused, failures, ...times } = result;
      return { count: requests - refused, failures, ...times };
    },
    streams: async (system, open, seconds) => {
      const { url, model, headers } = system.target(PACED_MODEL);
      const body = chatBody(model, { stream: true });
      const beganAt = performance.now();
      const result = await runFaultyStreams({ program, url, body, headers, open, seconds, signal });
      const { streams, failures, firstP50Ms, firstP99Ms } = result;
      const took = { seconds: (performance.now() - beganAt) / 1_000, p50Ms: firstP50Ms, p99Ms: firstP99Ms };
      return { count: streams, failures, ...took };
    },
  };
}

/** A chat whose body is about as long as asked for. */
function bodyOf(model: string, kilobytes: number): string {
  const body = chatBody(model);
  const missing = Math.max(0, kilobytes * 1_024 - body.length);
  const words = 'What a gateway adds is the account of what was used. '.repeat(missing / 53 + 1).slice(0, missing);
  return missing === 0 ? body : chatBody(model, { messages: [{ role: 'user', content: words }] });
}

async function measure({ product }: Field, system: System, run: () => Promise<Done>): Promise<Cost> {
  const watched = { system: system.process.pid, database: product.databasePid, upstream: product.upstream.pid };
  const used = watchCpu(watched);
  const { count, failures, seconds, p50Ms, p99Ms } = await run();
  const each = Math.max(1, count);
  const { byProcess, busyCores } = used();
  if (system.isOurs && failures > 0) throw new Error(`${failures} of ${count} of ${system.name} failed`);
  const own = byProcess.system + byProcess.database + byProcess.upstream;
  const databaseCpuMs = system.usesDatabase ? byProcess.database / each : 0;
  return {
    perSecond: count / seconds,
    cpuMs: byProcess.system / each + databaseCpuMs,
    ...{ databaseCpuMs, failures, p50Ms, p99Ms },
    memoryMb: memoryMbOf(system.process.pid),
    foreignCores: Math.max(0, busyCores - own / (seconds * 1_000)),
  };
}

async function run(context: BenchContext): Promise<string> {
  const loads = await loadsOf(context);
  const product = await startBenchProduct(context, 'peers');
  try {
    const systems = await startSystems(context, product);
    try {
      return await runAll(context, { ...loads, product, systems: systems.all });
    } finally {
      await systems.close();
    }
  } finally {
    await product.close();
  }
}

async function runAll(context: BenchContext, field: Field): Promise<string> {
  const { only } = context;
  for (const system of field.systems) {
    const warm = await field.calls(system, { callers: 16, seconds: WARM_UP_SECONDS });
    if (warm.count === 0) throw new Error(`${system.name} answered none of ${warm.failures} calls`);
    // What has only answered whole calls compiles the way of a stream while its first ones are measured.
    if (only.includes('streams')) await field.streams(system, WARM_UP_STREAMS, WARM_UP_SECONDS);
  }
  const steps = stepsOf(field, context).filter(({ part }) => only.includes(part));
  const measurements: Measurement[] = [];
  for (let round = 0; round < context.rounds; round += 1) {
    for (const { part, point, run } of steps) {
      for (const system of field.systems) {
        const cost = await measure(field, system, () => run(system));
        measurements.push({ ...cost, part, point, system });
        context.say(`round ${round + 1}, ${part} ${point}, ${system.name}: ${lineOf(cost)}`);
      }
    }
  }
  const kills: string[][] = [];
  if (only.includes('kill')) for (const system of field.systems) kills.push(await killed(context, field, system));
  return report(measurements, kills, field.systems);
}

interface Step {
  readonly part: Part;
  readonly point: number;
  readonly run: (system: System) => Promise<Done>;
}

function stepsOf({ calls, streams }: Field, { short, seconds }: BenchContext): Step[] {
  const points = short ? SHORT_POINTS : POINTS;
  return [
    ...points.callers.map((point) => ({
      ...{ part: 'calls' as const, point },
      run: (system: System) => calls(system, { callers: point, seconds }),
    })),
    ...points.bodyKilobytes.map((point) => ({
      ...{ part: 'bodies' as const, point },
      run: (system: System) => calls(system, { callers: BODY_CALLERS, seconds, kilobytes: point }),
    })),
    ...points.openStreams.map((point) => ({
      ...{ part: 'streams' as const, point },
      run: (system: System) => streams(system, point, seconds),
    })),
  ];
}

/** Kills a system under load and compares what wrk was answered with what is kept of it. */
async function killed(context: BenchContext, field: Field, system: System): Promise<string[]> {
  const before = await quietCount(system);
  const seconds = Math.max(2, context.seconds);
  const load = field.calls(system, { callers: KILLED_CALLERS, seconds });
  await delay(seconds * 500);
  for (const pid of pidsOf(system.process.pid)) kill(pid);
  const { count } = await load;
  const after = await quietCount(system);
  if (before === undefined || after === undefined) return [system.name, String(count), '–', 'keeps none'];
  const lost = Math.max(0, count - (after - before));
  if (system.isOurs && lost > 0) throw new Error(`${lost} answered calls of ${system.name} were not charged`);
  return [system.name, String(count), String(after - before), String(lost)];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // One that the end of another has ended.
  }
}

/** How many calls are kept when no more are added: what the end of a load cut off is kept later. */
async function quietCount({ kept }: System): Promise<number | undefined> {
  if (!kept) return undefined;
  const until = Date.now() + QUIET_WITHIN_MS;
  let count = await kept();
  for (let same = 0; same < 2 && Date.now() < until; ) {
    await delay(500);
    const next = await kept();
    same = next === count ? same + 1 : 0;
    count = next;
  }
  return count;
}

function lineOf({ perSecond, cpuMs, p50Ms, p99Ms, failures, foreignCores }: Cost): string {
  const failed = failures === 0 ? '' : `, ${failures} failed`;
  const figures = `${perSecond.toFixed(0)}/s, ${cpuMs.toFixed(3)} ms CPU`;
  return `${figures}, p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms${failed}; others ${foreignCores.toFixed(2)} cores`;
}

export const peersBench: Bench = {
  name: 'peers',
  title: 'This gateway beside a bare Koa and other gateways whose programs are at hand',
  run,
};
