/** Runs checks and test files and counts what passed and failed. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { systemVariables, type Variables } from './environment.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const countsSchema = z.object({
  passed: z.number(),
  failed: z.number(),
  cancelled: z.number(),
  skipped: z.number(),
  todo: z.number(),
});

export function addCounts(all: readonly Counts[]): Counts {
  return all.reduce(
    (sum, counts) => ({
      passed: sum.passed + counts.passed,
      failed: sum.failed + counts.failed,
      skipped: sum.skipped + counts.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  );
}

/** The closing line. */
export function countLine(counts: Counts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}

export interface Check {
  readonly title: string;
  /** The program's path inside node_modules, then its arguments. */
  readonly command: readonly [string, ...string[]];
}

/** One check counts as one test; what it says is shown only when it fails. */
export async function runCheck(check: Check, checkout: string, signal: AbortSignal): Promise<Counts> {
  const [command, ...args] = check.command;
  const startedAt = Date.now();
  const result = await execa(join(checkout, 'node_modules', command), args, {
    cwd: checkout,
    env: systemVariables(),
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    reject: false,
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`${result.failed ? '✖' : '✔'} ${check.title} (${seconds} s)`);
  if (result.failed) console.log(result.all === '' ? result.shortMessage : result.all);
  return { passed: result.failed ? 0 : 1, failed: result.failed ? 1 : 0, skipped: 0 };
}

/** Counts as the reporter wrote them; a run that wrote none has failed as a whole. */
export function readCounts(text: string | undefined, exitCode: number | undefined): Counts {
  const parsed = text === undefined || text === '' ? undefined : countsSchema.parse(JSON.parse(text));
  const failed = (parsed?.failed ?? 0) + (parsed?.cancelled ?? 0);
  const skipped = (parsed?.skipped ?? 0) + (parsed?.todo ?? 0);
  // A process that crashed after its tests, or before them, is a failure that no test counted.
  return { passed: parsed?.passed ?? 0, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped };
}

export interface TestFilesOptions {
  readonly checkout: string;
  /** Where the counts are written. */
  readonly scratchFolder: string;
  readonly environment: Variables;
  /** How many files run at a time; as many as there are processors when it is undefined. */
  readonly atOnce: number | undefined;
  /** A test, or a file as a whole, that takes longer has failed. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Default: shown. */
  readonly output?: 'inherit' | 'ignore';
}

/** Runs test files in order of their names, with exactly the given environment. */
export async function runTestFiles(files: readonly string[], options: TestFilesOptions): Promise<Counts> {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  mkdirSync(options.scratchFolder, { recursive: true });
  const countsFile = join(options.scratchFolder, 'counts.json');
  rmSync(countsFile, { force: true });
  const reporters = [
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...[`--test-reporter=${join(import.meta.dirname, 'test-counts.ts')}`, `--test-reporter-destination=${countsFile}`],
  ];
  const limits = [
    `--test-timeout=${options.timeoutMs}`,
    ...(options.atOnce === undefined ? [] : [`--test-concurrency=${options.atOnce}`]),
  ];
  const result = await execa(process.execPath, ['--test', ...limits, ...reporters, ...[...files].sort()], {
    cwd: options.checkout,
    env: { ...systemVariables(), ...options.environment },
    extendEnv: false,
    stdio: ['ignore', options.output ?? 'inherit', options.output ?? 'inherit'],
    reject: false,
    cancelSignal: options.signal,
  });
  options.signal.throwIfAborted();
  return readCounts(readIfThere(countsFile), result.exitCode);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
