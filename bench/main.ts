/** `npm run bench` lists the benches; `npm run bench -- gateway streams` runs some on servers of their own, `-- all` all. */
import { join, resolve } from 'node:path';
import { attachStack } from '../devstack/attached-stack.ts';
import { COMMANDS } from '../devstack/commands.js';
import { listenForInterruption } from '../devstack/interruption.ts';
import { type Stack, type StackOptions, type StartedStack, startStack } from '../devstack/stack.ts';
import { readCommandLine } from '../infra/command-line.js';
import { asyncChatBench } from './async-chat.ts';
import type { Bench, BenchContext } from './bench.ts';
import { gatewayBench } from './gateway.ts';
import { growthBench } from './growth.ts';
import { ledgerBench } from './ledger.ts';
import { peersBench } from './peers.ts';
import { streamsBench } from './streams.ts';

const BENCHES: readonly Bench[] = [gatewayBench, streamsBench, asyncChatBench, ledgerBench, peersBench, growthBench];

const CHECKOUT = resolve(import.meta.dirname, '..');
const DATA_FOLDER = join(CHECKOUT, '.local/bench');
const MARIADB_FOLDER = join(CHECKOUT, '.local/bench-mariadb');
/** Leaves the usual ports to `npm start` and those of `npm test` to it. */
const PORT_OFFSET = 20_000;

const { values: options, positionals } = readCommandLine(COMMANDS.bench, process.argv.slice(2));

function list(): void {
  console.log('npm run bench -- NAME … (or all); --help shows the options\n');
  for (const { name, title } of BENCHES) console.log(`  ${name.padEnd(12)} ${title}`);
}

function chosen(): Bench[] {
  if (positionals.includes('all')) return [...BENCHES];
  return positionals.map((name) => {
    const bench = BENCHES.find((one) => one.name === name);
    if (!bench) throw new Error(`there is no bench ${name}; there are ${BENCHES.map((one) => one.name).join(', ')}`);
    return bench;
  });
}

async function runAll(benches: readonly Bench[], context: BenchContext): Promise<void> {
  for (const bench of benches) {
    console.log(`\n${bench.title}`);
    console.log(`\n${await bench.run(context)}`);
  }
}

async function run(benches: readonly Bench[], signal: AbortSignal): Promise<void> {
  const started: StartedStack[] = [];
  const start = async (stack: StackOptions): Promise<Stack> => {
    const one = await startStack({ ...stack, progress: 'shown', signal });
    started.push(one);
    return one;
  };
  try {
    const stack = options.stack
      ? attachStack(resolve(options.stack))
      : await start({ dataFolder: DATA_FOLDER, portOffset: PORT_OFFSET });
    const mariadb = {
      dataFolder: MARIADB_FOLDER,
      portOffset: PORT_OFFSET,
      database: 'mariadb',
      only: ['mysql'],
    } as const;
    await runAll(benches, {
      stack,
      others: options.both ? [await start(mariadb)] : [],
      rounds: options.short ? 1 : Number(options.rounds),
      seconds: options.short ? 1 : Number(options.seconds),
      short: options.short,
      only: options.only.split(','),
      profileFolder: options.profile === undefined ? undefined : resolve(options.profile),
      signal,
      say: (line) => console.log(`  ${line}`),
    });
  } finally {
    for (const one of started) await one.stop();
  }
}

const signal = listenForInterruption(() => process.exit(130));
try {
  if (positionals.length === 0) list();
  else await run(chosen(), signal);
} catch (error) {
  if (!signal.aborted) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
