/** Repeated keyed calls get the first answer and its headers, whatever has changed since. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { apiFetch } from './api-fetch.ts';
import { json, type OddProvider } from './odd-provider.ts';
import { type Customer, call, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';

const HEADERS = ['x-request-id', 'x-cost', 'x-model', 'x-provider', 'x-attempts', 'content-type'];
const created = z.object({ conversationId: z.string() });
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const messages = [{ role: 'user', content: 'hello' }];

describe('repeated keyed calls', () => {
  let product: Product;
  let customer: Customer;
  let provider: OddProvider;
  before(async () => {
    ({ product, odd: provider } = await sharedProduct('calls'));
    await provider.join(product);
    customer = await newCustomer(product.apis[0]);
  });

  let keys = 0;
  async function asked(path: string, body: object, key: string) {
    const answer = await apiFetch(`${product.apis[0]?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'access-key': customer.key, 'idempotency-key': key },
      body: JSON.stringify(body),
    });
    const text = (await answer.text()).replace(/"traceId":"[^"]*"/, '');
    return { status: answer.status, text, headers: HEADERS.map((name) => answer.headers.get(name)) };
  }
  async function twice(path: string, body: object, between: () => Promise<unknown> = async () => undefined) {
    keys += 1;
    const first = await asked(path, body, `k${keys}`);
    await between();
    return { first, second: await asked(path, body, `k${keys}`) };
  }
  const charges = async () => {
    const [row] = await product.rows("SELECT COUNT(*) AS n FROM transfers WHERE kind='charge'");
    return Number(row?.n);
  };

  test('have the same in their headers', async () => {
    for (const [path, body] of [
      ['/v1/chat', { userMessage: 'hello' }],
      ['/v2/chat', { messages }],
      ['/v1/generate-image', { prompt: 'a cat', modelIdentifier: 'sim-image' }],
      ['/v1/images/generations', { prompt: 'a cat', model: 'sim-image' }],
    ] as const) {
      const { first, second } = await twice(path, body);
      assert.equal(first.status, 200, first.text);
      assert.ok(!first.headers.includes(null), path);
      assert.deepEqual(second, first, path);
    }
    const { first, second } = await twice('/v2/chat/stream', { messages });
    const [requestId, , model, provider, attempts, type] = first.headers;
    const cost = /x-cost=(\S+)/.exec(first.text)?.[1];
    // What a stream costs is known only when it is repeated.
    assert.deepEqual(second, { ...first, headers: [requestId, cost, model, provider, attempts, type] });
  });

  test('have their images again, however large, and are charged once', async () => {
    // Together twice as much as a row keeps.
    const b64_json = Buffer.concat([Buffer.from(PIXEL, 'base64'), randomBytes(3_000_000)]).toString('base64');
    const usage = { input_tokens: 9, output_tokens: 4_160, total_tokens: 4_169 };
    provider.answer = json({ created: 1, usage, size: '1x1', data: [{ b64_json }, { b64_json }] });
    const before = await charges();
    for (const [path, body] of [
      ['/v1/images/generations', { prompt: 'a cat', n: 2 }],
      ['/v1/images/generations', { prompt: 'a cat', n: 2, response_format: 'url' }],
      ['/v1/generate-image', { prompt: 'a cat', modelIdentifier: 'odd-image', options: { n: 2 } }],
    ] as const) {
      const called = provider.bodies.length;
      const { first, second } = await twice(path, { model: 'odd-image', ...body });
      assert.equal(first.status, 200, first.text.slice(0, 300));
      assert.equal(first.text.includes(b64_json), path !== '/v1/generate-image' && !('response_format' in body));
      assert.ok(isDeepStrictEqual(second, first), second.text.slice(0, 300));
      assert.equal(provider.bodies.length, called + 1, 'the provider was asked once');
    }
    assert.equal(await charges(), before + 3);
    const kept = await product.rows(
      `SELECT MAX(LENGTH(answer)) AS bytes FROM idempotency
        WHERE answer_status=200 AND scope IN (SELECT CONCAT('k',id) FROM access_keys WHERE user_id=${customer.userId})`,
    );
    assert.ok(Number(kept[0]?.bytes) < 10_000);

    const { first, second } = await twice('/v1/images/generations', { model: 'odd-image', prompt: 'x', n: 2 }, () =>
      product.execute('DELETE FROM stored_images'),
    );
    assert.equal(first.status, 200);
    assert.deepEqual([second.status, /kept no longer/.test(second.text)], [404, true], second.text.slice(0, 300));
    assert.equal(await charges(), before + 4, 'not charged again');
  });

  test('are answered although their conversation was deleted meanwhile, a new one is not', async () => {
    for (const form of ['/v1/chat', '/v2/chat', '/v2/chat/stream', '/v1/async/chat']) {
      const { key } = customer;
      const made = await call(product.apis[0], 'POST', '/v1/conversations', { key, body: {} });
      const { conversationId } = created.parse(made.data);
      const body = form.startsWith('/v2')
        ? { messages, conversation_id: conversationId, persist_history: true }
        : { userMessage: 'hello', conversationId, persistHistory: true };
      const deleted = () => call(product.apis[0], 'DELETE', `/v1/conversations/${conversationId}`, { key });
      const { first, second } = await twice(form, body, deleted);
      const before = await charges();
      assert.ok(first.status < 300, first.text);
      assert.deepEqual([second.status, second.text], [first.status, first.text], form);
      assert.equal((await asked(form, body, `other ${form}`.replaceAll(' ', '-'))).status, 404);
      assert.equal((await asked(form, { ...body, more: 1 }, `k${keys}`)).status, 422);
      if (!form.includes('async')) assert.equal(await charges(), before);
    }
  });

  test('are answered although their model was deleted meanwhile, a new one is not', async () => {
    const [api] = product.apis;
    const credentials = { username: 'root', password: product.rootPassword };
    const login = await call(api, 'POST', '/v1/auth/login', { body: credentials });
    const { token } = z.object({ token: z.string() }).parse(login.data);
    const image = { url: `data:image/png;base64,${PIXEL}` };
    for (const [path, capability, body] of [
      ['/v1/chat', 'text-to-text', { userMessage: 'hello' }],
      ['/v2/chat', 'text-to-text', { messages }],
      ['/v2/chat/stream', 'text-to-text', { messages }],
      ['/v1/generate-image', 'text-to-image', { prompt: 'a cat' }],
      ['/v1/images/generations', 'text-to-image', { prompt: 'a cat' }],
      ['/v1/images/edits', 'image-to-image', { prompt: 'a cat', images: [{ image_url: image.url }] }],
      ['/v1/async/generate-image', 'image-to-image', { prompt: 'a cat', originImage: image }],
    ] as const) {
      const name = `gone-${path.replaceAll('/', '-')}`;
      const made = await call(api, 'POST', '/v1/models', {
        token,
        body: {
          ...{ displayName: name, modelIdentifier: name, providerName: 'simulator', capabilities: [capability] },
          ...{
            upstreamModel: capability === 'text-to-text' ? 'sim-chat' : 'sim-image',
            pricing: { input: '0.000001', output: '0.0001' },
          },
        },
      });
      assert.ok(made.status < 300, made.message);
      const { id } = z.object({ id: z.number() }).parse(made.data);
      // The gateway's own form and OpenAI's each have their field; the other one is ignored, or passes to the simulator.
      const named = { ...body, model: name, modelIdentifier: name };
      const { first, second } = await twice(path, named, () => call(api, 'DELETE', `/v1/models/${id}`, { token }));
      const before = await charges();
      assert.ok(first.status < 300, first.text);
      assert.deepEqual([second.status, second.text], [first.status, first.text], path);
      assert.equal((await asked(path, named, `other-${name}`)).status, 404, path);
      if (!path.includes('async')) assert.equal(await charges(), before);
    }
  });
});
