/** Runs checks and test files and counts what passed and failed. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
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

const MOST_LINES = 80;

/** The failures in what a test file said: the list at its end, or its last lines where it did not come to that. */
export function failuresIn(output: string): string {
  const [, list] = output.split(/^✖ failing tests:$/m);
  const lines = (list ?? output).trim().split('\n');
  return (list === undefined ? lines.slice(-MOST_LINES) : lines.slice(0, MOST_LINES)).join('\n');
}

export interface Check {
  readonly title: string;
  /** The program's path inside node_modules, then its arguments. */
  readonly command: readonly [string, ...string[]];
}

export interface Outcome {
  readonly counts: Counts;
  /** What it said; empty where that was shown as it came. */
  readonly output: string;
}

/** One check counts as one test; what it says matters only when it fails. */
export async function runCheck(check: Check, checkout: string, signal: AbortSignal): Promise<Outcome> {
  const [command, ...args] = check.command;
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
  const said = result.all === undefined || result.all === '' ? result.shortMessage : result.all;
  if (!result.failed) return { counts: { passed: 1, failed: 0, skipped: 0 }, output: '' };
  return { counts: { passed: 0, failed: 1, skipped: 0 }, output: said ?? '' };
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
  /** A test that takes longer has failed. */
  readonly timeoutMs: number;
  /** All of it: what still runs then is killed, and has failed. */
  readonly totalTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Whether what they say is shown as it comes. Default: it is collected. */
  readonly shown?: boolean;
}

/** Runs test files in one process, one after the other in order of their names, with exactly the given environment. */
export async function runTestFiles(files: readonly string[], options: TestFilesOptions): Promise<Outcome> {
  mkdirSync(options.scratchFolder, { recursive: true });
  const countsFile = join(options.scratchFolder, `counts-${randomUUID()}.json`);
  const reporter = (name: string, destination: string) => [
    `--test-reporter=${join(import.meta.dirname, name)}`,
    `--test-reporter-destination=${destination}`,
  ];
  // One process for all: some files load for a second what they test in a hundredth of one.
  const several = files.length === 1 ? [] : ['--test', '--test-isolation=none'];
  const args = [
    ...[...several, `--test-timeout=${options.timeoutMs}`],
    ...[...reporter('test-spec.ts', 'stdout'), ...reporter('test-counts.ts', countsFile)],
  ];
  const result = await execa(process.execPath, [...args, ...[...files].sort()], {
    cwd: options.checkout,
    env: { ...systemVariables(), ...options.environment },
    extendEnv: false,
    stdin: 'ignore',
    ...(options.shown ? { stdout: 'inherit', stderr: 'inherit' } : { all: true }),
    timeout: options.totalTimeoutMs,
    reject: false,
    cancelSignal: options.signal,
  });
  options.signal.throwIfAborted();
  const late = result.timedOut ? `\nkilled: it had not ended after ${options.totalTimeoutMs / 1000} s` : '';
  return {
    counts: readCounts(readIfThere(countsFile), result.exitCode),
    output: `${typeof result.all === 'string' ? result.all : ''}${late}`,
  };
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
