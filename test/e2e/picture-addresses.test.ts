import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { z } from 'zod';
import { apiFetch } from './api-fetch.ts';
import { type Customer, call, jobEnd, newCustomer, type Product } from './product.ts';
import { sharedProduct } from './shared-product.ts';
import { upstream } from './upstream.ts';

const imagesSchema = z.object({ imageUrls: z.array(z.string()).min(1) });
const simulatedSchema = z.object({ data: z.array(z.object({ url: z.string() })).min(1) });

describe('images that requests name by address', () => {
  let product: Product;
  let customer: Customer;
  let simulator: ReturnType<typeof upstream>;
  let simulated: string;
  before(async () => {
    ({ product } = await sharedProduct('jobs'));
    simulator = upstream(product);
    customer = await newCustomer(product.apis[0]);
    const made = await fetch(`${product.simulator.url}/v1/images/generations`, {
      method: 'POST',
      headers: { authorization: 'Bearer sim-any', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'sim-image', prompt: 'a cat', size: '256x256', response_format: 'url' }),
    });
    [{ url: simulated }] = simulatedSchema.parse(await made.json()).data as [{ url: string }];
  });

  const api = () => product.apis[0];
  const post = (path: string, body: object) => call(api(), 'POST', path, { key: customer.key, body });
  const look = (url: string) => ({ userMessage: 'what is it?', images: [{ url }], modelIdentifier: 'sim-vision' });
  const redraw = (url: string) => ({ prompt: 'in snow', originImage: { url }, modelIdentifier: 'sim-image' });
  const spent = async () => {
    const [row] = await product.rows(
      `SELECT COUNT(*) AS n FROM transfers t JOIN accounts a ON a.id=t.account_id WHERE a.owner_id=${customer.userId} AND kind='charge'`,
    );
    return Number(row?.n);
  };

  test('are fetched for the provider: chat, stream, image to image, and as jobs', async () => {
    assert.equal((await post('/v1/chat', look(simulated))).status, 200);
    const client = new OpenAI({ baseURL: `${api()?.url}/v1`, apiKey: customer.key, maxRetries: 0, fetch: apiFetch });
    const content = [{ type: 'image_url' as const, image_url: { url: simulated } }];
    const stream = await client.chat.completions.create({
      model: 'sim-vision',
      messages: [{ role: 'user', content }],
      stream: true,
    });
    assert.ok((await Array.fromAsync(stream)).length > 2);
    assert.equal((await post('/v1/generate-image', redraw(simulated))).status, 200);
    for (const [path, body] of [
      ['/v1/async/chat', look(simulated)],
      ['/v1/async/generate-image', redraw(simulated)],
    ] as const) {
      const { jobId } = z.object({ jobId: z.string() }).parse((await post(path, body)).data);
      const job = await jobEnd(api(), customer.key, jobId);
      assert.equal(job.status, 'COMPLETED', job.errorMessage ?? '');
    }
  });

  test('an image that we made can be given back to be changed, by its link', async () => {
    const made = await post('/v1/generate-image', { prompt: 'a cat', modelIdentifier: 'sim-image' });
    const [link = ''] = imagesSchema.parse(made.data).imageUrls;
    assert.equal((await post('/v1/generate-image', redraw(link))).status, 200);
    const forged = await post('/v1/generate-image', redraw(link.replace(/signature=..../, 'signature=AAAA')));
    assert.equal(forged.status, 400);
  });

  test('a private address is the caller’s mistake: nothing is called, nothing is paid, nothing is held', async () => {
    await simulator.forget();
    const before = await spent();
    for (const url of [
      `${product.simulator.url}/control/faults`,
      `${api()?.url}/metrics`,
      'http://169.254.169.254/latest/meta-data/',
      'http://[::1]:8060/healthz',
      'http://10.0.0.1/x.png',
      'http://localhost/x.png',
    ]) {
      for (const [path, body] of [
        ['/v1/chat', look(url)],
        ['/v1/generate-image', redraw(url)],
      ] as const) {
        const answer = await post(path, body);
        assert.deepEqual([answer.status, answer.code], [400, 400001], `${path} ${url}: ${answer.message}`);
        assert.match(answer.message, /image.*could not be read/);
      }
    }
    const stream = await apiFetch(`${api()?.url}/v2/chat/stream`, {
      method: 'POST',
      headers: { 'access-key': customer.key, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'sim-vision',
        messages: [{ role: 'user', content: { type: 'input_image', image_url: 'http://127.0.0.1/x.png' } }],
      }),
    });
    assert.equal(stream.status, 400);
    assert.equal(
      z.object({ error: z.object({ param: z.string() }) }).parse(await stream.json()).error.param,
      'messages[0].content[0].image_url',
    );
    assert.equal(await spent(), before);
    assert.deepEqual((await simulator.counts()).byModel, {});
    const me = await call(api(), 'GET', '/v1/auth/me', { token: customer.token });
    assert.equal(z.object({ held: z.number() }).parse(me.data).held, 0);
  });

  test('a job whose image cannot be read fails with the reason, uncharged', async () => {
    const before = await spent();
    const submitted = await post('/v1/async/chat', look('http://127.0.0.1/x.png'));
    const job = await jobEnd(api(), customer.key, z.object({ jobId: z.string() }).parse(submitted.data).jobId);
    assert.equal(job.status, 'FAILED');
    assert.match(job.errorMessage ?? '', /could not be read/);
    assert.equal(await spent(), before);
  });
});
