/** Chooses loopback ports: the wanted one where it is free, else the next free one. A busy port is never touched. */
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type Claim, tryClaim } from './claims.ts';

const CANDIDATES = 200;

function answers(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 500 });
    const end = (busy: boolean) => {
      socket.destroy();
      resolve(busy);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(true));
    socket.once('error', () => end(false));
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether the port is free. Listening is not enough: on macOS it succeeds although a server uses 0.0.0.0. */
export async function isPortFree(port: number): Promise<boolean> {
  return !(await answers(port, '127.0.0.1')) && !(await answers(port, '::1')) && (await canListen(port));
}

export interface ClaimedPort {
  readonly port: number;
  readonly claim: Claim;
}

/**
 * The first free port from `wanted` on, claimed in `claimFolder` so that two launchers that look at the same moment
 * do not take the same one.
 * @throws Error when none of the next 200 is free.
 */
export async function claimPort(
  wanted: number,
  claimFolder: string,
  isFree: (port: number) => Promise<boolean> = isPortFree,
): Promise<ClaimedPort> {
  for (let port = wanted; port < Math.min(wanted + CANDIDATES, 65_536); port += 1) {
    const claim = tryClaim(join(claimFolder, String(port)));
    if (!claim) continue;
    if (await isFree(port)) return { port, claim };
    claim.release();
  }
  throw new Error(`no free port from ${wanted} to ${wanted + CANDIDATES - 1}`);
}
