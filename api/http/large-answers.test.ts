import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { admitLargeAnswer, dropUnread, jsonWith } from './large-answers.ts';

async function serving(listener: RequestListener, work: (server: Server, open: () => Socket) => Promise<void>) {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  /** A client that asks and reads nothing. */
  const open = () => {
    const socket = connect(address.port, '127.0.0.1').pause();
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    return socket;
  };
  try {
    await work(server, open);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('text that is JSON already stands in its object as it is', () => {
  const exact = '{"n": 12345678901234567890, "界": "\\u0000"}';
  const { text } = jsonWith({ id: 'a"b', none: undefined, cost: 1.5 }, { payload: exact, other: 'null' });
  assert.equal(text, `{"id":"a\\"b","cost":1.5,"payload":${exact},"other":null}`);
});

test('a user has four large answers under way; one that is left, or out, makes room', async () => {
  const outcomes: string[] = [];
  const responses: ServerResponse[] = [];
  const listener: RequestListener = (_request, response) => {
    try {
      admitLargeAnswer(response, 7);
      admitLargeAnswer(response, 7);
      outcomes.push('admitted');
    } catch (error) {
      assert.ok(error instanceof AppError);
      assert.match(error.message, /4 answers over 1 MB/);
      outcomes.push(error.kind);
    }
    responses.push(response);
    response.flushHeaders();
  };
  await serving(listener, async (server, open) => {
    const next = async () => {
      const socket = open();
      await once(server, 'request');
      return socket;
    };
    const sockets = [await next(), await next(), await next(), await next()];
    await next();
    assert.deepEqual(outcomes, [...Array(4).fill('admitted'), 'tooManyRequests']);
    const [response] = responses;
    assert.ok(response);
    const left = once(response, 'close');
    sockets[0]?.destroy();
    await left;
    await next();
    await next();
    assert.deepEqual(outcomes.slice(5), ['admitted', 'tooManyRequests']);
  });
});

test('a client that takes nothing of a whole answer is let go', async () => {
  const answer = Buffer.alloc(16_000_000, 'x');
  const closed = Promise.withResolvers<boolean>();
  const listener: RequestListener = (_request, response) => {
    response.once('close', () => closed.resolve(response.writableFinished));
    response.end(answer);
  };
  await serving(listener, async (server, open) => {
    dropUnread(server, 100);
    open();
    assert.equal(await closed.promise, false, 'it was cut');
  });
});
