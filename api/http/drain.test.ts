import assert from 'node:assert/strict';
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { drain } from './drain.ts';

/** A server whose answers the test gives by hand, and a client that keeps its connections. */
async function world() {
  const agent = new Agent({ keepAlive: true });
  const arrivals: ServerResponse[] = [];
  let arrived = Promise.withResolvers<void>();
  const server = createServer({ keepAliveTimeout: 60_000 }, (_request, response) => {
    arrivals.push(response);
    arrived.resolve();
    arrived = Promise.withResolvers();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const call = () =>
    new Promise<string>((resolve, reject) => {
      get({ port, host: '127.0.0.1', agent }, (response: IncomingMessage) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
        response.on('error', reject);
      }).on('error', reject);
    });
  return { server, agent, arrivals, call, nextArrival: () => arrived.promise };
}

test('a running request ends, and its kept connection does not hold the server up', async () => {
  const { server, agent, arrivals, call, nextArrival } = await world();
  const arrival = nextArrival();
  const answer = call();
  await arrival;
  const drained = drain(server, 30_000).then(() => 'drained');
  await assert.rejects(call(), 'nothing new is accepted');
  arrivals[0]?.end('in full');
  assert.equal(await answer, 'in full');
  const late = new Promise((resolve) => setTimeout(resolve, 5_000, 'late').unref());
  assert.equal(await Promise.race([drained, late]), 'drained');
  agent.destroy();
});

test('a request that does not end is cut after the grace', async () => {
  const { server, agent, call, nextArrival } = await world();
  const arrival = nextArrival();
  const answer = call();
  const cut = assert.rejects(answer);
  await arrival;
  await drain(server, 100);
  await cut;
  agent.destroy();
});
