import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import OpenAI from 'openai';
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

test('failures tell whether the call may have been sent', async () => {
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

function openaiFor(outbound: Outbound, base: string, limits = LIMITS): OpenAI {
  return new OpenAI({ apiKey: 'sk-test', baseURL: `${base}/v1`, maxRetries: 0, fetch: outbound.fetchFor(limits) });
}

test('the openai package works over the lean fetch: answer, stream, form, error', async () => {
  const { base, hostPort } = await listen(async (request, response) => {
    const body = await bodyOf(request);
    assert.equal(request.headers.authorization, 'Bearer sk-test');
    if (request.url === '/v1/images/edits') {
      assert.match(request.headers['content-type'] ?? '', /^multipart\/form-data; boundary=/);
      assert.match(body, /name="prompt"\r\n\r\npaint/);
      response.setHeader('content-type', 'application/json').end('{"data":[{"url":"https://a.example/1.png"}]}');
    } else if (body.includes('"stream":true')) {
      response.setHeader('content-type', 'text/event-stream');
      response.write('data: {"choices":[{"index":0,"delta":{"content":"on"}}]}\n\n');
      response.end('data: {"choices":[{"index":0,"delta":{"content":"e"}}]}\n\ndata: [DONE]\n\n');
    } else if (body.includes('broken')) {
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' });
      response.end('{"error":{"message":"slow down","code":"rate_limit"}}');
    } else {
      response.setHeader('content-type', 'application/json').setHeader('x-request-id', 'up-1');
      response.end('{"choices":[{"index":0,"message":{"content":"hi"}}]}');
    }
  });
  const openai = openaiFor(outboundTo(hostPort), base);
  const messages = [{ role: 'user' as const, content: 'hello' }];
  const whole = await openai.chat.completions.create({ model: 'm', messages });
  assert.equal(whole.choices[0]?.message.content, 'hi');
  assert.equal(whole._request_id, 'up-1');
  let text = '';
  for await (const chunk of await openai.chat.completions.create({ model: 'm', messages, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? '';
  }
  assert.equal(text, 'one');
  const image = new File([new Uint8Array([1, 2, 3])], 'a.png', { type: 'image/png' });
  const edited = await openai.images.edit({ model: 'm', image, prompt: 'paint' });
  assert.equal(edited.data?.[0]?.url, 'https://a.example/1.png');
  const error = await rejection(openai.chat.completions.create({ model: 'broken', messages }));
  assert.ok(error instanceof OpenAI.RateLimitError);
  assert.equal(error.headers.get('retry-after'), '7');
  assert.equal(error.code, 'rate_limit');
});

test('the causes of the openai package are recognised, also in the middle of a stream', async () => {
  const { base, hostPort } = await listen((request, response) => {
    if (request.url?.includes('embeddings')) return;
    response.setHeader('content-type', 'text/event-stream');
    response.write('data: {"choices":[{"index":0,"delta":{"content":"on"}}]}\n\n', () => request.socket.destroy());
  });
  const outbound = outboundTo(hostPort);
  const messages = [{ role: 'user' as const, content: 'hello' }];
  const stream = await openaiFor(outbound, base).chat.completions.create({ model: 'm', messages, stream: true });
  const reading = (async () => {
    for await (const chunk of stream) assert.equal(chunk.choices[0]?.delta.content, 'on');
  })();
  assert.equal(outboundFailure(await rejection(reading)), 'cut');
  const hasty = openaiFor(outbound, base, { ...LIMITS, firstByteMs: 100 });
  assert.equal(outboundFailure(await rejection(hasty.embeddings.create({ model: 'm', input: 'x' }))), 'timeout');
  const refused = openaiFor(outboundTo(), base).chat.completions.create({ model: 'm', messages });
  assert.equal(outboundFailure(await rejection(refused)), 'refused');
});

test('a caller that leaves a stream ends the call', async () => {
  let closed = false;
  const { base, hostPort } = await listen((_request, response) => {
    response.on('close', () => {
      closed = true;
    });
    response.setHeader('content-type', 'text/event-stream');
    response.write('data: {"choices":[{"index":0,"delta":{"content":"on"}}]}\n\n');
  });
  const controller = new AbortController();
  const stream = await openaiFor(outboundTo(hostPort), base).chat.completions.create(
    { model: 'm', messages: [{ role: 'user', content: 'hello' }], stream: true },
    { signal: controller.signal },
  );
  for await (const _chunk of stream) controller.abort();
  while (!closed) await new Promise((resolve) => setImmediate(resolve));
});

test('an address named for later is refused by what can be told without a lookup', () => {
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
