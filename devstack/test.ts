/**
 * `npm test`: the checks, the unit tests, then the tests under test/ against servers of their own. Those of money and of
 * whole calls run a second time, on MariaDB.
 */
import { globSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readCommandLine } from '../infra/command-line.js';
import { COMMANDS } from './commands.js';
import { endLeftovers, endServices, runningLauncher } from './data-folder.ts';
import { databaseOf } from './database-products.ts';
import { type Database, localDatabase } from './environment.ts';
import { Interrupted, listenForInterruption } from './interruption.ts';
import { PART_NAMES } from './parts.ts';
import { type StartedStack, startStack } from './stack.ts';
import { addCounts, type Check, type Counts, countLine, runCheck, runTestFiles } from './test-run.ts';

const CHECKOUT = resolve(import.meta.dirname, '..');
const DATA_FOLDER = join(CHECKOUT, '.local/test');
/** Leaves the usual ports to `npm start`. */
const PORT_OFFSET = 10_000;
const TIMEOUT_MS = 5 * 60_000;
const FULL_TIMEOUT_MS = 60 * 60_000;
const SOURCES = [
  'api',
  'cli',
  'workers',
  'workflows',
  'activities',
  'core',
  'infra',
  'simulator',
  'devstack',
  'test',
  'bench',
];

const CHECKS: readonly Check[] = [
  { title: 'format and lint (biome)', command: ['.bin/biome', 'ci', '--colors=off'] },
  { title: 'types (TypeScript 7)', command: ['typescript-7/bin/tsc', '-p', '.'] },
  {
    title: 'import rules (dependency-cruiser)',
    command: ['.bin/depcruise', '--config', '.dependency-cruiser.cjs', ...SOURCES],
  },
  { title: 'dead code (knip)', command: ['.bin/knip'] },
];

const { values: options } = readCommandLine(COMMANDS.test, process.argv.slice(2));
const PARTS = ['checks', 'unit', 'stack', 'chaos'];
const wanted = new Set(options.only.split(','));
const unknown = [...wanted].find((part) => !PARTS.includes(part));
if (unknown !== undefined) {
  console.error(`--only: "${unknown}" is none of ${PARTS.join(', ')}\n\n${COMMANDS.test.usage}`);
  process.exit(2);
}
const STACK_FOLDERS = [join(DATA_FOLDER, 'one'), join(DATA_FOLDER, 'two')];
const MARIADB_FOLDERS = [join(DATA_FOLDER, 'mariadb-one'), join(DATA_FOLDER, 'mariadb-two')];
const ALSO_ON_MARIADB = /^test\/(ledger\/|e2e\/|chaos\/ledger-model\.)/;

function find(pattern: string, exclude: readonly string[]): string[] {
  return globSync(pattern, { cwd: CHECKOUT, exclude: ['**/node_modules/**', '.local/**', ...exclude] });
}

async function runChecks(signal: AbortSignal): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const check of CHECKS) counts.push(await runCheck(check, CHECKOUT, signal));
  return counts;
}

/** Brings the servers up, with fresh data, and runs the test files, each with a set of servers for itself. */
async function runStackTests(
  files: readonly string[],
  on: { folders: readonly string[]; database?: Database },
  signal: AbortSignal,
): Promise<Counts[]> {
  if (files.length === 0) return [];
  const stacks: StartedStack[] = [];
  // Full runs measure and kill under load, so nothing else runs beside them.
  const folders = options.full ? on.folders.slice(0, 1) : on.folders;
  try {
    for (const [index, dataFolder] of folders.entries()) {
      const portOffset = PORT_OFFSET * (index + 1);
      // The second one finds everything fetched and built.
      const progress = index === 0 ? 'shown' : 'silent';
      const database = on.database ? { database: on.database } : {};
      stacks.push(await startStack({ dataFolder, environment: {}, portOffset, progress, signal, ...database }));
    }
    const variables = { TEST_STACKS: folders.join(':'), ...(options.full ? { CHAOS: 'full' } : {}) };
    return [await runTestFiles(files, runOptions(variables, stacks.length, signal))];
  } finally {
    for (const stack of stacks) {
      // What a test has started and not stopped.
      await endServices(stack.dataFolder, PART_NAMES);
      await stack.stop();
    }
  }
}

function runOptions(environment: Record<string, string>, atOnce: number | undefined, signal: AbortSignal) {
  const timeoutMs = options.full ? FULL_TIMEOUT_MS : TIMEOUT_MS;
  return { checkout: CHECKOUT, scratchFolder: DATA_FOLDER, environment, atOnce, timeoutMs, signal };
}

async function clearData(): Promise<void> {
  for (const folder of [...STACK_FOLDERS, ...MARIADB_FOLDERS]) {
    const pid = runningLauncher(folder);
    if (pid !== undefined) throw new Error(`another test run is at work in ${folder} (process ${pid})`);
    await endLeftovers(folder, PART_NAMES);
  }
  rmSync(DATA_FOLDER, { recursive: true, force: true });
}

async function run(signal: AbortSignal): Promise<Counts> {
  await clearData();
  const counts: Counts[] = [];
  if (wanted.has('checks')) counts.push(...(await runChecks(signal)));
  if (wanted.has('unit')) {
    const files = find('**/*.test.ts', ['test/**']);
    console.log(`\nUnit tests (${files.length} files)`);
    counts.push(await runTestFiles(files, runOptions({}, undefined, signal)));
  }
  const stackFiles = [
    ...(wanted.has('stack') ? find('test/**/*.test.ts', ['test/chaos/**']) : []),
    ...(wanted.has('chaos') ? find('test/chaos/**/*.test.ts', []) : []),
  ];
  console.log(`\nTests with servers (${stackFiles.length} files)`);
  counts.push(...(await runStackTests(stackFiles, { folders: STACK_FOLDERS }, signal)));
  const again = stackFiles.filter((file) => ALSO_ON_MARIADB.test(file));
  if (runOnMariadb() && again.length > 0) {
    console.log(`\nOnce more on MariaDB (${again.length} files)`);
    counts.push(...(await runStackTests(again, { folders: MARIADB_FOLDERS, database: 'mariadb' }, signal)));
  }
  return addCounts(counts);
}

/** Whether the tests ran on MySQL, and nobody asked for one server only. A full run takes its time on one. */
function runOnMariadb(): boolean {
  const [folder = ''] = STACK_FOLDERS;
  return localDatabase() === undefined && !options.full && databaseOf(join(folder, 'mysql/data')) === 'mysql';
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
