import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageAddress } from '../../core/images/image-reader.ts';
import { createRequestImages } from './request-images.ts';

const signal = new AbortController().signal;
const DATA = 'data:image/png;base64,iVBORw0KGgo=';

function reading() {
  const asked: ImageAddress[] = [];
  const images = createRequestImages(async (address) => {
    asked.push(address);
    return { bytes: new Uint8Array(Buffer.from(`GIF89a ${address.url}`)), mediaType: 'image/gif' };
  }, 'fetch');
  return { asked, images };
}

function dataUrlOf(url: string): string {
  return `data:image/gif;base64,${Buffer.from(`GIF89a ${url}`).toString('base64')}`;
}

const room = { take: () => undefined };
const image = (url: string, more: object = {}) => ({ type: 'image_url', image_url: { url, ...more } });

test('addresses in a chat become data URLs; everything else stays as it is', async () => {
  const { images, asked } = reading();
  const text = { type: 'text', text: 'http://not.a/picture' };
  const body = {
    temperature: 1,
    messages: [
      { role: 'system', content: 'http://x/' },
      { role: 'user', content: [text, image('https://a.example/1.png', { detail: 'low' }), image(DATA)] },
      { role: 'user', content: [image('https://a.example/1.png')] },
    ],
  };
  const ready = await images.ofChat(body, signal, room);
  const fetched = dataUrlOf('https://a.example/1.png');
  assert.deepEqual(ready, {
    temperature: 1,
    messages: [
      body.messages[0],
      { role: 'user', content: [text, image(fetched, { detail: 'low' }), image(DATA)] },
      { role: 'user', content: [image(fetched)] },
    ],
  });
  assert.deepEqual(
    asked.map(({ url, path }) => [url, path]),
    [['https://a.example/1.png', 'messages[2].content[0].image_url']],
    'the same address is read once',
  );
});

test('a request without addresses is the same object', async () => {
  const { images } = reading();
  const chat = { messages: [{ role: 'user', content: [image(DATA)] }] };
  assert.equal(await images.ofChat(chat, signal, room), chat);
  const request = { prompt: 'p', images: [DATA], n: 1, extra: {} };
  assert.equal(await images.ofImage(request, signal, room), request);
});

test('images and mask of an image request', async () => {
  const { images } = reading();
  const request = { prompt: 'p', images: ['http://a.example/1', DATA], mask: 'http://a.example/m', n: 1, extra: {} };
  assert.deepEqual(await images.ofImage(request, signal, room), {
    ...request,
    images: [dataUrlOf('http://a.example/1'), DATA],
    mask: dataUrlOf('http://a.example/m'),
  });
});

test('many images share the bytes of two, and there are never more than sixteen', async () => {
  const { images, asked } = reading();
  const body = (count: number) => ({
    messages: [
      { role: 'user', content: Array.from({ length: count }, (_, index) => image(`http://a.example/${index}`)) },
    ],
  });
  await images.ofChat(body(16), signal, room);
  assert.equal(asked[0]?.maxBytes, (40 * 1024 * 1024) / 16);
  await assert.rejects(images.ofChat(body(17), signal, room), /messages\[0\]\.content\[16\]\.image_url: at most 16/);
  assert.equal(asked.length, 16);
});

test('by setting addresses go to the provider as they are', async () => {
  const images = createRequestImages(async () => assert.fail('nothing is read'), 'pass');
  const chat = { messages: [{ role: 'user', content: [image('http://a.example/1')] }] };
  assert.equal(await images.ofChat(chat, signal, room), chat);
});
