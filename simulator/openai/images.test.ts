import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, before, beforeEach, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { imageSize } from '../content/image-size.ts';
import { makePng } from '../images/png.ts';
import { type Simulator, startSimulator } from '../simulator.ts';

let simulator: Simulator;
let client: OpenAI;
before(async () => {
  simulator = await startSimulator();
  client = new OpenAI({ apiKey: 'sim-test', baseURL: `${simulator.url}/v1`, maxRetries: 0 });
});
after(() => simulator.close());
beforeEach(async () => {
  await fetch(`${simulator.url}/control/reset`, { method: 'POST' });
});

async function sizeAt(url: string): Promise<object | undefined> {
  const response = await fetch(url);
  assert.equal(response.headers.get('content-type'), 'image/png');
  return imageSize(Buffer.from(await response.arrayBuffer()));
}

async function counts(): Promise<{ images: number; deliveredImages: number }> {
  const response = await fetch(`${simulator.url}/control/counts`);
  const { byKey } = (await response.json()) as { byKey: Record<string, { images: number; deliveredImages: number }> };
  return { images: byKey['sim-test']?.images ?? 0, deliveredImages: byKey['sim-test']?.deliveredImages ?? 0 };
}

test('images by URL, of the size asked for, counted', async () => {
  const reply = await client.images.generate({ model: 'sim-image', prompt: 'a cat', n: 2, size: '1536x1024' });
  assert.equal(reply.data?.length, 2);
  for (const { url } of reply.data) assert.deepEqual(await sizeAt(url ?? ''), { width: 1536, height: 1024 });
  assert.notEqual(reply.data[0]?.url, reply.data[1]?.url);
  assert.equal(reply.usage?.output_tokens, 2 * 1_584);
  assert.deepEqual(await counts(), { images: 2, deliveredImages: 2 });
});

test('images as base64, always so for GPT image models', async () => {
  for (const request of [{ model: 'gpt-image-1.5' }, { model: 'sim-image', response_format: 'b64_json' as const }]) {
    const reply = await client.images.generate({ ...request, prompt: 'a dog' });
    assert.equal(reply.data?.[0]?.url, undefined);
    assert.deepEqual(imageSize(Buffer.from(reply.data?.[0]?.b64_json ?? '', 'base64')), { width: 1024, height: 1024 });
  }
});

test('a link that was changed is refused, a gone image is not found', async () => {
  const reply = await client.images.generate({ model: 'sim-image', prompt: 'a cat' });
  const url = reply.data?.[0]?.url ?? '';
  assert.equal((await fetch(url.replace('1024x1024', '512x512'))).status, 403);
  const gone = await client.images.generate({ model: 'sim-image!gone-images', prompt: 'a cat' });
  assert.equal((await fetch(gone.data?.[0]?.url ?? '')).status, 404);
});

test('edits: one file, several files, a mask, JSON', async () => {
  const file = async (width: number, height: number) =>
    toFile(await makePng(width, height, 1, ''), 'a.png', { type: 'image/png' });
  const one = await client.images.edit({ model: 'sim-image', prompt: 'a hat', image: await file(300, 200) });
  assert.deepEqual(await sizeAt(one.data?.[0]?.url ?? ''), { width: 1536, height: 1024 });
  const many = await client.images.edit({
    model: 'sim-image',
    prompt: 'a hat',
    image: [await file(64, 64), await file(32, 32)],
    mask: await file(64, 64),
    n: 3,
    size: '512x512',
  });
  assert.equal(many.data?.length, 3);
  assert.ok((many.usage?.input_tokens_details.image_tokens ?? 0) > (one.usage?.input_tokens_details.image_tokens ?? 0));
  const dataUrl = `data:image/png;base64,${(await makePng(64, 64, 1, '')).toString('base64')}`;
  const json = await client.post<OpenAI.ImagesResponse>('/images/edits', {
    body: { model: 'sim-image', prompt: 'a hat', images: [{ image_url: dataUrl }] },
  });
  assert.equal(json.data?.length, 1);
});

test('mistakes are named', async () => {
  const rejected = async (request: Promise<unknown>, param: string) => {
    await assert.rejects(request, (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, param);
      return true;
    });
  };
  await rejected(client.images.generate({ model: 'sim-image', prompt: 'x', size: '1000x1000' as 'auto' }), 'size');
  await rejected(client.images.generate({ model: 'sim-image', prompt: 'x', n: 11 }), 'n');
  await rejected(client.images.generate({ model: 'sim-chat', prompt: 'x' }), 'model');
  const text = await toFile(Buffer.from('not an image'), 'a.png', { type: 'image/png' });
  await rejected(client.images.edit({ model: 'sim-image', prompt: 'x', image: text }), 'image');
  const image = await toFile(await makePng(64, 64, 1, ''), 'a.png', { type: 'image/png' });
  const mask = await toFile(await makePng(32, 32, 1, ''), 'm.png', { type: 'image/png' });
  await rejected(client.images.edit({ model: 'sim-image', prompt: 'x', image, mask }), 'mask');
});

test('a stream of images: previews, then the image with usage', async () => {
  const stream = await client.images.generate({
    model: 'gpt-image-1.5',
    prompt: 'a cat',
    stream: true,
    partial_images: 2,
  });
  const types: string[] = [];
  for await (const event of stream) {
    types.push(event.type);
    assert.ok(imageSize(Buffer.from(event.b64_json, 'base64')));
    if (event.type === 'image_generation.completed') assert.equal(event.usage.output_tokens, 1_056);
  }
  assert.deepEqual(types, [
    'image_generation.partial_image',
    'image_generation.partial_image',
    'image_generation.completed',
  ]);
  assert.deepEqual(await counts(), { images: 1, deliveredImages: 1 });
});

test('partial and empty replies', async () => {
  const partial = await client.images.generate({ model: 'sim-image!partial', prompt: 'a cat', n: 4 });
  assert.equal(partial.data?.length, 2);
  const empty = await client.images.generate({ model: 'sim-image!empty', prompt: 'a cat' });
  assert.deepEqual(empty.data, []);
  assert.deepEqual(await counts(), { images: 2, deliveredImages: 2 });
});
