/** Stopping an HTTP server without cutting who is being served. */
import type { Server } from 'node:http';

/** How soon a connection that has become idle is closed; by itself it would wait for its keep-alive time. */
const CLOSE_IDLE_EVERY_MS = 50;

/** Accepts nothing new, lets running requests end, and cuts what still runs after `graceMs`. */
export async function drain(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const closeIdle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(closeIdle);
  clearTimeout(cut);
}
