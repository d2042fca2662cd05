/** A receiver of webhooks on a port of its own: stores what arrives, and answers as the test says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly atMs: number;
}

export interface Receiver {
  readonly port: number;
  readonly received: readonly Received[];
  /** What came to one path. */
  at(path: string): Received[];
  /** Status of the next answers at a path, 200 unless set; a redirect names a place. */
  answerWith(path: string, status: number): void;
  close(): void;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const statuses = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      received.push({ path, headers, body: Buffer.concat(chunks).toString(), atMs: Date.now() });
      response.writeHead(statuses.get(path) ?? 200, { location: '/elsewhere' }).end('received, thank you');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    received,
    at: (path) => received.filter((message) => message.path === path),
    answerWith: (path, status) => statuses.set(path, status),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
