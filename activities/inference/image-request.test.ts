import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../infra/errors.ts';
import { openAiChatInput } from './chat-request.ts';
import { imageUrlOf } from './image-request.ts';

const GIF = Buffer.from('GIF89a, and so on').toString('base64');
const AS_URL = `data:image/gif;base64,${GIF}`;

function refusedPaths(work: () => unknown): string[] {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.ok(
      ['invalidParameter', 'missingParameter', 'wrongType', 'tooLarge', 'unsupportedFileType'].includes(error.kind),
      error.message,
    );
    return (error.details.errors ?? []).map(({ path }) => path);
  }
  return [];
}

test('base64 with or without a prefix becomes a data URL of what the bytes are', () => {
  for (const text of [
    GIF,
    AS_URL,
    `DATA:image/png;BASE64,${GIF}`,
    `data:image/jpg;base64,${GIF.slice(0, 8)}\n${GIF.slice(8)}`,
  ]) {
    assert.equal(imageUrlOf({ url: text }, 'images[0]'), AS_URL, text);
    assert.equal(imageUrlOf({ base64: text }, 'images[0]'), AS_URL, text);
  }
  assert.equal(imageUrlOf({ url: 'https://example.com/a' }, 'images[0]'), 'https://example.com/a');
});

test('a data URL is checked like bare base64', () => {
  const html = Buffer.from('<html>').toString('base64');
  for (const text of [
    'data:image/png;base64,',
    'data:image/png;base64,###',
    'data:image/png;base64,AAAAA',
    `data:image/png;base64,${html}`,
    `data:text/html;base64,${GIF}`,
    `data:image/png,${GIF}`,
    'data:image/svg+xml;utf8,<svg/>',
    'file:///etc/passwd',
    'javascript:alert(1)',
  ]) {
    assert.deepEqual(
      refusedPaths(() => imageUrlOf({ url: text }, 'images[0]')),
      ['images[0].url'],
      text,
    );
    const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: text } }] }];
    assert.deepEqual(
      refusedPaths(() => openAiChatInput({ messages })),
      ['messages[0].content[0]'],
      text,
    );
  }
});

test('an image of millions of spaces is read at the pace of any other', () => {
  const spaced = Buffer.alloc(20_000_000, ' A').toString();
  const startedAt = performance.now();
  assert.deepEqual(
    refusedPaths(() => imageUrlOf({ base64: spaced }, 'image')),
    ['image.base64'],
  );
  assert.ok(performance.now() - startedAt < 2_000, `${performance.now() - startedAt} ms`);
  const gif = GIF.replace(/(.)/g, '$1\r\n\t ');
  assert.equal(imageUrlOf({ base64: gif }, 'image'), AS_URL);
  assert.deepEqual(
    refusedPaths(() => imageUrlOf({ base64: GIF.replace('R', '\u0152') }, 'image')),
    ['image.base64'],
  );
});
