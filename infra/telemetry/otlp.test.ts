import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { readConfig } from '../config.ts';
import { createLogger } from '../logger.ts';
import { inSpan } from './spans.ts';
import { startTelemetry } from './telemetry.ts';

async function collector(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Makes a span and stops. @returns the log, and how long the stop took. */
async function spanAndStop(url: string): Promise<{ lines: string[]; tookMs: number }> {
  const lines: string[] = [];
  const config = readConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x',
  });
  const telemetry = await startTelemetry(config, 'api', createLogger('info', { write: (line) => lines.push(line) }));
  await inSpan('work', undefined, async () => undefined);
  const startedAt = performance.now();
  await telemetry?.close();
  return { lines, tookMs: performance.now() - startedAt };
}

test('a stop delivers what is left, with the headers of the settings', async () => {
  const asked: string[] = [];
  using good = await collector((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization} ${request.headers['content-type']}`);
    response.end('{}');
  });
  const { lines } = await spanAndStop(good.url);
  assert.deepEqual(asked, ['/v1/traces Bearer x application/json']);
  assert.deepEqual(lines, []);
});

test('a collector that refuses is reported in the log', async () => {
  using refusing = await collector((_request, response) => response.writeHead(400).end());
  const { lines } = await spanAndStop(refusing.url);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /"level":"warn".*spans are not delivered/);
});

test('a collector that does not answer holds a stop up for two seconds at most', async () => {
  using silent = await collector(() => undefined);
  const { tookMs } = await spanAndStop(silent.url);
  assert.ok(tookMs >= 1_900 && tookMs < 6_000, `${tookMs} ms`);
});
