/**
 * `npm test`: the checks, the unit tests, then the tests under test/ against servers of their own. `--only` with a
 * list of checks, unit, stack, chaos runs a part of it; `--full` lets the tests that break things take their time.
 */
import { globSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { endLeftovers, endServices, runningLauncher } from './data-folder.ts';
import { shellVariables } from './environment.ts';
import { Interrupted, listenForInterruption } from './interruption.ts';
import { PART_NAMES } from './parts.ts';
import { startStack } from './stack.ts';
import { addCounts, type Check, type Counts, countLine, runCheck, runTestFiles } from './test-run.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const DATA_FOLDER = join(CHECKOUT, '.local/test');
/** Leaves the usual ports to `npm start`. */
const PORT_OFFSET = 10_000;
const TIMEOUT_MS = 5 * 60_000;
const FULL_TIMEOUT_MS = 60 * 60_000;
const SOURCES = ['api', 'workflows', 'activities', 'workers', 'infra', 'test', 'bench'];

const CHECKS: readonly Check[] = [
  { title: 'format and lint (biome)', command: ['.bin/biome', 'ci', '--colors=off'] },
  { title: 'types (TypeScript 7)', command: ['typescript-7/bin/tsc', '-p', '.'] },
  {
    title: 'import rules (dependency-cruiser)',
    command: ['.bin/depcruise', '--config', '.dependency-cruiser.cjs', ...SOURCES],
  },
  { title: 'dead code (knip)', command: ['.bin/knip'] },
];

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: 'checks,unit,stack,chaos' },
    full: { type: 'boolean', default: false },
  },
});
const wanted = new Set(options.only.split(','));

function find(pattern: string, exclude: readonly string[]): string[] {
  return globSync(pattern, { cwd: CHECKOUT, exclude: ['**/node_modules/**', '.local/**', ...exclude] });
}

async function runChecks(signal: AbortSignal): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const check of CHECKS) counts.push(await runCheck(check, CHECKOUT, signal));
  return counts;
}

/** Brings the servers up once, with fresh data, and runs the test files against them one after the other. */
async function runStackTests(files: readonly string[], signal: AbortSignal): Promise<Counts[]> {
  if (files.length === 0) return [];
  const environment = shellVariables();
  const stack = await startStack({
    dataFolder: DATA_FOLDER,
    environment,
    portOffset: PORT_OFFSET,
    progress: 'shown',
    signal,
  });
  try {
    const variables = { TEST_STACK: DATA_FOLDER, ...(options.full ? { CHAOS: 'full' } : {}) };
    return [await runTestFiles(files, runOptions(variables, true, signal))];
  } finally {
    // What a test has started and not stopped.
    await endServices(DATA_FOLDER, PART_NAMES);
    await stack.stop();
  }
}

function runOptions(environment: Record<string, string>, oneByOne: boolean, signal: AbortSignal) {
  const timeoutMs = options.full ? FULL_TIMEOUT_MS : TIMEOUT_MS;
  return { checkout: CHECKOUT, scratchFolder: DATA_FOLDER, environment, oneByOne, timeoutMs, signal };
}

async function clearData(): Promise<void> {
  const pid = runningLauncher(DATA_FOLDER);
  if (pid !== undefined) throw new Error(`another test run is at work in ${DATA_FOLDER} (process ${pid})`);
  await endLeftovers(DATA_FOLDER, PART_NAMES);
  rmSync(DATA_FOLDER, { recursive: true, force: true });
}

async function run(signal: AbortSignal): Promise<Counts> {
  await clearData();
  const counts: Counts[] = [];
  if (wanted.has('checks')) counts.push(...(await runChecks(signal)));
  if (wanted.has('unit')) {
    const files = find('**/*.test.ts', ['test/**']);
    console.log(`\nUnit tests (${files.length} files)`);
    counts.push(await runTestFiles(files, runOptions({}, false, signal)));
  }
  const stackFiles = [
    ...(wanted.has('stack') ? find('test/**/*.test.ts', ['test/chaos/**']) : []),
    ...(wanted.has('chaos') ? find('test/chaos/**/*.test.ts', []) : []),
  ];
  console.log(`\nTests with servers (${stackFiles.length} files)`);
  counts.push(...(await runStackTests(stackFiles, signal)));
  return addCounts(counts);
}

const signal = listenForInterruption(() => process.exit(130));
try {
  const counts = await run(signal);
  console.log(`\n${countLine(counts)}`);
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
} catch (error) {
  if (signal.aborted || error instanceof Interrupted) process.exitCode = 130;
  else {
    console.error(error instanceof Error ? error.message : error);
    console.log('\n0 passed, 1 failed');
    process.exitCode = 1;
  }
}
