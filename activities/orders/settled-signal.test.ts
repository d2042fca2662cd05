import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import pino from 'pino';
import { settledSignal } from './settled-signal.ts';

it('returns at once while Temporal is away, and only logs that it was not signalled', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const connection = Connection.lazy({ address: `127.0.0.1:${address.port}` });
  const lines = new PassThrough();
  const line = once(lines, 'data');
  const signal = settledSignal(new Client({ connection }), pino({ level: 'warn' }, lines));
  assert.equal(signal({ orderNo: 'order-1', workflowId: 'order/user-1/order-1' }), undefined);
  assert.match(String(await line), /"orderNo":"order-1".*its workflow was not signalled/);
  await connection.close();
  server.close();
});
