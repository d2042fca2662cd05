import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { until } from '../until.ts';
import { call, newCustomer, type Product, startProduct } from './product.ts';
import { rootToken } from './upstream.ts';

const READERS = 6;
const requestSchema = z.looseObject({ stream: z.boolean().optional() });
const PIECE = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(60_000) } }] })}\n\n`;
const WHOLE = JSON.stringify({
  choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

describe('clients that do not read their streams', () => {
  let provider: Server;
  let product: Product;
  let cut = 0;
  before(async () => {
    provider = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        if (!requestSchema.parse(JSON.parse(Buffer.concat(parts).toString())).stream) {
          response.writeHead(200, { 'content-type': 'application/json' }).end(WHOLE);
          return;
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const pour = (): void => {
          while (!response.destroyed && response.write(PIECE));
        };
        response.on('drain', pour);
        response.on('close', () => {
          cut += 1;
        });
        pour();
      });
    });
    await once(provider.listen(0, '127.0.0.1'), 'listening');
    const address = provider.address();
    assert.ok(address !== null && typeof address === 'object');
    const host = `127.0.0.1:${address.port}`;
    const settings = { UPSTREAM_TOTAL_TIMEOUT: '6s', REGISTRATION_GRANT: '100' };
    product = await startProduct({ name: 'slow-readers', worker: false, privateHosts: [host], settings });
    const body = {
      ...{ providerName: 'floods', urlBase: `http://${host}/v1`, apiKey: 'key-of-floods' },
      ...{ displayName: 'floods', modelIdentifier: 'floods', capabilities: ['text-to-text'] },
      pricing: { input: '0.000001', output: '0.000002' },
    };
    const made = await call(product.apis[0], 'POST', '/v1/models', { token: await rootToken(product), body });
    assert.ok(made.status < 300, made.message);
  });
  after(async () => {
    await product.close();
    provider.closeAllConnections();
    await new Promise((resolve) => provider.close(resolve));
  });

  /** Asks for a stream, takes its first bytes and reads no more. */
  const openAndStop = async (key: string): Promise<Socket> => {
    const { port } = new URL(product.apis[0]?.url ?? '');
    const socket = connect(Number(port), '127.0.0.1');
    const body = JSON.stringify({ model: 'floods', stream: true, messages: [{ role: 'user', content: 'x' }] });
    const head = ['POST /v2/chat HTTP/1.1', 'host: x', `access-key: ${key}`, 'content-type: application/json'];
    socket.write(`${[...head, `content-length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`);
    socket.on('error', () => undefined);
    await once(socket, 'data');
    return socket.pause();
  };

  test('do not take the key from others when the time of their calls is over', async () => {
    const [slow, other] = [await newCustomer(product.apis[0]), await newCustomer(product.apis[0])];
    const sockets = await Promise.all(Array.from({ length: READERS }, () => openAndStop(slow.key)));
    await until('every call has ended', async () => cut === READERS);
    const body = { userMessage: 'hello', modelIdentifier: 'floods' };
    const answer = await call(product.apis[0], 'POST', '/v1/chat', { key: other.key, body });
    assert.equal(answer.status, 200, answer.message);
    for (const socket of sockets) socket.destroy();
  });
});
