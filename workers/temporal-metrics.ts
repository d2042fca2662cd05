/**
 * Temporal's own metrics of a worker. The SDK serves them on a port of its own, which stays on this machine; they go out
 * with the rest on the worker's port, so that one scrape brings all.
 */
import { createServer } from 'node:net';

const READ_WITHIN_MS = 2_000;

export interface TemporalMetrics {
  /** For the SDK's telemetry options. */
  readonly bindAddress: string;
  /** Prometheus text; empty while the SDK does not answer. */
  read(): Promise<string>;
}

/** Chooses a free port for the SDK. */
export async function temporalMetrics(): Promise<TemporalMetrics> {
  const bindAddress = `127.0.0.1:${await freePort()}`;
  return {
    bindAddress,
    async read() {
      try {
        const answer = await fetch(`http://${bindAddress}/metrics`, { signal: AbortSignal.timeout(READ_WITHIN_MS) });
        return answer.ok ? await answer.text() : '';
      } catch {
        return '';
      }
    },
  };
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
