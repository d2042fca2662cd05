/** Streams of 50 chunks, 100 open at once: what one costs, and how soon its first token comes. */
import { join } from 'node:path';
import type { Bench, BenchContext } from './bench.ts';
import { watchCpu } from './cpu.ts';
import { markdownTable, median, spread } from './figures.ts';
import { type BenchProduct, chatBody, PACED_MODEL, startBenchProduct } from './product.ts';
import { goProgram } from './programs.ts';
import { type SideProcess, startSideProcess } from './side-process.ts';
import { runStreams, type StreamResult } from './stream-load.ts';

const OPEN = 100;
/** Until the compiler has seen the hot path. */
const WARM_UP_SECONDS = 4;

interface Measurement extends StreamResult {
  readonly system: System;
  readonly cpuMs: number;
  readonly databaseCpuMs: number;
}

const SYSTEMS = ['upstream itself', 'bare Koa', 'gateway'] as const;
type System = (typeof SYSTEMS)[number];

interface Field {
  readonly product: BenchProduct;
  readonly bare: SideProcess;
  readonly load: (system: System, seconds: number) => Promise<StreamResult>;
}

async function startField(context: BenchContext): Promise<Field> {
  const { stack, signal } = context;
  const program = await goProgram('streams', context);
  const product = await startBenchProduct(context, 'streams');
  const bare = await startSideProcess({
    name: 'streams-bare',
    dataFolder: stack.dataFolder,
    command: process.execPath,
    args: (port) => [join(import.meta.dirname, 'bare-koa.ts'), String(port), product.upstream.url],
  });
  const paced = '/paced/v1/chat/completions';
  const urls = {
    'upstream itself': product.upstream.url + paced,
    'bare Koa': bare.url + paced,
    gateway: `${product.api.url}/v1/chat/completions`,
  };
  const body = chatBody(PACED_MODEL, { stream: true });
  const load = (system: System, seconds: number) =>
    runStreams({ program, url: urls[system], body, headers: product.callers, open: OPEN, seconds, signal });
  return { product, bare, load };
}

async function measure({ product, bare, load }: Field, system: System, seconds: number): Promise<Measurement> {
  const processes = { 'upstream itself': product.upstream.pid, 'bare Koa': bare.pid, gateway: product.api.pid };
  const used = watchCpu({ system: processes[system], database: product.databasePid });
  const result = await load(system, seconds);
  const { byProcess } = used();
  return {
    ...result,
    system,
    cpuMs: byProcess.system / result.streams,
    databaseCpuMs: byProcess.database / result.streams,
  };
}

async function run(context: BenchContext): Promise<string> {
  const field = await startField(context);
  try {
    for (const system of SYSTEMS) await field.load(system, WARM_UP_SECONDS);
    const measurements: Measurement[] = [];
    for (let round = 0; round < context.rounds; round += 1) {
      for (const system of SYSTEMS) {
        const one = await measure(field, system, context.seconds);
        measurements.push(one);
        context.say(
          `round ${round + 1}, ${system}: ${one.streams} streams, ${one.cpuMs.toFixed(2)} ms CPU, first token ` +
            `${one.firstP50Ms.toFixed(1)} / ${one.firstP99Ms.toFixed(1)} ms`,
        );
      }
    }
    return tableOf(measurements);
  } finally {
    await Promise.all([field.product.close(), field.bare.stop()]);
  }
}

function tableOf(measurements: readonly Measurement[]): string {
  const rows = SYSTEMS.map((system) => {
    const own = measurements.filter((one) => one.system === system);
    const middle = (value: (one: Measurement) => number, digits: number) => median(own.map(value)).toFixed(digits);
    return [
      system,
      spread(
        own.map((one) => one.cpuMs),
        2,
      ),
      system === 'gateway' ? middle((one) => one.databaseCpuMs, 2) : '–',
      middle((one) => one.firstP50Ms, 1),
      middle((one) => one.firstP99Ms, 1),
      middle((one) => one.wholeP50Ms, 0),
    ];
  });
  const head = ['system', 'CPU ms a stream', 'database CPU ms', 'first token p50 ms', 'p99 ms', 'whole stream p50 ms'];
  return markdownTable(head, rows);
}

export const streamsBench: Bench = {
  name: 'streams',
  title: `Streams of 50 chunks, 20 ms between two, ${OPEN} open at once, against a bare Koa that pipes`,
  run,
};
