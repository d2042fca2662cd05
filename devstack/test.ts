/**
 * `npm test`: the checks, the unit tests, and the tests under test/ against servers of their own. Those of money and of
 * whole calls run a second time, on MariaDB. All side by side: a test with servers waits for as long as it works.
 */
import { readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { readCommandLine } from '../infra/command-line.js';
import type { Claim } from './claims.ts';
import { COMMANDS } from './commands.js';
import { buildConsole } from './console.ts';
import { claimDataFolder, endLeftovers } from './data-folder.ts';
import { calledFrom, localDatabase } from './environment.ts';
import { Interrupted, listenForInterruption } from './interruption.ts';
import { PART_NAMES } from './parts.ts';
import type { Progress } from './progress.ts';
import {
  allTestFiles,
  alsoOnMariadb,
  breaksServers,
  byFolder,
  inGroups,
  LONG,
  needsServers,
  partOf,
  testFilesIn,
} from './test-files.ts';
import {
  addCounts,
  type Check,
  type Counts,
  countLine,
  failuresIn,
  type Outcome,
  runCheck,
  runTestFiles,
} from './test-run.ts';
import { type ServersName, TestServers } from './test-servers.ts';
import { runTasks, type TestTask } from './test-tasks.ts';

const CHECKOUT = resolve(import.meta.dirname, '..');
const DATA_FOLDER = join(CHECKOUT, '.local/test');
/** Of a test, and of a file or a group of them: what hangs fails. A slow machine with other work takes minutes for some. */
const TIMEOUT_MS = 10 * 60_000;
const FULL_TIMEOUT_MS = 60 * 60_000;
/** More than there are processors: while one waits, another works. */
const TASKS_MORE = 1;
/** Each file that shares Redis takes one of its 16 databases. */
const MOST_TASKS = 8;
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
  'console',
];

/** What the compiler found last time: where little has changed, its check takes a sixth of the work. */
const KNOWN_TYPES = 'node_modules/.cache/types.tsbuildinfo';

const CHECKS: readonly Check[] = [
  { title: 'format and lint (biome)', command: ['.bin/biome', 'ci', '--colors=off'] },
  {
    title: 'types (TypeScript 7)',
    command: ['typescript-7/bin/tsc', '-p', '.', '--incremental', '--tsBuildInfoFile', KNOWN_TYPES],
  },
  { title: 'types of the console', command: ['typescript-7/bin/tsc', '-p', 'console'] },
  {
    title: 'import rules (dependency-cruiser)',
    command: ['.bin/depcruise', '--config', '.dependency-cruiser.cjs', ...SOURCES],
  },
  { title: 'dead code (knip)', command: ['.bin/knip'] },
];

/** What begins first: what runs without servers while those start, then what can only run one after the other. */
const RANKS = { check: 0, alone: 1, long: 2, unit: 3, other: 4, mariadb: 5 };

const { values: options, positionals: paths } = readCommandLine(COMMANDS.test, process.argv.slice(2));
const PARTS = ['checks', 'unit', 'stack', 'chaos'];
const wanted = new Set(options.only.split(','));
const unknown = [...wanted].find((part) => !PARTS.includes(part));
if (unknown !== undefined) refuse(`--only: "${unknown}" is none of ${PARTS.join(', ')}`);
const files = filesWanted();
// Full runs measure and kill under load, so nothing else runs beside them.
const atOnce = options.full || files.length === 1 ? 1 : Math.min(availableParallelism() + TASKS_MORE, MOST_TASKS);

function refuse(reason: string): never {
  console.error(`${reason}\n\n${COMMANDS.test.usage}`);
  process.exit(2);
}

