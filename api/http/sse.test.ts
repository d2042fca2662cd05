import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import Koa from 'koa';
import type { ApiState } from './route-input.ts';
import { EventStream } from './sse.ts';

/** Calls a server that answers by `write`. Resolves with the head of its answer. */
async function answered(t: TestContext, write: (events: EventStream) => void): Promise<IncomingMessage> {
  const app = new Koa<ApiState>();
  app.use((ctx) => write(new EventStream(ctx)));
  const server = createServer(app.callback()).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false }, resolve).on('error', reject);
  });
}

test('the head of a stream comes before its first event', async (t) => {
  let stream: EventStream | undefined;
  const answer = await answered(t, (events) => {
    stream = events;
  });
  assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8');
  await stream?.write('data: 1\n\n');
  stream?.end('data: 2\n\n');
  assert.equal(await text(answer), 'data: 1\n\ndata: 2\n\n');
});

test('a stream that begins with an event, or ends at once, is whole', async (t) => {
  const begun = await answered(t, (events) => {
    void events.write('data: 1\n\n');
    events.keepAlive();
    events.end();
  });
  assert.equal(await text(begun), 'data: 1\n\n: keep-alive\n\n');
  assert.equal(await text(await answered(t, (events) => events.end())), '');
});
