import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { readConfig } from '../../infra/config.ts';
import { lookAtCollector } from './collector.ts';

async function collector(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function findingAt(url: string, headers = '') {
  const config = readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_HEADERS: headers });
  const [finding, ...more] = await lookAtCollector(config);
  assert.deepEqual(more, []);
  assert.equal(finding?.part, 'Traces');
  return finding;
}

test('telemetry that is off is said, and nobody is asked', async () => {
  const { state, text } = await findingAt('');
  assert.equal(state, 'good');
  assert.match(text, /^off/);
});

test('a collector is asked as the exporter asks it, without spans', async () => {
  const asked: string[] = [];
  using good = await collector(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    asked.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
    response.end('{}');
  });
  const { state, text } = await findingAt(`${good.url}/`, 'authorization=Bearer%20x');
  assert.deepEqual(asked, ['POST /v1/traces Bearer x {"resourceSpans":[]}']);
  assert.equal(state, 'good', text);
});

test('one that refuses, is something else or is away is reported with what to do, without the secret header', async () => {
  using refusing = await collector((_request, response) => response.writeHead(401).end());
  const refused = await findingAt(refusing.url, 'authorization=Bearer%20secret');
  assert.equal(refused.state, 'bad');
  assert.match(refused.text, /answers 401$/);
  assert.match(refused.advice ?? '', /OTEL_EXPORTER_OTLP_HEADERS/);
  using other = await collector((_request, response) => response.writeHead(404).end());
  assert.match((await findingAt(other.url)).text, /answers 404$/);
  const away = await findingAt('http://127.0.0.1:1', 'authorization=Bearer%20secret');
  assert.equal(away.state, 'bad');
  assert.match(away.text, /^does not answer/);
  assert.match(away.advice ?? '', /Start the collector.*OTEL_EXPORTER_OTLP_ENDPOINT/);
  assert.doesNotMatch(JSON.stringify([refused, away]), /secret/);
});
