import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { type BodyLimits, discardRest, readBody } from './body.ts';

/** Answers the length of a body, or the kind of its refusal. */
async function serve(
  limits: BodyLimits,
): Promise<{ open(): Promise<Socket>; received(bytes: number): Promise<void> } & AsyncDisposable> {
  let receivedBytes = 0;
  const server = createServer(async (request, response) => {
    response.once('finish', () => discardRest(request));
    request.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
    });
    try {
      response.end(`length ${(await readBody(request, response, limits)).length}`);
    } catch (error) {
      response.end(error instanceof AppError ? error.kind : String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    open: async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    },
    received: async (bytes) => {
      while (receivedBytes < bytes) await new Promise((resolve) => setImmediate(resolve));
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const head = (length: number) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

/** The next that the server says. */
async function said(socket: Socket): Promise<string> {
  const [data] = await once(socket, 'data');
  return String(data);
}

const STRETCH_MS = 15_000;

test('a body that stops coming is given up, and its connection closed', async ({ mock }) => {
  await using server = await serve({ bytes: 1_000_000 });
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const socket = await server.open();
  socket.write(`${head(1_000)}abc`);
  await server.received(3);
  mock.timers.tick(STRETCH_MS);
  assert.match(await said(socket), /malformedBody/);
  socket.resume();
  const closed = once(socket, 'close');
  mock.timers.tick(STRETCH_MS);
  await closed;
});

test('a body that keeps coming is taken, though it takes minutes', async ({ mock }) => {
  await using server = await serve({ bytes: 1_000_000 });
  mock.timers.enable({ apis: ['setInterval'] });
  const socket = await server.open();
  const part = Buffer.alloc(70_000);
  socket.write(head(part.length * 8));
  for (let sent = 1; sent <= 8; sent++) {
    socket.write(part);
    await server.received(part.length * sent);
    mock.timers.tick(STRETCH_MS);
  }
  assert.match(await said(socket), /length 560000/);
  socket.destroy();
});

test('bodies of all requests together are bounded, and make room when their answers are out', async () => {
  await using server = await serve({ bytes: 1_000_000, togetherBytes: 150_000 });
  const [first, second] = [await server.open(), await server.open()];
  first.write(head(100_001));
  first.write(Buffer.alloc(100_000));
  // The first is held until its last byte comes; the second would be too much beside it.
  let answer = '';
  while (!answer.includes('unavailable')) {
    second.write(head(100_000));
    second.write(Buffer.alloc(100_000));
    answer = await said(second);
  }
  first.write('x');
  assert.match(await said(first), /length 100001/);
  second.write(head(100_000));
  second.write(Buffer.alloc(100_000));
  assert.match(await said(second), /length 100000/);
  first.destroy();
  second.destroy();
});

test('a body that keeps coming for five minutes is given up', async ({ mock }) => {
  await using server = await serve({ bytes: 10_000_000 });
  mock.timers.enable({ apis: ['setInterval'] });
  const socket = await server.open();
  const part = Buffer.alloc(70_000);
  const answered = said(socket);
  socket.write(head(part.length * 21));
  for (let sent = 1; sent <= 20; sent++) {
    socket.write(part);
    await server.received(part.length * sent);
    mock.timers.tick(STRETCH_MS);
  }
  assert.match(await answered, /malformedBody/);
  socket.destroy();
});

test('one user has a share of what all bodies may take, and others go on beside it', async () => {
  const limits = { bytes: 1_000_000, togetherBytes: 400_000 };
  await using ofOne = await serve({ ...limits, userId: 1 });
  await using ofOther = await serve({ ...limits, userId: 2 });
  const [first, second, other] = [await ofOne.open(), await ofOne.open(), await ofOther.open()];
  first.write(head(80_001));
  first.write(Buffer.alloc(80_000));
  await ofOne.received(80_000);
  second.write(head(50_000));
  second.write(Buffer.alloc(50_000));
  assert.match(await said(second), /tooManyRequests/);
  other.write(head(90_000));
  other.write(Buffer.alloc(90_000));
  assert.match(await said(other), /length 90000/);
  first.write('x');
  assert.match(await said(first), /length 80001/);
  second.write(head(90_000));
  second.write(Buffer.alloc(90_000));
  assert.match(await said(second), /length 90000/);
  for (const socket of [first, second, other]) socket.destroy();
});
