/**
 * Synchronous chat with everything on, with and without credit leases, as a ratio to a bare Koa that forwards the call
 * and stores nothing.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchContext } from './bench.ts';
import { watchCpu } from './cpu.ts';
import { markdownTable, median, spread } from './figures.ts';
import { type BenchProduct, chatBody, MODEL, startBenchProduct } from './product.ts';
import { wrkProgram } from './programs.ts';
import { type SideProcess, startSideProcess } from './side-process.ts';
import { type LoadResult, runLoad } from './wrk.ts';

const CALLERS = [1, 16, 64] as const;
const SYSTEMS = ['bare Koa', 'gateway', 'gateway, LEASE_SHARE=0'] as const;
type System = (typeof SYSTEMS)[number];
/** Until the compiler has seen the hot path and the pools are filled. */
const WARM_UP_SECONDS = 4;
const CHARGED_WITHIN_MS = 10_000;

/** One system under load once. */
interface Measurement {
  readonly system: System;
  readonly callers: number;
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Milliseconds of CPU a request. */
  readonly cpuMs: number;
  readonly databaseCpuMs: number;
  /** Of the commit queue. */
  readonly batches: Batches | undefined;
  /** Cores that other processes on the machine kept busy, roughly. */
  readonly foreignCores: number;
}

interface Batches {
  readonly operationsEach: number;
  readonly msEach: number;
  /** Of the calls, those that needed no hold. */
  readonly leasedShare: number;
}

interface Field {
  readonly product: BenchProduct;
  readonly processes: Readonly<Record<System, { readonly url: string; readonly pid: number | undefined }>>;
  readonly bare: SideProcess;
  readonly load: (system: System, callers: number, seconds: number) => Promise<LoadResult>;
}

async function startField(context: BenchContext): Promise<Field> {
  const { stack, signal } = context;
  const wrk = await wrkProgram(context);
  const product = await startBenchProduct(context, 'gateway');
  const bare = await startSideProcess({
    name: 'gateway-bare',
    dataFolder: stack.dataFolder,
    command: process.execPath,
    args: (port) => [join(import.meta.dirname, 'bare-koa.ts'), String(port), product.upstream.url],
  });
  const processes = {
    'bare Koa': bare,
    gateway: product.api,
    'gateway, LEASE_SHARE=0': await product.startApi('without-leases', { LEASE_SHARE: '0' }),
  };
  return {
    product,
    bare,
    processes,
    load: (system, callers, seconds) =>
      runLoad({
        wrk,
        url: `${processes[system].url}/v1/chat/completions`,
        callers,
        seconds,
        body: chatBody(MODEL),
        headers: product.callers,
        folder: join(stack.dataFolder, 'load'),
        signal,
      }),
  };
}

async function measure(field: Field, system: System, callers: number, seconds: number): Promise<Measurement> {
  const { product, processes } = field;
  const { pid, url } = processes[system];
  const used = watchCpu({
    system: pid,
    database: product.databasePid,
    upstream: product.upstream.pid,
  });
  const queue = system === 'bare Koa' ? undefined : await watchQueue(url);
  const result = await field.load(system, callers, seconds);
  const batches = await queue?.();
  const { byProcess, busyCores } = used();
  const ownMs = byProcess.system + byProcess.database + byProcess.upstream;
  return {
    system,
    callers,
    requests: result.requests,
    perSecond: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuMs: byProcess.system / result.requests,
    databaseCpuMs: byProcess.database / result.requests,
    batches,
    foreignCores: Math.max(0, busyCores - ownMs / (result.seconds * 1000)),
  };
}

/** Starts to count the commit queue's batches, by the API's own metrics. */
async function watchQueue(apiUrl: string): Promise<() => Promise<Batches>> {
  const before = await queueCounters(apiUrl);
  return async () => {
    const after = await queueCounters(apiUrl);
    const batches = after.batches - before.batches;
    return {
      operationsEach: (after.operations - before.operations) / batches,
      msEach: ((after.seconds - before.seconds) * 1_000) / batches,
      leasedShare: (after.leased - before.leased) / Math.max(1, after.calls - before.calls),
    };
  };
}

