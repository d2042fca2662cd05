/**
 * Metrics of the Temporal SDK. The SDK serves them on a local port; the worker's port shows them with its own, so that
 * one scrape gets all.
 */
import { createServer } from 'node:net';

const READ_WITHIN_MS = 2_000;
const TRIES = 10;

/** Reads Prometheus text; empty while the SDK does not answer. */
export type ReadTemporalMetrics = () => Promise<string>;

/**
 * Makes the SDK serve its metrics on a free port. If another process takes the port first, another one is tried.
 * @param install starts the SDK's runtime with that address; throws when it is taken.
 */
export async function serveTemporalMetrics(install: (bindAddress: string) => void): Promise<ReadTemporalMetrics> {
  for (let tries = 1; ; tries += 1) {
    const bindAddress = `127.0.0.1:${await freePort()}`;
    try {
      install(bindAddress);
      return () => readMetrics(bindAddress);
    } catch (error) {
      const isTaken = error instanceof Error && error.message.includes('Address already in use');
      if (!isTaken || tries === TRIES) throw error;
    }
  }
}

async function readMetrics(bindAddress: string): Promise<string> {
  try {
    const answer = await fetch(`http://${bindAddress}/metrics`, { signal: AbortSignal.timeout(READ_WITHIN_MS) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
