/** Addresses of images come from callers: whatever they try, nothing but a public address is called. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { createOutbound } from '../../infra/outbound.ts';
import { createImageClients, createImageReader, type ImageAddress, type ReadImage } from './image-reader.ts';

const GIF = Buffer.from('GIF89a, and so on');
const signal = new AbortController().signal;
const address = (url: string, more: Partial<ImageAddress> = {}) => ({
  url,
  path: 'image',
  signal,
  ...more,
});

interface Listening {
  readonly server: Server;
  readonly port: number;
  readonly asked: string[];
}

async function listen(host: string): Promise<Listening> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/pictures/elsewhere') {
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
    } else if (request.url === '/pictures/page') response.writeHead(200, { 'content-type': 'image/png' }).end('<html>');
    else response.writeHead(200, { 'content-type': 'text/plain' }).end(GIF);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  // A TCP server that listens has an address of this form.
  return { server, port: (server.address() as AddressInfo).port, asked };
}

function refused(message: RegExp) {
  return (error: unknown): true => {
    assert.ok(error instanceof AppError, String(error));
    assert.deepEqual([error.kind, error.details.param], ['invalidParameter', 'image']);
    assert.match(error.message, message);
    // Where it failed is for the log; a caller could map our network by it.
    assert.doesNotMatch(error.message, /private|resolve|refused|OUTBOUND/i);
    return true;
  };
}

describe('without a simulator', () => {
  let inner: Listening;
  let read: ReadImage;
  const clients = createImageClients({ SIMULATOR_URL: '' });
  before(async () => {
    inner = await listen('127.0.0.1');
    read = createImageReader({ clientFor: clients.clientFor, stored: async () => undefined });
  });
  after(async () => {
    inner.server.close();
    await clients.close();
  });

  test('no private address is called, in whatever spelling or by whatever name', async () => {
    const { port } = inner;
    const urls = [
      `http://127.0.0.1:${port}/a.png`,
      'http://127.0.0.1/a.png',
      'http://127.1/a.png',
      'http://2130706433/a.png',
      'http://0x7f000001/a.png',
      'http://0/a.png',
      'http://169.254.169.254/latest/meta-data/',
      'http://[::1]/a.png',
      `http://[::1]:${port}/a.png`,
      'http://[::ffff:127.0.0.1]/a.png',
      'http://[64:ff9b::7f00:1]/a.png',
      'http://[fd00:ec2::254]/a.png',
      'http://10.0.0.1/a.png',
      'http://192.168.0.1:8080/a.png',
      'http://172.16.0.1/a.png',
      'http://100.64.0.1/a.png',
      'http://localhost/a.png',
      `http://localhost:${port}/a.png`,
      'https://localhost/a.png',
      'http://user:password@example.com/a.png',
      'http://example.com@127.0.0.1/a.png',
      'http://8.8.8.8:22/a.png',
    ];
    for (const url of urls) await assert.rejects(read(address(url)), refused(/could not be read/), url);
    assert.deepEqual(inner.asked, []);
  });

  test('a data URL needs no call', async () => {
    const { bytes, mediaType } = await read(address(`data:image/gif;base64,${GIF.toString('base64')}`));
    assert.deepEqual([Buffer.from(bytes), mediaType], [GIF, 'image/gif']);
  });

  test('a link of ours is read where it is kept', async () => {
    const own = createImageReader({
      clientFor: clients.clientFor,
      stored: async (url) =>
        url === 'http://127.0.0.1/v1/pictures/p' ? { bytes: GIF, mediaType: 'image/gif' } : undefined,
    });
    assert.deepEqual(Buffer.from((await own(address('http://127.0.0.1/v1/pictures/p'))).bytes), GIF);
    await assert.rejects(own(address('http://127.0.0.1/v1/pictures/q')), refused(/could not be read/));
  });
});

describe('with a simulator on a private address', () => {
  let simulator: Listening;
  let read: ReadImage;
  let clients: ReturnType<typeof createImageClients>;
  before(async () => {
    simulator = await listen('127.0.0.1');
    clients = createImageClients({ SIMULATOR_URL: `http://127.0.0.1:${simulator.port}` });
    read = createImageReader({ clientFor: clients.clientFor, stored: async () => undefined });
  });
  after(async () => {
    simulator.server.close();
    await clients.close();
  });

  const at = (path: string) => address(`http://127.0.0.1:${simulator.port}${path}`);

  test('its images can be read, by what they are and not by what their header says', async () => {
    assert.deepEqual(await read(at('/pictures/1/a.png')), { bytes: new Uint8Array(GIF), mediaType: 'image/gif' });
    await assert.rejects(read(at('/pictures/page')), refused(/no PNG, JPEG, GIF, WebP or BMP image/));
  });

  test('a redirect is not followed', async () => {
    await assert.rejects(read(at('/pictures/elsewhere')), refused(/answers 302/));
  });

  test('nothing else of it can be called', async () => {
    const before = simulator.asked.length;
    for (const path of [
      '/control/faults',
      '/',
      '/pictures',
      '/pictures/../control/faults',
      '/pictures/%2e%2e/control',
    ]) {
      await assert.rejects(read(at(path)), refused(/could not be read/), path);
    }
    const otherHost = address(`http://localhost:${simulator.port}/pictures/1/a.png`);
    await assert.rejects(read(otherHost), refused(/could not be read/));
    assert.equal(simulator.asked.length, before);
  });
});

describe('bounds', () => {
  let slow: Server;
  let url: string;
  const outbound = () => createOutbound({ OUTBOUND_PRIVATE_HOSTS: [new URL(url).host], SIMULATOR_URL: '' });
  before(async () => {
    slow = createServer((request, response) => {
      response.writeHead(200);
      response.write(GIF);
      if (request.url === '/large') response.end(Buffer.alloc(3_000));
    });
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
  });
  after(() => {
    slow.closeAllConnections();
    slow.close();
  });

  test('an image for which there is no room is not read to its end', async () => {
    const client = outbound();
    const read = createImageReader({ clientFor: () => client, stored: async () => ({ bytes: GIF, mediaType: '' }) });
    const full = new AppError('unavailable', 'no room');
    const taken: number[] = [];
    const room = (most: number) => ({
      take: (bytes: number) => {
        taken.push(bytes);
        if (taken.reduce((sum, one) => sum + one) > most) throw full;
      },
    });
    await assert.rejects(read(address('http://127.0.0.1/v1/pictures/p', { room: room(GIF.length - 1) })), full);
    taken.length = 0;
    const fetching = createImageReader({ clientFor: () => client, stored: async () => undefined });
    // The server never ends this answer: it is given up when its first bytes find no room.
    await assert.rejects(fetching(address(url, { room: room(GIF.length - 1) })), full);
    taken.length = 0;
    await fetching(address(`${url}/large`, { room: room(4_000) }));
    assert.equal(
      taken.reduce((sum, one) => sum + one),
      GIF.length + 3_000,
    );
    await client.close();
  });

  test('an image that is too large is not read to its end', async () => {
    const client = outbound();
    const read = createImageReader({ clientFor: () => client, stored: async () => undefined });
    await assert.rejects(read(address(`${url}/large`, { maxBytes: 2_000 })), refused(/gives more than/));
    await client.close();
  });

  test('a caller’s deadline ends the wait as what it is, not as a mistake in the request', async () => {
    const client = outbound();
    const read = createImageReader({ clientFor: () => client, stored: async () => undefined });
    const deadline = AbortSignal.timeout(50);
    await assert.rejects(read(address(`${url}/endless`, { signal: deadline })), { kind: 'upstreamTimeout' });
  });
});
