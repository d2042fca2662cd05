/** Who may work in a data folder: one launcher at a time, which first ends what a killed one left behind. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Claim, claimOwner, tryClaim } from './claims.ts';
import { leftoverProcesses, stopProcess } from './server-process.ts';

const LEFTOVER_GRACE_MS = 10_000;

function claimFile(dataFolder: string): string {
  return join(dataFolder, 'launcher.lock');
}

/** The pid of the launcher that runs in the data folder; undefined when none does. */
export function runningLauncher(dataFolder: string): number | undefined {
  return claimOwner(claimFile(dataFolder))?.pid;
}

/** @throws Error naming the process that holds the folder. */
export function claimDataFolder(dataFolder: string): Claim {
  mkdirSync(dataFolder, { recursive: true });
  const claim = tryClaim(claimFile(dataFolder));
  if (claim) return claim;
  const pid = runningLauncher(dataFolder);
  throw new Error(
    `Process ${pid} runs in ${dataFolder} already, and two cannot. Stop it with Ctrl-C in its terminal, or: kill ${pid}`,
  );
}

/** Ends the project's own processes in the data folder; servers stay. */
export async function endServices(dataFolder: string, servers: readonly string[]): Promise<void> {
  const names = leftoverProcesses(dataFolder).filter((name) => !servers.includes(name));
  await Promise.all(names.map((name) => stopProcess(dataFolder, name, LEFTOVER_GRACE_MS)));
}

/** Ends what a killed launcher left running: our processes first, then the servers they use. */
export async function endLeftovers(dataFolder: string, servers: readonly string[]): Promise<void> {
  await endServices(dataFolder, servers);
  await Promise.all(leftoverProcesses(dataFolder).map((name) => stopProcess(dataFolder, name, LEFTOVER_GRACE_MS)));
}
