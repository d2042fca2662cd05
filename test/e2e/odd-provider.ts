/** A provider that answers whatever a test wants it to. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { call, type Product } from './product.ts';
import { rootToken } from './upstream.ts';

export type Answer = (response: ServerResponse) => void;

export interface OddProvider {
  /** `host:port`. */
  readonly host: string;
  /** What the next calls are answered. */
  answer: Answer;
  /** JSON bodies of the calls, in their order. */
  readonly bodies: Readonly<Record<string, unknown>>[];
  /** Adds it to the catalog, once, with `odd-chat`, `odd-image`, `odd-speech` and `odd-transcribe`. */
  join(product: Product): Promise<void>;
  close(): void;
}

export async function startOddProvider(): Promise<OddProvider> {
  const server = createServer(async (request, response) => {
    const bytes = await Array.fromAsync<Buffer>(request);
    if (request.headers['content-type']?.startsWith('application/json')) {
      provider.bodies.push(z.record(z.string(), z.unknown()).parse(JSON.parse(Buffer.concat(bytes).toString())));
    }
    provider.answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an address of this form.
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  let joined: Promise<void> | undefined;
  const provider: OddProvider = {
    host,
    answer: (response) => response.destroy(),
    bodies: [],
    join: (product) => {
      joined ??= join(product, `http://${host}/v1`);
      return joined;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return provider;
}

async function join(product: Product, urlBase: string): Promise<void> {
  const token = await rootToken(product);
  const post = async (path: string, body: object) => {
    const answer = await call(product.apis[0], 'POST', path, { token, body });
    assert.ok(answer.status < 300, `${path}: ${answer.message}`);
  };
  const model = { providerName: 'odd', priority: 50 };
  await post('/v1/providers', { name: 'odd', kind: 'openai', urlBase });
  await post('/v1/providers/keys', { providerName: 'odd', apiKey: 'an-odd-key-of-a-provider' });
  await post('/v1/models', {
    ...model,
    displayName: 'odd-chat',
    modelIdentifier: 'odd-chat',
    capabilities: ['text-to-text'],
    pricing: { input: '0.000001', output: '0.000002' },
  });
  await post('/v1/models', {
    ...model,
    displayName: 'odd-image',
    modelIdentifier: 'odd-image',
    capabilities: ['text-to-image'],
    pricing: { output: '0.2' },
  });
  await post('/v1/models', {
    ...model,
    displayName: 'odd-speech',
    modelIdentifier: 'odd-speech',
    capabilities: ['text-to-speech'],
    pricing: { perCharacter: '0.00001' },
  });
  await post('/v1/models', {
    ...model,
    displayName: 'odd-transcribe',
    modelIdentifier: 'odd-transcribe',
    capabilities: ['speech-to-text'],
    pricing: { perSecond: '0.0001' },
  });
}

/** One chunk of a chat stream. */
export function chunk(delta: object, finishReason: string | null = null): string {
  return JSON.stringify({
    id: 'x',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  });
}

/** The chunk that has the usage only. */
export function usageChunk(promptTokens: number, completionTokens: number): string {
  const usage = { prompt_tokens: promptTokens, completion_tokens: completionTokens };
  return JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage });
}

/** A stream of these data, which then ends or breaks. */
export function streamed(data: readonly string[], end: 'ends' | 'breaks' = 'ends'): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(data.map((text) => `data: ${text}\n\n`).join(''), () => {
      if (end === 'breaks') response.destroy();
      else response.end('data: [DONE]\n\n');
    });
  };
}

/** A whole answer of a chat model. */
export function whole(message: object, usage?: object, more: object = {}): Answer {
  return json({
    id: 'x',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop' }],
    ...(usage === undefined ? {} : { usage }),
    ...more,
  });
}

export function json(body: object): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}
