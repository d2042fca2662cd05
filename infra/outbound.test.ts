import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { Exchange } from './outbound/exchange.ts';
import { createAddressCheck, createOutbound, type Outbound, outboundFailure } from './outbound.ts';

const LIMITS = { firstByteMs: 2_000, idleMs: 2_000, totalMs: 5_000 };
const closers: (() => Promise<unknown> | unknown)[] = [];
after(async () => {
  for (const close of closers) await close();
});

async function listen(listener: RequestListener): Promise<{ base: string; hostPort: string; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const { port } = server.address() as AddressInfo;
  return { base: `http://127.0.0.1:${port}`, hostPort: `127.0.0.1:${port}`, server };
}

function outboundTo(...hosts: string[]): Outbound {
  const outbound = createOutbound({ OUTBOUND_PRIVATE_HOSTS: hosts, SIMULATOR_URL: '' });
  closers.push(() => outbound.close());
  return outbound;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('a name that cannot be looked up is unreachable, whatever the resolver says of it', async () => {
  const outbound = outboundTo();
  for (const host of ['nobody.invalid', `${'a'.repeat(64)}.example`, `${'a.'.repeat(140)}example`]) {
    const error = await rejection(outbound.request(`http://${host}/`, { limits: LIMITS }));
    assert.equal(outboundFailure(error), 'unreachable', host);
  }
});

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail('resolved'),
    (error: unknown) => error,
  );

test('a listed host is called, its answer read, its connections kept', async () => {
  let connections = 0;
  const { base, hostPort, server } = await listen(async (request, response) => {
    response.setHeader('x-seen', `${request.method} ${request.url} ${request.headers['x-name']}`);
    response.end(await bodyOf(request));
  });
  server.on('connection', () => {
    connections += 1;
  });
  const outbound = outboundTo(hostPort);
  for (let round = 0; round < 10; round += 1) {
    const headers = { 'x-name': 'value' };
    const answer = await outbound.request(`${base}/a?b=c`, { method: 'POST', headers, body: 'hello', limits: LIMITS });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-seen'], 'POST /a?b=c value');
    assert.equal(await answer.text(), 'hello');
  }
  // A connection is free again a moment after its answer has been read.
  assert.ok(connections <= 2, `${connections} connections`);
});

test('private addresses are refused by number, by name, and before anything is sent', async () => {
  let calls = 0;
  const { base } = await listen((_request, response) => {
    calls += 1;
    response.end();
  });
  const outbound = outboundTo();
  const { port } = new URL(base);
  const addresses = [base, `http://localhost:${port}`, 'http://localhost', 'http://127.1', 'http://0x7f000001'];
  for (const url of [...addresses, 'http://[::1]', 'http://[::ffff:7f00:1]', 'https://169.254.169.254']) {
    const error = await rejection(outbound.request(url, { limits: LIMITS }));
    assert.equal(outboundFailure(error), 'refused', url);
    assert.match(String(error), /OUTBOUND_PRIVATE_HOSTS/, url);
  }
  assert.equal(calls, 0);
});

test('the simulator needs no listing', async () => {
  const { base } = await listen((_request, response) => response.end('sim'));
  const outbound = createOutbound({ OUTBOUND_PRIVATE_HOSTS: [], SIMULATOR_URL: base });
  closers.push(() => outbound.close());
  assert.equal(await (await outbound.request(base, { limits: LIMITS })).text(), 'sim');
});

