/** One server of a running stack: start, stop, kill, for the launcher and for tests that break things on purpose. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Variables } from './environment.ts';
import type { PartName, PartSetup, ServerPart } from './part.ts';
import {
  logFile,
  logTail,
  runningProcess,
  signalProcess,
  startProcess,
  stopProcess,
  waitForProcessEnd,
} from './server-process.ts';
import type { PartState } from './stack-state.ts';

const READY_WITHIN_MS = 90_000;
const PROBE_EVERY_MS = 50;

export interface StackPart {
  readonly name: PartName;
  readonly settings: Variables;
  /** Undefined while it does not run, and always for a server that the user named. */
  readonly pid: number | undefined;
  /** Sends a signal; after SIGKILL it waits until the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends it in good order. Does nothing when it does not run. */
  stop(): Promise<void>;
  /** Starts it on the same port and data and waits until it answers a query. */
  start(signal?: AbortSignal): Promise<void>;
}

/**
 * Waits until the server answers a real query.
 * @throws Error with the end of its log when it ends or does not answer in time.
 */
async function waitUntilReady(part: ServerPart, settings: Variables, dataFolder: string, signal?: AbortSignal) {
  const end = Date.now() + READY_WITHIN_MS;
  for (;;) {
    signal?.throwIfAborted();
    const fault = await part.probe(settings).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const runs = runningProcess(dataFolder, part.name) !== undefined;
    if (fault === undefined && runs) return;
    if (!runs || Date.now() > end) {
      const what = runs ? `does not answer after ${READY_WITHIN_MS / 1000} s (${fault})` : 'ended while it started';
      const log = logFile(dataFolder, part.name);
      throw new Error(`${part.title} ${what}. The end of ${log}:\n${logTail(dataFolder, part.name)}`);
    }
    await delay(PROBE_EVERY_MS);
  }
}

/** Sends a signal to a server in the data folder; after SIGKILL it waits until the process has ended. */
export async function killPart(dataFolder: string, name: PartName, signal: NodeJS.Signals): Promise<void> {
  signalProcess(dataFolder, name, signal);
  if (signal === 'SIGKILL') await waitForProcessEnd(dataFolder, name);
}

/** A server that this stack has started, in the data folder. */
export function ownPart(part: ServerPart, state: PartState & { password: string }, dataFolder: string): StackPart {
  const { installation } = state;
  if (!installation) throw new Error(`${part.title} is not ours to start`);
  const folder = join(dataFolder, part.name);
  const setup: PartSetup = { folder, ports: state.ports, password: state.password, installation };
  return {
    name: part.name,
    settings: state.settings,
    get pid() {
      return runningProcess(dataFolder, part.name)?.pid;
    },
    kill: (signal) => killPart(dataFolder, part.name, signal),
    stop: () => stopProcess(dataFolder, part.name, part.stopGraceMs),
    start: async (signal) => {
      await startProcess(dataFolder, part.name, await part.prepare(setup));
      await waitUntilReady(part, state.settings, dataFolder, signal);
      await part.afterStart?.(setup);
    },
  };
}

/** A server that the user named in the environment: used, never started or stopped. */
export function foreignPart(part: ServerPart, settings: Variables): StackPart {
  const refuse = async () => {
    throw new Error(`${part.title} was named in the environment; it is not ours to start or stop`);
  };
  return { name: part.name, settings, pid: undefined, kill: refuse, stop: async () => undefined, start: refuse };
}
