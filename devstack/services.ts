/**
 * The project's own processes (API, worker, simulator) with an explicit environment, each on a port of its own.
 * Used by `npm start`, and by tests that start several of them and kill them on purpose.
 */
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseDurationMs } from '../infra/config/setting-types.ts';
import { cacheFolder, systemVariables, type Variables } from './environment.ts';
import { claimPort } from './ports.ts';
import {
  logFile,
  logTail,
  runningProcess,
  signalProcess,
  startProcess,
  stopOrphan,
  stopProcess,
  waitForProcessEnd,
} from './server-process.ts';

export type ServiceKind = 'api' | 'worker' | 'simulator';

const CHECKOUT = resolve(import.meta.dirname, '..');
/** Where tests look for free ports: below the range from which systems give ports to outgoing connections. */
const FIRST_TEST_PORT = 21_000;
const HEALTHY_WITHIN_MS = 90_000;
const PROBE_EVERY_MS = 100;
/** What a process may need beyond SHUTDOWN_GRACE to close its connections. */
const CLOSING_MS = 15_000;
const USUAL_SHUTDOWN_MS = 25_000;
const ORPHAN_GRACE_MS = 2_000;

interface ServiceEntry {
  readonly script: string;
  readonly args: (port: number) => readonly string[];
  readonly settings: (port: number) => Variables;
}

const ENTRIES: Readonly<Record<ServiceKind, ServiceEntry>> = {
  api: { script: 'api/server.ts', args: () => [], settings: (port) => ({ PORT: String(port) }) },
  worker: { script: 'workers/main.ts', args: () => [], settings: (port) => ({ WORKER_PORT: String(port) }) },
  simulator: { script: 'simulator/main.ts', args: (port) => ['--port', String(port)], settings: () => ({}) },
};

export interface ServiceOptions {
  readonly kind: ServiceKind;
  readonly dataFolder: string;
  /** Names log and identity file; two of a kind in one data folder need two names. Default: the kind. */
  readonly name?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Whose code runs; default: this one's. */
  readonly checkout?: string;
  /** Settings of the product; apart from them the process sees only PATH, HOME and the like. */
  readonly environment: Variables;
  /** Called if it ends without a stop by this object. */
  readonly onUnexpectedEnd?: (how: string) => void;
}

export interface Service {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly pid: number | undefined;
  readonly logFile: string;
  /** Starts it (again, on the same port) and waits until it is healthy. */
  start(signal?: AbortSignal): Promise<void>;
  /** Sends a signal; after SIGKILL it waits until the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends it in good order, by SIGKILL after the grace. Does nothing when it does not run. */
  stop(graceMs?: number): Promise<void>;
}

function stopGraceMs({ SHUTDOWN_GRACE = '' }: Variables): number {
  return CLOSING_MS + (parseDurationMs(SHUTDOWN_GRACE) ?? USUAL_SHUTDOWN_MS);
}

/** Where the process answers on this machine: 0.0.0.0 means every address. */
function reachableHost(kind: ServiceKind, environment: Variables): string {
  const host = { api: environment.HOST, worker: environment.WORKER_HOST, simulator: undefined }[kind];
  if (!host || host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** @throws Error with the end of the log when the process ends or is not healthy in time. */
async function waitUntilHealthy(service: Service, dataFolder: string, signal?: AbortSignal): Promise<void> {
  const end = Date.now() + HEALTHY_WITHIN_MS;
  for (;;) {
    signal?.throwIfAborted();
    const healthy = await fetch(`${service.url}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
      (answer) => answer.ok,
      () => false,
    );
    const runs = runningProcess(dataFolder, service.name) !== undefined;
    if (healthy && runs) return;
    if (!runs || Date.now() > end) {
      const what = runs ? `is not healthy after ${HEALTHY_WITHIN_MS / 1000} s` : 'ended while it started';
      throw new Error(`${service.name} ${what}. The end of ${service.logFile}:\n${logTail(dataFolder, service.name)}`);
    }
    await delay(PROBE_EVERY_MS);
  }
}

/** One process of a service. Its end may be heard of only when the next one already runs. */
interface Run {
  endIsExpected: boolean;
}

async function launch(options: ServiceOptions, name: string, port: number, run: Run): Promise<void> {
  const entry = ENTRIES[options.kind];
  const checkout = options.checkout ?? CHECKOUT;
  const child = await startProcess(options.dataFolder, name, {
    command: process.execPath,
    args: [join(checkout, entry.script), ...entry.args(port)],
    environment: { ...systemVariables(), ...options.environment, ...entry.settings(port) },
    workingFolder: checkout,
  });
  child.once('exit', (code, signal) => {
    if (!run.endIsExpected) options.onUnexpectedEnd?.(signal ?? `exit code ${code}`);
  });
}

/** Another process may take a port between its choice and its use. */
const PORTS_TRIED = 3;

/** Starts one process and waits until it answers GET /healthz. Without a port of its own it gets a free one. */
export async function startService(options: ServiceOptions, signal?: AbortSignal): Promise<Service> {
  if (options.port !== undefined) return startAt(options, options.port, signal);
  for (let tried = 1; ; tried += 1) {
    const { port } = await claimPort(FIRST_TEST_PORT, join(cacheFolder(), 'ports'));
    try {
      return await startAt(options, port, signal);
    } catch (error) {
      const isTaken = error instanceof Error && error.message.includes('EADDRINUSE');
      if (!isTaken || tried === PORTS_TRIED) throw error;
    }
  }
}

async function startAt(options: ServiceOptions, port: number, signal?: AbortSignal): Promise<Service> {
  const { dataFolder, kind } = options;
  const name = options.name ?? kind;
  let run: Run = { endIsExpected: false };
  const service: Service = {
    name,
    port,
    url: `http://${reachableHost(kind, options.environment)}:${port}`,
    logFile: logFile(dataFolder, name),
    get pid() {
      return runningProcess(dataFolder, name)?.pid;
    },
    start: async (startSignal) => {
      run = { endIsExpected: false };
      await launch(options, name, port, run);
      await waitUntilHealthy(service, dataFolder, startSignal);
    },
    kill: async (killSignal) => {
      run.endIsExpected = true;
      signalProcess(dataFolder, name, killSignal);
      if (killSignal === 'SIGKILL') await waitForProcessEnd(dataFolder, name);
    },
    stop: async (graceMs = stopGraceMs(options.environment)) => {
      run.endIsExpected = true;
      await stopProcess(dataFolder, name, graceMs);
    },
  };
  // A test that was killed has left it, and nobody waits for what it still does.
  await stopOrphan(dataFolder, name, ORPHAN_GRACE_MS);
  try {
    await service.start(signal);
  } catch (error) {
    await service.stop(0);
    throw error;
  }
  return service;
}
