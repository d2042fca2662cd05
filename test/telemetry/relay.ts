/** Stands before the simulator as a provider of its own: keeps the headers that come, and fails the first call. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProviderRelay {
  readonly host: string;
  readonly headers: readonly IncomingHttpHeaders[];
  /** The next call is never answered. @returns whether it has come. */
  hangNext(): () => boolean;
  close(): void;
}

export async function startProviderRelay(target: () => string): Promise<ProviderRelay> {
  const headers: IncomingHttpHeaders[] = [];
  let hanging = 0;
  const server = createServer(async (request, response) => {
    headers.push(request.headers);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    if (hanging === headers.length) return;
    if (headers.length === 1) {
      response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":{"message":"busy"}}');
      return;
    }
    const answer = await fetch(`${target()}${request.url}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' },
      body: Buffer.concat(chunks),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    headers,
    hangNext: () => {
      hanging = headers.length + 1;
      return () => headers.length >= hanging;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
