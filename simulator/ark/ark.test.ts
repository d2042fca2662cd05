/** Ark's chat and images, as its documentation and its client know them. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, before, beforeEach, test } from 'node:test';
import { z } from 'zod';
import { imageSize } from '../content/image-size.ts';
import { makePng } from '../images/png.ts';
import { type Simulator, startSimulator } from '../simulator.ts';

let simulator: Simulator;
before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());
beforeEach(async () => {
  await fetch(`${simulator.url}/control/reset`, { method: 'POST' });
});

const SEEDREAM = 'doubao-seedream-4-0-250828';
const SEED = 'doubao-seed-1-6-250615';

function post(path: string, body: object): Promise<Response> {
  const headers = { authorization: 'Bearer sim-test' };
  return fetch(`${simulator.url}/api/v3${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

const imagesSchema = z.object({
  model: z.string(),
  created: z.number(),
  data: z.array(
    z
      .object({ url: z.string(), b64_json: z.string(), size: z.string(), error: z.object({ code: z.string() }) })
      .partial(),
  ),
  usage: z.object({ generated_images: z.number(), output_tokens: z.number(), total_tokens: z.number() }),
});
const chatSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string(), reasoning_content: z.string().optional() }) })),
  usage: z.object({ completion_tokens: z.number() }),
  service_tier: z.string(),
});
const countsSchema = z.object({
  byKey: z.record(z.string(), z.object({ images: z.number(), deliveredImages: z.number() })),
});
const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), param: z.string(), type: z.string() }),
});

async function images(request: object): Promise<z.infer<typeof imagesSchema>> {
  const response = await post('/images/generations', { model: SEEDREAM, prompt: 'a cat', ...request });
  return imagesSchema.parse(await response.json());
}

async function refusal(path: string, request: object): Promise<[number, string, string]> {
  const response = await post(path, request);
  const { error } = errorSchema.parse(await response.json());
  assert.match(error.message, /Request id: 02[0-9a-f]+$/);
  return [response.status, error.code, error.type];
}

const messages = [{ role: 'user', content: '介绍长江' }];

test('chat takes explicit nulls, reasons by default, and not when asked not to', async () => {
  const nulls = {
    max_tokens: null,
    stop: null,
    tools: null,
    n: null,
    stream: null,
    stream_options: null,
    thinking: null,
  };
  const chat = async (request: object) => {
    const response = await post('/chat/completions', { model: SEED, messages, ...nulls, ...request });
    return chatSchema.parse(await response.json());
  };
  const reasoned = await chat({});
  assert.ok(reasoned.choices[0]?.message.reasoning_content);
  assert.equal(reasoned.service_tier, 'default');
  const plain = await chat({ thinking: { type: 'disabled' } });
  assert.equal(plain.choices[0]?.message.reasoning_content, undefined);
  assert.equal((await chat({ n: 3 })).choices.length, 1);
  assert.equal((await chat({ thinking: { type: 'disabled' }, max_tokens: 5 })).usage.completion_tokens, 5);
});

test('a stream: usage null without include_usage, cumulative when asked', async () => {
  const chunks = async (stream_options: object | null) => {
    const response = await post('/chat/completions', { model: SEED, messages, stream: true, stream_options });
    const text = await response.text();
    assert.ok(text.endsWith('data: [DONE]\n\n'));
    return [...text.matchAll(/^data: (\{.*)$/gm)].map((line) => JSON.parse(line[1] ?? ''));
  };
  const without = await chunks(null);
  assert.ok(without.every((chunk) => chunk.usage === null && chunk.choices[0].delta.role === 'assistant'));
  const asked = await chunks({ include_usage: true });
  assert.deepEqual(asked.at(-1).choices, []);
  assert.ok(asked.at(-1).usage.completion_tokens > 0);
  const cumulative = (await chunks({ include_usage: true, chunk_include_usage: true })).map(
    (chunk) => chunk.usage.completion_tokens,
  );
  assert.deepEqual(
    cumulative.toSorted((one, other) => one - other),
    cumulative,
  );
  assert.equal(cumulative.at(-1), asked.at(-1).usage.completion_tokens);
});

test('an image: named and exact sizes, watermark by default, tokens by pixels', async () => {
  const two = await images({ size: '2K' });
  assert.deepEqual(two.usage, { generated_images: 1, output_tokens: 16_384, total_tokens: 16_384 });
  assert.equal(two.data[0]?.size, '2048x2048');
  assert.match(two.data[0]?.url ?? '', /watermarked/);
  const exact = await images({ size: '1760x2368', watermark: false });
  assert.doesNotMatch(exact.data[0]?.url ?? '', /watermarked/);
  assert.equal(exact.usage.output_tokens, 16_280);
  const bytes = Buffer.from(await (await fetch(exact.data[0]?.url ?? '')).arrayBuffer());
  assert.deepEqual(imageSize(bytes), { width: 1760, height: 2368 });
  const base64 = await images({ size: '1024x1024', response_format: 'b64_json' });
  assert.ok(imageSize(Buffer.from(base64.data[0]?.b64_json ?? '', 'base64')));
});

test('edits by one image or several; a group; a failed member', async () => {
  const image = `data:image/png;base64,${(await makePng(600, 400, 1, '')).toString('base64')}`;
  assert.equal((await images({ image })).data.length, 1);
  assert.equal((await images({ image: [image, image] })).data.length, 1);
  const edited = await images({ model: 'doubao-seededit-3-0-i2i-250628', image, size: 'adaptive' });
  assert.equal(edited.data[0]?.size, '600x400');
  const group = { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: 3 } };
  assert.equal((await images(group)).data.length, 3);
  const partial = await images({ model: `${SEEDREAM}!partial`, ...group });
  assert.deepEqual(
    partial.data.map((item) => item.error?.code),
    [undefined, 'OutputImageSensitiveContentDetected', undefined],
  );
  assert.equal(partial.usage.generated_images, 2);
});

test('a stream of images shows finished and failed ones, and no image at the end', async () => {
  const group = { sequential_image_generation: 'auto', sequential_image_generation_options: { max_images: 2 } };
  const response = await post('/images/generations', {
    model: `${SEEDREAM}!partial`,
    prompt: 'x',
    stream: true,
    ...group,
  });
  const text = await response.text();
  const types = [...text.matchAll(/^event: image_generation\.(.*)$/gm)].map((line) => line[1]);
  assert.deepEqual(types, ['partial_succeeded', 'partial_failed', 'completed']);
  assert.ok(text.endsWith('data: [DONE]\n\n'));
  const counts = countsSchema.parse(await (await fetch(`${simulator.url}/control/counts`)).json());
  assert.deepEqual(counts.byKey['sim-test'], { images: 1, deliveredImages: 1 });
});

test('errors in the form of Ark', async () => {
  const invalid = [400, 'InvalidParameter', 'BadRequest'];
  const image = (request: object) => refusal('/images/generations', { model: SEEDREAM, prompt: 'x', ...request });
  assert.deepEqual(await image({ model: 'doubao-seedream-4-5-251128', size: '1024x1024' }), invalid);
  assert.deepEqual(await image({ model: 'doubao-seedream-4-5-251128', size: '1K' }), invalid);
  assert.deepEqual(await image({ size: '1024*1024' }), invalid);
  assert.deepEqual(await image({ model: 'doubao-seedream-3-0-t2i-250415', stream: true }), invalid);
  assert.deepEqual(await image({ model: 'doubao-seededit-3-0-i2i-250628' }), invalid);
  assert.deepEqual(await image({ model: 'unknown' }), [404, 'InvalidEndpointOrModel.NotFound', 'NotFound']);
  const chat = (request: object) => refusal('/chat/completions', { model: SEED, messages, ...request });
  assert.deepEqual(await chat({ max_tokens: 5, max_completion_tokens: 5 }), invalid);
  assert.deepEqual(await chat({ model: `${SEED}!429` }), [429, 'ModelAccountRpmRateLimitExceeded', 'TooManyRequests']);
  assert.deepEqual(await chat({ model: `${SEED}!overdue` }), [403, 'AccountOverdueError', 'Forbidden']);
  assert.deepEqual(await chat({ model: `${SEED}!refused` }), [400, 'InputTextSensitiveContentDetected', 'BadRequest']);
});