function filesWanted(): string[] {
  try {
    const found = paths.length > 0 ? testFilesIn(paths, calledFrom()) : allTestFiles();
    return found.filter((file) => wanted.has(partOf(file)));
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

const printing = Promise.withResolvers<void>();

/** Runs something and prints how it went, in one piece; while servers start, their progress has the screen. */
async function report(title: string, work: () => Promise<Outcome>): Promise<void> {
  if (atOnce === 1) console.log(`\n${title}`);
  const startedAt = Date.now();
  const { counts, output } = await work();
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  const hasFailed = counts.failed > 0;
  counted.push(counts);
  if (hasFailed) failed.push({ title, failures: failuresIn(output) });
  await printing.promise;
  console.log(`${atOnce === 1 ? '' : '\n'}${hasFailed ? '✖' : '✔'} ${title} (${seconds} s)`);
  if (output.trim() !== '') console.log(output.trimEnd());
}

const counted: Counts[] = [];
const failed: { readonly title: string; readonly failures: string }[] = [];

function checkTasks(): TestTask[] {
  return CHECKS.map((check) => ({
    rank: RANKS.check,
    run: (aborted) => report(check.title, () => runCheck(check, CHECKOUT, aborted)),
  }));
}

/** Files of one folder share a process where they need no servers. */
function unitTasks(): TestTask[] {
  const groups = byFolder(files.filter((file) => partOf(file) === 'unit'));
  return [...groups].map(([folder, group]) => ({
    rank: RANKS.unit,
    run: (aborted) => report(`${folder}/ (${group.length} files)`, () => runFiles(group, {}, aborted)),
  }));
}

function stackTask(group: readonly string[], servers?: TestServers): TestTask {
  const alone = options.full || group.some(breaksServers);
  const title = servers?.database === 'mariadb' ? `${group.join(', ')} on MariaDB` : group.join(', ');
  const variables = { ...servers?.variables(alone), ...(options.full ? { CHAOS: 'full' } : {}) };
  const run = (aborted: AbortSignal) => report(title, () => runFiles(group, variables, aborted));
  return { rank: alone ? RANKS.alone : Math.min(...group.map(rankOf)), servers, alone, run };
}

function rankOf(file: string): number {
  const place = LONG.indexOf(file);
  return place < 0 ? RANKS.other : RANKS.long + place / LONG.length;
}

function runFiles(group: readonly string[], environment: Record<string, string>, aborted: AbortSignal) {
  return runTestFiles(group, {
    ...{ checkout: CHECKOUT, scratchFolder: DATA_FOLDER, environment, signal: aborted, shown: atOnce === 1 },
    timeoutMs: options.full ? FULL_TIMEOUT_MS : TIMEOUT_MS,
    totalTimeoutMs: (options.full ? FULL_TIMEOUT_MS : TIMEOUT_MS) + 60_000,
  });
}

async function clearData(): Promise<Claim> {
  const claim = claimDataFolder(DATA_FOLDER);
  for (const name of readdirSync(DATA_FOLDER).filter((entry) => !entry.startsWith('launcher.lock'))) {
    await endLeftovers(join(DATA_FOLDER, name), PART_NAMES);
    rmSync(join(DATA_FOLDER, name), { recursive: true, force: true });
  }
  return claim;
}

const started: TestServers[] = [];

/** Brings a set of servers up. @returns the tasks that need it. */
async function startServers(
  name: ServersName,
  its: readonly string[],
  progress: Progress,
  aborted: AbortSignal,
): Promise<TestTask[]> {
  if (its.length === 0) return [];
  const servers = new TestServers(name, DATA_FOLDER);
  started.push(servers);
  await servers.start(progress, aborted);
  return inGroups(its).map((group) => stackTask(group, servers));
}

/** Tasks by the servers that they need, each batch there when its servers are up. */
function batches(aborted: AbortSignal): Promise<readonly TestTask[]>[] {
  const stackFiles = files.filter((file) => partOf(file) !== 'unit');
  const bound = stackFiles.filter(needsServers);
  const breakers = bound.filter((file) => options.full || breaksServers(file));
  const sharers = bound.filter((file) => !breakers.includes(file));
  const again = paths.length > 0 || options.full || localDatabase() !== undefined ? [] : bound.filter(alsoOnMariadb);
  const free: TestTask[] = [
    ...unitTasks(),
    ...stackFiles.filter((file) => !needsServers(file)).map((file) => stackTask([file])),
  ];
  const [first, second]: [ServersName, ServersName] = sharers.length > 0 ? ['shared', 'alone'] : ['alone', 'shared'];
  const filesOf = { shared: sharers, alone: breakers, mariadb: again };
  const start = (name: ServersName, progress: Progress) => startServers(name, filesOf[name], progress, aborted);
  // The API serves it, and the checks look at the types that it is made with.
  const built = buildConsole(CHECKOUT, aborted);
  const up = Promise.all([start(first, 'shown'), built]).then(([tasks]) => tasks);
  void up.then(
    () => printing.resolve(),
    () => printing.resolve(),
  );
  // The others find everything fetched and built. Where MySQL is not to be had, all has run on MariaDB already.
  const isMysql = () => started[0]?.database === 'mysql';
  return [
    atOnce === 1 ? up.then(() => free) : Promise.resolve(free),
    built.then(() => (wanted.has('checks') && paths.length === 0 ? checkTasks() : [])),
    up,
    up.then(() => start(second, 'silent')),
    up.then(() => (isMysql() ? start('mariadb', 'silent') : [])),
  ];
}

async function run(signal: AbortSignal): Promise<void> {
  const claim = await clearData();
  const ended = new AbortController();
  const all = batches(AbortSignal.any([signal, ended.signal]));
  try {
    await runTasks(all, atOnce, signal);
  } finally {
    ended.abort(new Interrupted('the run has ended'));
    await Promise.allSettled(all);
    await Promise.all(started.map((servers) => servers.stop()));
    claim.release();
  }
}

const signal = listenForInterruption(() => process.exit(130));
try {
  await run(signal);
  const counts = addCounts(counted);
  // Here again: in a long output nobody finds what failed in the middle of it.
  for (const { title, failures } of failed) if (failures !== '') console.log(`\n✖ ${title}\n${failures}`);
  console.log(failed.length === 0 ? '' : `\nFailed:\n${failed.map(({ title }) => `  ${title}`).join('\n')}\n`);
  console.log(countLine(counts));
  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
} catch (error) {
  if (signal.aborted || error instanceof Interrupted) process.exitCode = 130;
  else {
    console.error(error instanceof Error ? error.message : error);
    console.log('\n0 passed, 1 failed');
    process.exitCode = 1;
  }
}
