/**
 * A process started by the launcher: its log and its identity are files in the data folder, so that any later
 * launcher (the next `npm start`, a test) can end it, and nothing else, even after a kill -9 of the first one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Variables } from './environment.ts';
import { identify, isRunning, ownIdentity, type ProcessIdentity, parseIdentity } from './process-identity.ts';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly environment: Variables;
  readonly workingFolder: string;
}

const POLL_MS = 20;

function identityFile(dataFolder: string, name: string): string {
  return join(dataFolder, 'run', `${name}.json`);
}

/** Who started it: one whose starter has ended without stopping it is nobody's. */
function starterFile(dataFolder: string, name: string): string {
  return join(dataFolder, 'run', `${name}.starter`);
}

/** The log of a process in the data folder; it is appended to at each start. */
export function logFile(dataFolder: string, name: string): string {
  return join(dataFolder, 'logs', `${name}.log`);
}

function runningOf(file: string): ProcessIdentity | undefined {
  try {
    const identity = parseIdentity(readFileSync(file, 'utf8'));
    return identity && isRunning(identity) ? identity : undefined;
  } catch {
    return undefined;
  }
}

/** The running process of that name, found by its identity file. */
export function runningProcess(dataFolder: string, name: string): ProcessIdentity | undefined {
  return runningOf(identityFile(dataFolder, name));
}

/**
 * Starts a process in a group of its own, so that Ctrl-C in a terminal reaches the launcher only.
 * @throws Error when the program cannot be started, or when one of that name runs already.
 */
export async function startProcess(dataFolder: string, name: string, launch: Launch): Promise<ChildProcess> {
  const earlier = runningProcess(dataFolder, name);
  if (earlier) throw new Error(`${name} runs already (process ${earlier.pid})`);
  mkdirSync(join(dataFolder, 'run'), { recursive: true });
  mkdirSync(join(dataFolder, 'logs'), { recursive: true });
  writeFileSync(starterFile(dataFolder, name), JSON.stringify(ownIdentity()), { mode: 0o600 });
  const log = openSync(logFile(dataFolder, name), 'a', 0o600);
  try {
    const child = spawn(launch.command, launch.args, {
      cwd: launch.workingFolder,
      env: launch.environment,
      stdio: ['ignore', log, log],
      detached: true,
    });
    // A test file that has started a server again must be able to end while the server goes on.
    child.unref();
    // Written before anything is awaited: a launcher killed from here on leaves no process that nobody knows.
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity) writeFileSync(identityFile(dataFolder, name), JSON.stringify(identity), { mode: 0o600 });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return child;
  } finally {
    closeSync(log);
  }
}

/** Sends a signal to the process of that name. Answers whether there was one. */
export function signalProcess(dataFolder: string, name: string, signal: NodeJS.Signals): boolean {
  const identity = runningProcess(dataFolder, name);
  if (!identity) return false;
  process.kill(identity.pid, signal);
  return true;
}

/** Waits until the process has ended; false if it still runs after `withinMs`. */
async function waitForEnd(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const end = Date.now() + withinMs;
  while (isRunning(identity)) {
    if (Date.now() > end) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Ends the process of that name, by SIGKILL after the grace. Does nothing when none runs. */
export async function stopProcess(dataFolder: string, name: string, graceMs: number): Promise<void> {
  const identity = runningProcess(dataFolder, name);
  if (identity) {
    process.kill(identity.pid, 'SIGTERM');
    if (!(await waitForEnd(identity, graceMs))) {
      process.kill(identity.pid, 'SIGKILL');
      await waitForEnd(identity, 10_000);
    }
  }
  rmSync(identityFile(dataFolder, name), { force: true });
  rmSync(starterFile(dataFolder, name), { force: true });
}

/** Ends the process of that name if the one that started it was killed. */
export async function stopOrphan(dataFolder: string, name: string, graceMs: number): Promise<void> {
  if (runningOf(starterFile(dataFolder, name)) === undefined) await stopProcess(dataFolder, name, graceMs);
}

/** Waits for the end of the process after a signal that ends it. */
export async function waitForProcessEnd(dataFolder: string, name: string, withinMs = 10_000): Promise<void> {
  const identity = runningProcess(dataFolder, name);
  if (identity && !(await waitForEnd(identity, withinMs))) throw new Error(`${name} did not end`);
}

/** The names of processes in the data folder that still run, left by a launcher that was killed. */
export function leftoverProcesses(dataFolder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(join(dataFolder, 'run'));
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .filter((name) => runningProcess(dataFolder, name) !== undefined);
}

/** The end of a process's log, for error messages. */
export function logTail(dataFolder: string, name: string, lines = 25): string {
  const file = logFile(dataFolder, name);
  try {
    const size = statSync(file).size;
    const text = readFileSync(file, 'utf8').slice(-Math.min(size, 8_000));
    return text.trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '(no log)';
  }
}
