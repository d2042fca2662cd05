/** Providers that break their promises: what callers pay and what they get. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { before, describe, test } from 'node:test';
import { z } from 'zod';
import { until } from '../until.ts';
import { apiFetch } from './api-fetch.ts';
import { chunk, json, type OddProvider, streamed, usageChunk, whole } from './odd-provider.ts';
import { type Customer, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const imageReply = z.object({ data: z.object({ imageUrls: z.array(z.string()) }) });
const chargeSchema = z.object({
  prompt: z.coerce.number(),
  completion: z.coerce.number(),
  images: z.coerce.number(),
  estimated: z.coerce.number(),
});

describe('a provider that does not keep to the form', () => {
  let product: Product;
  let customer: Customer;
  let provider: OddProvider;
  before(async () => {
    ({ product, odd: provider } = await sharedProduct('calls'));
    await provider.join(product);
    customer = await newCustomer(product.apis[0]);
  });

  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    apiFetch(`${product.apis[0]?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'access-key': customer.key, ...headers },
      body: JSON.stringify(body),
    });
  const messages = [{ role: 'user', content: 'Tell me about the sea.' }];
  const chat = (more: object = {}) => post('/v2/chat', { model: 'odd-chat', messages, max_tokens: 100, ...more });
  const chargeOf = async ({ headers }: Response) => {
    const [row] = await product.rows(
      `SELECT prompt_tokens AS prompt, completion_tokens AS completion, image_count AS images, estimated
         FROM transfers WHERE id='${headers.get('x-request-id')}' AND kind='charge'`,
    );
    return row && chargeSchema.parse(row);
  };
  const noOpenHolds = () => until('every hold is closed', () => product.isSettled());

  test('a stream that broke before anything was said costs nothing', async () => {
    const role = chunk({ role: 'assistant', content: '' });
    for (const answer of [
      streamed([role, '{"error":{"message":"boom","type":"server_error"}}']),
      streamed([role], 'breaks'),
    ]) {
      provider.answer = answer;
      const reply = await chat({ stream: true });
      assert.equal(reply.status, 502, await reply.text());
      await noOpenHolds();
      assert.equal(await chargeOf(reply), undefined);
    }
    provider.answer = streamed([role, chunk({ content: 'The sea is' })], 'breaks');
    const reply = await chat({ stream: true });
    assert.match(await reply.text(), /\n\n: x-cost=0\.0000\d+ x-request-id=\S+\n\nevent: error\n/);
    await noOpenHolds();
    assert.equal((await chargeOf(reply))?.completion, 3);
  });

  test('a count of nothing or none is replaced by our own, and the operator is warned', async () => {
    const words = 'word '.repeat(50);
    const nothing = { prompt_tokens: 0, completion_tokens: 0 };
    const stop = chunk({}, 'stop');
    for (const [answer, stream] of [
      [whole({ content: words }, nothing), false],
      [whole({ content: words }, { prompt_tokens: 5, completion_tokens: -1 }), false],
      [streamed([chunk({ content: words }), stop, usageChunk(0, 0)]), true],
      [streamed([chunk({ content: 'word ' }), usageChunk(5, 1), chunk({ content: words.slice(5) }), stop]), true],
    ] as const) {
      provider.answer = answer;
      const reply = await chat({ stream });
      await reply.text();
      await noOpenHolds();
      const charge = await chargeOf(reply);
      assert.deepEqual([charge?.completion, charge?.estimated], [51, 1], JSON.stringify(charge));
    }
    const metrics = await (await apiFetch(`${product.apis[0]?.url}/metrics`)).text();
    assert.match(metrics, /provider_usage_doubted_total\{provider="odd",doubt="too-small"\} 2/);
    assert.match(metrics, /provider_usage_doubted_total\{provider="odd",doubt="missing"\} 2/);
    assert.match(metrics, /provider_usage_doubted_total\{provider="odd",doubt="impossible"\} 1/);
  });

  test('no more images are paid for and given than were asked for', async () => {
    provider.answer = json({
      data: Array.from({ length: 20 }, () => ({ b64_json: PIXEL })),
      usage: { input_tokens: 19_000_000, output_tokens: 0 },
    });
    for (const [n, cost] of [
      [1, '0.2'],
      [3, '0.6'],
    ] as const) {
      const reply = await post('/v1/generate-image', { prompt: 'a cat', modelIdentifier: 'odd-image', options: { n } });
      const { imageUrls } = imageReply.parse(await reply.json()).data;
      assert.equal(imageUrls.length, n);
      const charge = await chargeOf(reply);
      assert.deepEqual([charge?.images, charge?.estimated], [n, 0]);
      assert.equal(reply.headers.get('x-cost'), cost);
    }
  });

  test('a link that is none of the web is not given on, nor a page kept as an image', async () => {
    const page = `data:text/html;base64,${Buffer.from('<script>alert(1)</script>').toString('base64')}`;
    for (const url of ['file:///etc/passwd', 'javascript:alert(1)', page]) {
      provider.answer = json({ data: [{ url }] });
      const reply = await post('/v1/generate-image', { prompt: 'a cat', modelIdentifier: 'odd-image' });
      assert.equal(reply.status, 502, await reply.text());
    }
    await noOpenHolds();
  });

  test('speech is read to its end for a client that left before its first byte', async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    provider.answer = asked.resolve;
    const leaving = new AbortController();
    const left = assert.rejects(
      fetch(`${product.apis[0]?.url}/v1/audio/speech`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'access-key': customer.key },
        body: JSON.stringify({ model: 'odd-speech', voice: 'alloy', input: 'The sea.' }),
        signal: leaving.signal,
      }),
    );
    const response = await asked.promise;
    leaving.abort();
    await left;
    // The API has seen the end of that connection when it answers the next one.
    await apiFetch(`${product.apis[0]?.url}/healthz`);
    // More than waits for a client.
    response.writeHead(200, { 'content-type': 'audio/mpeg' }).end(Buffer.alloc(4_000_000, 1));
    const charge = `SELECT t.id FROM transfers t JOIN accounts a ON a.id=t.account_id
      WHERE a.owner_id=${customer.userId} AND t.kind='charge' AND t.characters=8`;
    await until('the speech is charged', async () => (await product.rows(charge)).length === 1);
  });

  const transcribe = (fields: Readonly<Record<string, string>> = {}) => {
    const form = new FormData();
    form.set('model', 'odd-transcribe');
    form.set('file', new File([Buffer.alloc(8_000, 1)], 'a.webm'));
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    return apiFetch(`${product.apis[0]?.url}/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { 'access-key': customer.key },
      body: form,
    });
  };
  test('speech and transcripts that are errors, or broke before anything was sent, are free', async () => {
    const error = json({ error: { message: 'boom', type: 'server_error' } });
    const speak = () => post('/v1/audio/speech', { model: 'odd-speech', voice: 'alloy', input: 'The sea.' });
    provider.answer = error;
    const replies = [await speak(), await transcribe(), await transcribe({ stream: 'true' })];
    provider.answer = (response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg', 'content-length': '5000' });
      response.write(Buffer.alloc(10, 1), () => response.destroy());
    };
    replies.push(await speak());
    await noOpenHolds();
    for (const reply of replies) {
      assert.equal(reply.status, 502);
      assert.match(await reply.text(), /^\{"error":/);
      assert.equal(await chargeOf(reply), undefined);
    }
  });

  test('a stream of a transcript that becomes an error ends with an error event and is charged', async () => {
    const delta = '{"type":"transcript.text.delta","delta":"The sea"}';
    provider.answer = streamed([delta, '{"type":"error","error":{"message":"boom"}}']);
    const reply = await transcribe({ stream: 'true' });
    assert.equal(reply.status, 200);
    assert.match(await reply.text(), /^data: .*The sea.*\n\nevent: error\ndata: \{"error":\{.*boom.*\n\n$/);
    await noOpenHolds();
    assert.ok(await chargeOf(reply));
  });

  test('the usage of a very long transcript is that of the provider, wherever it stands', async () => {
    provider.answer = json({ usage: { type: 'duration', seconds: 7 }, text: 'x'.repeat(6_000_000) });
    const reply = await transcribe();
    assert.equal(reply.headers.get('x-cost'), '0.0007');
    await reply.arrayBuffer();
    assert.equal((await chargeOf(reply))?.estimated, 0);
  });

  test('a transcript without end is cut off and is an error', async () => {
    let cut = false;
    let poured = 0;
    provider.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const piece = Buffer.alloc(1_000_000, 'word ');
      const pour = () => {
        do poured += piece.length;
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', pour).on('close', () => {
        cut = true;
      });
      pour();
    };
    const reply = await transcribe();
    assert.equal(reply.status, 502);
    assert.match(await reply.text(), /answer is too large/);
    await until('the provider is left', () => cut);
    // With what waits on the way; of a stream the gateway takes 256 MB.
    assert.ok(poured < 128_000_000, `${poured} bytes`);
    await noOpenHolds();
  });
});