async function queueCounters(apiUrl: string) {
  const text = await (await fetch(`${apiUrl}/metrics`)).text();
  const counter = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  const leased = counter('ledger_calls_total{paid_by="lease"}');
  return {
    leased,
    calls: leased + counter('ledger_calls_total{paid_by="hold"}'),
    operations: counter('ledger_operations_total'),
    batches: counter('ledger_batch_seconds_count'),
    seconds: counter('ledger_batch_seconds_sum'),
  };
}

/** Every answer that was counted has been paid for; those cut off by the end of a load are charged too. */
async function checkCharges(product: BenchProduct, answered: number): Promise<string> {
  const until = Date.now() + CHARGED_WITHIN_MS;
  let charged = await product.charges();
  while (charged < answered && Date.now() < until) {
    await delay(100);
    charged = await product.charges();
  }
  if (charged < answered) throw new Error(`${answered} calls were answered, but only ${charged} charged`);
  return `${answered} calls answered, ${charged} charged (the difference was cut off by the end of a load).`;
}

async function run(context: BenchContext): Promise<string> {
  const field = await startField(context);
  try {
    let answered = 0;
    for (const system of SYSTEMS) {
      const { requests } = await field.load(system, 64, Math.min(WARM_UP_SECONDS, context.seconds));
      if (system !== 'bare Koa') answered += requests;
    }
    const measurements: Measurement[] = [];
    for (let round = 0; round < context.rounds; round += 1) {
      for (const callers of CALLERS) {
        for (const system of SYSTEMS) {
          const one = await measure(field, system, callers, context.seconds);
          measurements.push(one);
          if (system !== 'bare Koa') answered += one.requests;
          context.say(lineOf(round, one));
        }
      }
    }
    return [tableOf(measurements), await checkCharges(field.product, answered)].join('\n\n');
  } finally {
    await Promise.all([field.product.close(), field.bare.stop()]);
  }
}

function lineOf(round: number, one: Measurement): string {
  const { system, callers, perSecond, cpuMs, databaseCpuMs, foreignCores } = one;
  const queue = one.batches
    ? `, batches of ${one.batches.operationsEach.toFixed(1)} in ${one.batches.msEach.toFixed(2)} ms, ${(one.batches.leasedShare * 100).toFixed(1)} % leased`
    : '';
  const cpu = `${cpuMs.toFixed(3)} ms CPU, database ${databaseCpuMs.toFixed(3)}`;
  return `round ${round + 1}, ${callers} callers, ${system}: ${perSecond.toFixed(0)}/s, ${cpu}${queue}; others ${foreignCores.toFixed(2)} cores`;
}

function tableOf(measurements: readonly Measurement[]): string {
  const rows = CALLERS.flatMap((callers) => {
    const of = (system: System) => measurements.filter((one) => one.system === system && one.callers === callers);
    const bare = of('bare Koa');
    return SYSTEMS.map((system) => {
      const own = of(system);
      const shares = own.map(({ perSecond }, round) => perSecond / (bare[round]?.perSecond ?? Number.NaN));
      const middle = (value: (one: Measurement) => number, digits: number) => median(own.map(value)).toFixed(digits);
      return [
        String(callers),
        system,
        middle((one) => one.perSecond, 0),
        system === 'bare Koa' ? '1' : spread(shares, 2),
        middle((one) => one.cpuMs, 3),
        ...(system === 'bare Koa'
          ? ['–', '–', '–']
          : [
              middle((one) => one.databaseCpuMs, 3),
              `${middle((one) => (one.batches?.leasedShare ?? 0) * 100, 1)} %`,
              `${middle((one) => one.batches?.operationsEach ?? 0, 0)} in ${middle((one) => one.batches?.msEach ?? 0, 1)} ms`,
            ]),
        `${middle((one) => one.p50Ms, 1)} / ${middle((one) => one.p99Ms, 1)}`,
        middle((one) => one.foreignCores, 2),
      ];
    });
  });
  const head = [
    'callers',
    'system',
    'requests/s',
    'of bare Koa',
    'CPU ms a request',
    'database CPU ms',
    'calls without a hold',
    'a batch of money',
  ];
  return markdownTable([...head, 'latency p50 / p99 ms', 'cores busy otherwise'], rows);
}

export const gatewayBench: Bench = {
  name: 'gateway',
  title: 'POST /v1/chat/completions with everything on, against a bare Koa and undici proxy',
  run,
};
