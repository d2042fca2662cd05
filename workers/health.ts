/** The worker's own port: alive, and its metrics. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Only the orchestrator and Prometheus are meant to reach it. */
export function serveHealth(
  host: string,
  port: number,
  metrics: () => Promise<string>,
): Promise<{ port: number; close: () => void }> {
  const server: Server = createServer(async (request, response) => {
    if (request.url === '/healthz') response.end('ok\n');
    else if (request.url === '/metrics') response.setHeader('content-type', 'text/plain').end(await metrics());
    else response.writeHead(404).end();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address: AddressInfo | string | null = server.address();
      resolve({ port: typeof address === 'object' && address ? address.port : port, close: () => server.close() });
    });
  });
}
