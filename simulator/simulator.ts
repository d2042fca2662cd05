/** The keyless provider: an HTTP server that speaks the vendors' own wire formats, with ground truth and faults. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { anthropicRoutes } from './anthropic/routes.ts';
import { arkRoutes } from './ark/routes.ts';
import { compatibleRoutes } from './compatible/routes.ts';
import { controlRoutes } from './control/routes.ts';
import { dashscopeRoutes } from './dashscope/routes.ts';
import { FaultRules } from './faults/fault-rules.ts';
import { imageRoute } from './images/drawn-image.ts';
import { Journal } from './journal/journal.ts';
import { Keys } from './keys.ts';
import { openaiRoutes } from './openai/routes.ts';
import { Router } from './routes.ts';
import type { Shared } from './serve-call.ts';

/** Longer than a client's pool keeps a connection, so that the client closes first and no request meets a closing one. */
const KEEP_ALIVE_MS = 75_000;

export interface Simulator {
  /** For example `http://127.0.0.1:8070`. */
  url: string;
  /** Cuts open calls and stops listening. Safe to call twice. */
  close(): Promise<void>;
}

/** Starts a simulator with its own journal, faults and keys. Port 0 takes a free port. */
export async function startSimulator(options: { port?: number; host?: string } = {}): Promise<Simulator> {
  const host = options.host ?? '127.0.0.1';
  const shared: Shared = { journal: new Journal(), rules: new FaultRules(), keys: new Keys() };
  const router = new Router([
    ...controlRoutes(shared),
    ...openaiRoutes(shared),
    ...dashscopeRoutes(shared),
    ...arkRoutes(shared),
    ...anthropicRoutes(shared),
    ...compatibleRoutes(shared),
    imageRoute(),
  ]);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    serve(router, request, response).catch((error: unknown) => {
      console.error(`simulator: ${request.method} ${request.url} failed:`, error);
      if (!response.headersSent) response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(router: Router, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`);
  const found = router.find(request.method ?? 'GET', url);
  if (found) return found.route.handle(request, response, found.match);
  response.writeHead(404, { 'content-type': 'application/json' });
  const message = `Invalid URL (${request.method} ${url.pathname})`;
  response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', param: null, code: null } }));
}
