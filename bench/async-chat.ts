/** Chat as a job, against a bare workflow of one activity on the same Temporal server. */
import { join } from 'node:path';
import { Agent } from 'undici';
import { z } from 'zod';
import type { Service } from '../devstack/services.ts';
import type { Bench, BenchContext } from './bench.ts';
import { watchCpu } from './cpu.ts';
import { markdownTable, median, percentile, spread } from './figures.ts';
import { type BenchProduct, chatBody, MODEL, startBenchProduct } from './product.ts';
import { type SideProcess, startSideProcess } from './side-process.ts';

/** One caller shows how long a job takes, many show the throughput. */
const CALLERS = [1, 16] as const;
const WARM_UP_JOBS = 200;

const accepted = z.object({ data: z.object({ jobId: z.string() }) });
const ended = z.object({ data: z.object({ status: z.literal('COMPLETED') }) });

const SYSTEMS = ['bare workflow, its result', 'bare workflow, its activity', 'job'] as const;
type System = (typeof SYSTEMS)[number];
/** What the others are compared with; each is a column of the table. */
const BARE: readonly System[] = ['bare workflow, its result', 'bare workflow, its activity'];

interface Measurement {
  readonly system: System;
  readonly callers: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  /** Milliseconds of CPU a job: the Temporal server's, the database's, and of all our own processes. */
  readonly temporalCpuMs: number;
  readonly databaseCpuMs: number;
  readonly ownCpuMs: number;
}

interface Field {
  readonly product: BenchProduct;
  readonly worker: Service;
  readonly bare: SideProcess;
  readonly temporalPid: number | undefined;
  /** Runs one to its end. @throws when it did not end well. */
  readonly runOne: Readonly<Record<System, (caller: number) => Promise<void>>>;
}

async function startField(context: BenchContext): Promise<Field> {
  const { stack } = context;
  const product = await startBenchProduct(context, 'async-chat');
  const worker = await product.startWorker();
  const { TEMPORAL_ADDRESS = '', TEMPORAL_NAMESPACE = '' } = stack.environment;
  const bare = await startSideProcess({
    name: 'async-chat-bare',
    dataFolder: stack.dataFolder,
    command: process.execPath,
    args: (port) => [
      join(import.meta.dirname, 'bare-worker.ts'),
      ...[String(port), product.upstream.url, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, chatBody(MODEL)],
    ],
  });
  const agent = new Agent();
  return {
    product,
    worker,
    bare,
    temporalPid: stack.part('temporal').pid,
    runOne: {
      'bare workflow, its result': () => runBare(agent, bare, '/result'),
      'bare workflow, its activity': () => runBare(agent, bare, '/activity'),
      job: (caller) => runJob(agent, product, caller),
    },
  };
}

async function runBare(agent: Agent, { url }: SideProcess, path: string): Promise<void> {
  const answer = await agent.request({ origin: url, path, method: 'POST' });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`the bare workflow failed: ${text}`);
}

/** Submits a job and waits for its end, as a client does. */
async function runJob(agent: Agent, product: BenchProduct, caller: number): Promise<void> {
  const headers = { ...product.callers[caller % product.callers.length], 'content-type': 'application/json' };
  const origin = product.api.url;
  const body = JSON.stringify({ modelIdentifier: MODEL, userMessage: 'What does a gateway do, in short?' });
  const submitted = await agent.request({ origin, path: '/v1/async/chat', method: 'POST', headers, body });
  const { jobId } = accepted.parse(await submitted.body.json()).data;
  const path = `/v1/async/jobs/${jobId}?wait=60`;
  ended.parse(await (await agent.request({ origin, path, method: 'GET', headers })).body.json());
}

async function measure(field: Field, system: System, callers: number, seconds: number): Promise<Measurement> {
  const { product, worker, bare, temporalPid } = field;
  const used = watchCpu({
    temporal: temporalPid,
    database: product.databasePid,
    api: product.api.pid,
    worker: worker.pid,
    bare: bare.pid,
  });
  const beganAt = performance.now();
  const until = beganAt + seconds * 1000;
  const timesMs: number[] = [];
  const call = async (caller: number): Promise<void> => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      await field.runOne[system](caller);
      timesMs.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  const elapsedSeconds = (performance.now() - beganAt) / 1000;
  const { temporal, database, api, worker: workerMs, bare: bareMs } = used().byProcess;
  return {
    system,
    callers,
    perSecond: timesMs.length / elapsedSeconds,
    p50Ms: percentile(timesMs, 0.5),
    temporalCpuMs: temporal / timesMs.length,
    databaseCpuMs: database / timesMs.length,
    ownCpuMs: (system === 'job' ? api + workerMs : bareMs) / timesMs.length,
  };
}

async function run(context: BenchContext): Promise<string> {
  const field = await startField(context);
  try {
    for (const system of SYSTEMS) {
      const rounds = Math.ceil(Math.min(WARM_UP_JOBS, context.seconds * 50) / 16);
      for (let round = 0; round < rounds; round += 1) {
        await Promise.all(Array.from({ length: 16 }, (_, caller) => field.runOne[system](caller)));
      }
    }
    const measurements: Measurement[] = [];
    for (let round = 0; round < context.rounds; round += 1) {
      for (const callers of CALLERS) {
        for (const system of SYSTEMS) {
          const one = await measure(field, system, callers, context.seconds);
          measurements.push(one);
          context.say(
            `round ${round + 1}, ${callers} callers, ${system}: ${one.perSecond.toFixed(1)}/s, p50 ${one.p50Ms.toFixed(1)} ms`,
          );
        }
      }
    }
    return tableOf(measurements);
  } finally {
    await field.bare.stop();
    await field.product.close();
  }
}

function tableOf(measurements: readonly Measurement[]): string {
  const rows = CALLERS.flatMap((callers) => {
    const of = (system: System) => measurements.filter((one) => one.system === system && one.callers === callers);
    return SYSTEMS.map((system) => {
      const own = of(system);
      const middle = (value: (one: Measurement) => number, digits: number) => median(own.map(value)).toFixed(digits);
      const ofBare = (value: (one: Measurement) => number) =>
        system === 'job'
          ? BARE.map((bare) =>
              spread(
                of(bare).map((one, round) => value(own[round] ?? one) / value(one)),
                2,
              ),
            )
          : ['', ''];
      return [
        String(callers),
        system,
        middle((one) => one.p50Ms, 1),
        ...ofBare((one) => one.p50Ms),
        middle((one) => one.perSecond, 1),
        ...ofBare((one) => one.perSecond),
        middle((one) => one.temporalCpuMs, 1),
        system === 'job' ? middle((one) => one.databaseCpuMs, 2) : '–',
        middle((one) => one.ownCpuMs, 2),
      ];
    });
  });
  const ofBare = ['of its result', 'of its activity'];
  const head = ['callers', 'system', 'p50 ms', ...ofBare, 'a second', ...ofBare, 'Temporal CPU ms', 'database', 'ours'];
  return markdownTable(head, rows);
}

export const asyncChatBench: Bench = {
  name: 'async-chat',
  title: 'Chat as a job, against a bare workflow of one activity on the same Temporal server',
  run,
};
