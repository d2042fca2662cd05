/** What clients of OpenAI send and expect, at the gateway's doors: calls with the programs' own requests. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import OpenAI, { BadRequestError, NotFoundError } from 'openai';
import { z } from 'zod';
import { apiFetch } from '../e2e/api-fetch.ts';
import { type Customer, call, newCustomer, type Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { addProvider, rootToken, upstream } from '../e2e/upstream.ts';
import { until } from '../until.ts';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const DATA_URL = `data:image/png;base64,${PIXEL}`;
const imagesSchema = z.object({
  created: z.number(),
  output_format: z.string(),
  data: z.array(z.object({ b64_json: z.string().optional(), url: z.string().optional() })).min(1),
});
const errorSchema = z.object({
  error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string().nullable() }),
});

describe('what the clients of OpenAI send and expect', () => {
  let product: Product;
  let customer: Customer;
  let client: OpenAI;
  before(async () => {
    ({ product } = await sharedProduct('field'));
    customer = await newCustomer(product.apis[0]);
    const models = [{ identifier: 'two-keys', upstream: 'sim-chat-affine' }];
    await addProvider(product, { name: 'affine', keys: ['sim-affine-1', 'sim-affine-2'], models });
    client = new OpenAI({ apiKey: customer.key, baseURL: `${url()}/v1`, maxRetries: 2, fetch: apiFetch });
  });

  const url = () => product.apis[0]?.url ?? '';
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    apiFetch(`${url()}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${customer.key}`, ...headers },
      body: JSON.stringify(body),
    });
  const served = async (path: string, body: object, headers?: Record<string, string>) => {
    const answer = await post(path, body, headers);
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text);
  };
  const refused = async (path: string, body: object) => {
    const answer = await post(path, body);
    return { status: answer.status, ...errorSchema.parse(await answer.json()).error };
  };
  const hello = { model: 'two-keys', messages: [{ role: 'user', content: 'hello' }] };
  /** Keys of the provider that served these calls, each once. */
  const keysOf = async (calls: () => Promise<unknown>) => {
    await upstream(product).forget();
    await calls();
    const { byKey } = await upstream(product).counts();
    return Object.keys(byKey).filter((key) => key.startsWith('sim-affine'));
  };

  test('calls of one conversation keep to one key, conversations use both', async () => {
    const three = async (body: object, headers?: Record<string, string>) => {
      for (let turn = 1; turn <= 3; turn += 1) {
        const messages = [
          ...hello.messages,
          ...Array.from({ length: turn }, () => ({ role: 'assistant', content: 'again' })),
        ];
        await served('/v1/chat/completions', { ...hello, messages, ...body }, headers);
      }
    };
    assert.equal((await keysOf(() => three({}))).length, 1, 'by the first messages');
    const different = (index: number) => ({ messages: [{ role: 'user', content: `question ${index}` }] });
    for (const [index, same] of [{ prompt_cache_key: 'one' }, { user: 'somebody' }].entries()) {
      const calls = async () => {
        for (let turn = 0; turn < 4; turn += 1)
          await served('/v1/chat/completions', { ...hello, ...different(turn), ...same });
      };
      assert.equal((await keysOf(calls)).length, 1, `by field ${index}`);
    }
    const session = async () => {
      for (let turn = 0; turn < 4; turn += 1) {
        const headers = { 'x-claude-code-session-id': 'a session' };
        await served('/v1/chat/completions', { ...hello, ...different(turn) }, headers);
      }
    };
    assert.equal((await keysOf(session)).length, 1, 'by the session header');
    const many = async () => {
      for (let turn = 0; turn < 24; turn += 1) await served('/v1/chat/completions', { ...hello, ...different(turn) });
    };
    assert.equal((await keysOf(many)).length, 2);
  });

  test('images come as base64 unless a link is asked for, with what is known of them', async () => {
    const made = await client.images.generate({ model: 'sim-image', prompt: 'a cat', size: '256x256' });
    assert.ok((made.data?.[0]?.b64_json ?? '').length > 100);
    assert.equal(made.data?.[0]?.url, undefined);
    assert.equal(made.output_format, 'png');
    const linked = await served('/v1/images/generations', {
      model: 'sim-image',
      prompt: 'a cat',
      response_format: 'url',
    });
    assert.match(imagesSchema.parse(linked).data[0]?.url ?? '', /^http/);
  });

  test('an edit takes images as JSON in every form that clients send', async () => {
    const forms = [
      { image: DATA_URL },
      { image: PIXEL },
      { image: [DATA_URL, DATA_URL] },
      { images: [DATA_URL] },
      { image: { image_url: DATA_URL } },
      { images: [{ image_url: { url: DATA_URL } }, { url: DATA_URL }, { b64_json: PIXEL }] },
    ];
    for (const form of forms) {
      const edited = await served('/v1/images/edits', { model: 'sim-image', prompt: 'in snow', ...form });
      assert.ok(imagesSchema.parse(edited).data[0]?.b64_json, JSON.stringify(form).slice(0, 60));
    }
    const none = await refused('/v1/images/edits', { model: 'sim-image', prompt: 'in snow' });
    assert.equal(none.status, 400);
    assert.equal(none.param, 'image');
    assert.match(none.message, /multipart\/form-data.*data URL/);
    const text = Buffer.from('this is a text').toString('base64');
    const noImage = await refused('/v1/images/edits', { model: 'sim-image', prompt: 'in snow', image: text });
    assert.equal(noImage.status, 415);
    assert.match(noImage.message, /is not a PNG, JPEG, GIF, WebP or BMP image/);
  });

  test('fields with values that change nothing pass, and half an emoji does not refuse a conversation', async () => {
    const plain = {
      ...{ service_tier: 'auto', modalities: ['text'], n: 1, logprobs: false, store: false, user: 'somebody' },
      ...{ stream_options: { include_usage: true }, web_search_options: null, plugins: [], metadata: {} },
    };
    await served('/v1/chat/completions', { ...hello, ...plain });
    for (const service_tier of ['auto', 'default']) {
      await served('/v1/chat/completions', { ...hello, service_tier });
      await served('/v1/responses', { model: 'two-keys', input: 'hello', service_tier });
      await served('/v1/embeddings', { model: 'sim-embedding', input: 'hello', service_tier });
      await served('/v1/images/generations', { model: 'sim-image', prompt: 'a cat', service_tier });
    }
    await served('/v1/chat', { userMessage: 'hello', modelIdentifier: 'two-keys', options: { n: 1, stream: false } });
    await served('/v1/images/generations', { model: 'sim-image', prompt: 'a cat', stream: false, partial_images: 0 });
    const answer = await apiFetch(`${url()}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${customer.key}` },
      body: `{"model":"two-keys","messages":[{"role":"user","content":"half \\ud83d an emoji"}]}`,
    });
    assert.equal(answer.status, 200, await answer.text());
    const models = [{ identifier: 'claude-door', upstream: 'sim-claude' }];
    await addProvider(product, { name: 'claude-door', kind: 'anthropic', keys: ['sim-door-1'], models });
    for (const [field, value] of Object.entries({ logprobs: true, n: 2, response_format: { type: 'xml' } })) {
      const { status, param } = await refused('/v1/chat/completions', {
        ...hello,
        model: 'claude-door',
        [field]: value,
      });
      assert.deepEqual([status, param], [400, field]);
    }
    const left = await post('/v1/chat/completions', { ...hello, model: 'claude-door', seed: 1, min_k: 2 });
    assert.equal(left.status, 200, await left.text());
    assert.match(left.headers.get('x-request-fits') ?? '', /left-out:seed.*left-out:min_k/);
    const dearer = await refused('/v1/chat/completions', { ...hello, service_tier: 'priority' });
    assert.deepEqual([dearer.status, dearer.param], [400, 'service_tier']);
  });

  test("an answer's model is the one that was asked for, whole and streamed", async () => {
    const whole = await client.chat.completions.create({
      model: 'two-keys',
      messages: [{ role: 'user', content: 'hi' }],
    });
    assert.equal(whole.model, 'two-keys');
    const stream = await client.chat.completions.create({
      model: 'two-keys',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
    });
    const names = new Set<string>();
    for await (const chunk of stream) names.add(chunk.model);
    assert.deepEqual([...names], ['two-keys']);
  });

  test('a path or model that is missing, and a model of the wrong kind, are said once and in OpenAI’s form', async () => {
    let requests = 0;
    const counting = new OpenAI({
      ...{ apiKey: customer.key, baseURL: `${url()}/v1`, maxRetries: 2 },
      fetch: (...args: Parameters<typeof apiFetch>) => {
        requests += 1;
        return apiFetch(...args);
      },
    });
    await assert.rejects(counting.vectorStores.create({ name: 'notes' }), NotFoundError);
    await assert.rejects(
      counting.chat.completions.create({ model: 'no-such-model', messages: [{ role: 'user', content: 'hi' }] }),
      (error) => error instanceof NotFoundError && error.code === 'model_not_found',
    );
    await assert.rejects(
      counting.images.generate({ model: 'two-keys', prompt: 'a cat' }),
      (error) => error instanceof BadRequestError && /two-keys/.test(error.message),
    );
    assert.equal(requests, 3, 'none was repeated');
    const envelope = await call(product.apis[0], 'POST', '/v1/generate-image', {
      key: customer.key,
      body: { prompt: 'a cat', modelIdentifier: 'two-keys' },
    });
    assert.deepEqual([envelope.status, envelope.code], [400, 600003]);
  });

  test('a page of any origin may call with an access key and read what it cost, and nothing else', async () => {
    const origin = 'https://chat.example';
    const asked = await apiFetch(`${url()}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        ...{ origin, 'access-control-request-method': 'POST' },
        'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
      },
    });
    assert.equal(asked.status, 204);
    assert.equal(asked.headers.get('access-control-allow-origin'), '*');
    assert.match(asked.headers.get('access-control-allow-headers') ?? '', /x-stainless-lang/);
    assert.equal(asked.headers.get('access-control-allow-credentials'), null);
    const answer = await post('/v1/chat/completions', hello, { origin });
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.match(answer.headers.get('access-control-expose-headers') ?? '', /x-cost/);
    const unknown = await post('/v1/chat/completions', hello, { origin, authorization: 'Bearer ak-wrong' });
    assert.equal(unknown.status, 401);
    assert.equal(unknown.headers.get('access-control-allow-origin'), '*', 'errors are read, too');
    for (const path of ['/v1/auth/me', '/v1/users', '/v1/providers']) {
      const other = await apiFetch(`${url()}${path}`, {
        headers: { origin, authorization: `Bearer ${await rootToken(product)}` },
      });
      assert.equal(other.headers.get('access-control-allow-origin'), null, path);
    }
  });

  test('every form of answer says the cost that was charged', async () => {
    const cost = z.object({
      usage: z.looseObject({ cost: z.number(), cost_details: z.object({ currency: z.string() }) }),
    });
    const wholes: [string, object][] = [
      ['/v1/chat/completions', hello],
      ['/v1/messages', { ...hello, max_tokens: 20 }],
      ['/v1/responses', { model: 'sim-chat', input: 'hello' }],
      ['/v1/embeddings', { model: 'sim-embedding', input: 'hello' }],
      ['/v1/rerank', { model: 'sim-rerank', query: 'light', documents: ['A lighthouse'] }],
      ['/v1/images/generations', { model: 'sim-image', prompt: 'a cat' }],
      ['/v1/images/edits', { model: 'sim-image', prompt: 'in snow', image: PIXEL }],
    ];
    for (const [path, body] of wholes) {
      const answer = await post(path, body);
      const said = cost.parse(await answer.json()).usage.cost;
      assert.equal(said, Number(answer.headers.get('x-cost')), path);
      assert.ok(said > 0, path);
    }
    const stream = await (await post('/v1/messages', { ...hello, max_tokens: 20, stream: true })).text();
    const [, event = ''] = /event: message_delta\ndata: (.*)/.exec(stream) ?? [];
    const [, comment] = /^: x-cost=(\S+)/m.exec(stream) ?? [];
    assert.equal(cost.parse(JSON.parse(event)).usage.cost, Number(comment));
    const sound = await post('/v1/audio/speech', { model: 'sim-speech', voice: 'alloy', input: 'A lighthouse.' });
    await sound.arrayBuffer();
    assert.equal(sound.headers.get('x-cost'), null);
    const path = `/v1/statistics/logs/me?requestId=${sound.headers.get('x-request-id')}`;
    await until('the call of the sound is logged', async () => {
      const { data } = await call(product.apis[0], 'GET', path, { token: customer.token });
      const [logged] = z.array(z.looseObject({ cost: z.number() })).parse(data);
      return (logged?.cost ?? 0) > 0;
    });
  });
});