test('a redirect is an answer and is not followed', async () => {
  const { base, hostPort } = await listen((request, response) => {
    assert.equal(request.url, '/');
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  const answer = await outboundTo(hostPort).request(base, { limits: LIMITS });
  assert.equal(answer.status, 302);
  answer.discard();
});

test('a silent, a stalled and an endless answer end in time', async () => {
  const { base, hostPort } = await listen((request, response) => {
    if (request.url === '/silent') return;
    response.write('begun');
    if (request.url !== '/endless') return;
    const drip = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(drip));
  });
  const outbound = outboundTo(hostPort);
  const silent = outbound.request(`${base}/silent`, { limits: { ...LIMITS, firstByteMs: 100 } });
  assert.equal(outboundFailure(await rejection(silent)), 'timeout');
  const stalled = await outbound.request(`${base}/stalled`, { limits: { ...LIMITS, idleMs: 100 } });
  assert.equal(outboundFailure(await rejection(stalled.text())), 'timeout');
  const endless = await outbound.request(`${base}/endless`, { limits: { ...LIMITS, totalMs: 200 } });
  assert.equal(outboundFailure(await rejection(endless.text())), 'timeout');
});

test('an answer above the size limit is refused, announced or not', async () => {
  const { base, hostPort } = await listen((request, response) => {
    if (request.url === '/announced') response.setHeader('content-length', 2_000);
    response.write('x'.repeat(1_000));
    response.end('x'.repeat(1_000));
  });
  const outbound = outboundTo(hostPort);
  for (const path of ['/announced', '/chunked']) {
    const tooSmall = { ...LIMITS, maxBytes: 1_999 };
    const answer = await outbound.request(base + path, { limits: tooSmall });
    assert.equal(outboundFailure(await rejection(answer.bytes())), 'too-large', path);
    const fits = await outbound.request(base + path, { limits: { ...LIMITS, maxBytes: 2_000 } });
    assert.equal((await fits.bytes()).byteLength, 2_000, path);
  }
});

test('failures show whether the call may have been sent', async () => {
  const { base, hostPort } = await listen((request, response) => {
    if (request.url === '/reset') request.socket.destroy();
    else response.write('half', () => request.socket.destroy());
  });
  const unused = await listen(() => undefined);
  await new Promise((resolve) => unused.server.close(resolve));
  const outbound = outboundTo(hostPort, unused.hostPort);
  assert.equal(outboundFailure(await rejection(outbound.request(unused.base, { limits: LIMITS }))), 'unreachable');
  assert.equal(outboundFailure(await rejection(outbound.request(`${base}/reset`, { limits: LIMITS }))), 'cut');
  const half = await outbound.request(`${base}/half`, { limits: LIMITS });
  assert.equal(outboundFailure(await rejection(half.text())), 'cut');
  const aborted = outbound.request(base, { limits: LIMITS, signal: AbortSignal.abort() });
  assert.equal(outboundFailure(await rejection(aborted)), 'aborted');
  assert.equal(outboundFailure(new Error('a bug')), undefined);
});

test('an answer is read chunk by chunk; a connection that breaks on the way is cut', async () => {
  const { base, hostPort } = await listen((request, response) => {
    response.write('on', () =>
      setImmediate(() => (request.url === '/cut' ? request.socket.destroy() : response.end('e'))),
    );
  });
  const outbound = outboundTo(hostPort);
  const read = async (path: string) => {
    let text = '';
    try {
      for await (const chunk of (await outbound.request(base + path, { limits: LIMITS })).stream) text += String(chunk);
      return { text };
    } catch (error) {
      return { text, failure: outboundFailure(error) };
    }
  };
  assert.deepEqual(await read('/whole'), { text: 'one' });
  assert.deepEqual(await read('/cut'), { text: 'on', failure: 'cut' });
});

test('a stream that nobody reads waits in the connection, and is whole when it is read', async () => {
  const megabytes = 8;
  let written = 0;
  const { base, hostPort } = await listen((_request, response) => {
    const piece = Buffer.alloc(64 * 1024, 'x');
    const write = () => {
      while (written < megabytes * 1024 * 1024) {
        written += piece.length;
        if (!response.write(piece)) return response.once('drain', write);
      }
      return response.end();
    };
    write();
  });
  const answer = await outboundTo(hostPort).request(base, { limits: { ...LIMITS, totalMs: 30_000 } });
  let read = 0;
  for await (const chunk of answer.stream) read += chunk.byteLength;
  assert.equal(read, megabytes * 1024 * 1024);
});

test('a stream that waited goes on with the piece that comes at once', async () => {
  const pieces = [70_000, 2, 3].map((length, index) => Buffer.alloc(length, index));
  const [first = Buffer.alloc(0), ...rest] = pieces;
  let isPaused = false;
  const controller: Dispatcher.DispatchController = {
    ...{ aborted: false, reason: null, rawHeaders: null, rawTrailers: null },
    get paused() {
      return isPaused;
    },
    abort: () => undefined,
    pause: () => {
      isPaused = true;
    },
    // As undici does: what its parser holds comes before this returns.
    resume: () => {
      const [next] = isPaused ? rest.splice(0, 1) : [];
      isPaused = false;
      if (next) exchange.onResponseData(controller, next);
    },
  };
  const exchange = new Exchange(LIMITS, undefined);
  exchange.onRequestStart(controller);
  exchange.onResponseStart(controller, 200, {});
  exchange.onResponseData(controller, first);
  const reader = (await exchange.answer).stream[Symbol.asyncIterator]();
  const read = [(await reader.next()).value, (await reader.next()).value];
  const last = reader.next();
  for (const piece of rest) exchange.onResponseData(controller, piece);
  exchange.onResponseEnd();
  assert.deepEqual([...read, (await last).value], pieces);
});

test('a compressed answer is read as what it was, though nobody asked for it', async () => {
  const { base, hostPort } = await listen((_request, response) => {
    response.setHeader('content-encoding', 'gzip').end(gzipSync('\uFEFFhello'));
  });
  const answer = await outboundTo(hostPort).request(base, { limits: LIMITS });
  assert.equal(await answer.text(), 'hello');
});

test('who leaves a stream, discards an answer or aborts ends the call', async () => {
  let closed = 0;
  const { base, hostPort } = await listen((request, response) => {
    response.on('close', () => {
      closed += 1;
    });
    if (request.url === '/silent') return;
    response.write('on');
  });
  const outbound = outboundTo(hostPort);
  for await (const _ of (await outbound.request(base, { limits: LIMITS })).stream) break;
  (await outbound.request(base, { limits: LIMITS })).discard();
  const controller = new AbortController();
  const reading = await outbound.request(base, { limits: LIMITS, signal: controller.signal });
  const silent = outbound.request(`${base}/silent`, { limits: LIMITS, signal: controller.signal });
  const text = reading.text();
  controller.abort();
  assert.equal(outboundFailure(await rejection(text)), 'aborted');
  assert.equal(outboundFailure(await rejection(silent)), 'aborted');
  while (closed < 3) await new Promise((resolve) => setImmediate(resolve));
});

test('an address named for later is refused by what is known without a lookup', () => {
  const check = createAddressCheck({ OUTBOUND_PRIVATE_HOSTS: ['10.0.0.7:9000'], SIMULATOR_URL: '' });
  const good = [
    'https://example.com/hook',
    'http://example.com:8080/',
    'https://93.184.216.34/',
    'http://10.0.0.7:9000/',
  ];
  for (const url of good) assert.equal(check(url), true, url);
  const bad = [
    'http://127.0.0.1/',
    'http://10.0.0.7/',
    'http://[::1]/',
    'http://169.254.169.254/latest',
    'http://2130706433/',
    'http://168.63.129.16/',
    'http://localhost/',
    'http://database:8080/',
    'http://metadata.google.internal/',
    'http://ｌocalhost/',
  ];
  const wrong = ['ftp://example.com/', 'https://user:pass@example.com/', 'https://example.com:22/', 'example.com', ''];
  for (const url of [...bad, ...wrong]) assert.equal(check(url), false, url);
});
