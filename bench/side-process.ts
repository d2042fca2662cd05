/** A process other than the product: the upstream, or what the product is measured against. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cacheFolder, systemVariables, type Variables } from '../devstack/environment.ts';
import { claimPort } from '../devstack/ports.ts';
import { logTail, runningProcess, startProcess, stopProcess } from '../devstack/server-process.ts';

const FIRST_PORT = 22_000;
/** A worker bundles its workflows first, and LiteLLM loads for long: a busy machine takes minutes. */
const HEALTHY_WITHIN_MS = 180_000;
const PROBE_EVERY_MS = 50;
const STOP_GRACE_MS = 2_000;

export interface SideProcess {
  readonly url: string;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

export interface SideProcessOptions {
  readonly name: string;
  readonly dataFolder: string;
  readonly command: string;
  readonly args: (port: number) => readonly string[];
  /** What answers 200 when it is ready; default: /healthz. */
  readonly healthPath?: string;
  /** Beside PATH, HOME and the like. */
  readonly environment?: Variables;
  readonly workingFolder?: string;
}

/** Starts it and waits until it is ready. @throws with the end of its log when it does not become so. */
export async function startSideProcess(options: SideProcessOptions): Promise<SideProcess> {
  const { name, dataFolder, command, args, healthPath = '/healthz' } = options;
  const { port } = await claimPort(FIRST_PORT, join(cacheFolder(), 'ports'));
  await startProcess(dataFolder, name, {
    command,
    args: args(port),
    environment: { ...systemVariables(), ...options.environment },
    workingFolder: options.workingFolder ?? import.meta.dirname,
  });
  const side: SideProcess = {
    url: `http://127.0.0.1:${port}`,
    get pid() {
      return runningProcess(dataFolder, name)?.pid;
    },
    stop: () => stopProcess(dataFolder, name, STOP_GRACE_MS),
  };
  for (const end = Date.now() + HEALTHY_WITHIN_MS; ; ) {
    const healthy = await fetch(side.url + healthPath).then(
      (answer) => answer.ok,
      () => false,
    );
    if (healthy) return side;
    if (side.pid === undefined || Date.now() > end) {
      await side.stop();
      throw new Error(`${name} is not healthy. The end of its log:\n${logTail(dataFolder, name)}`);
    }
    await delay(PROBE_EVERY_MS);
  }
}
