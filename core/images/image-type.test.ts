import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageTypeOf, imageTypeOfBase64 } from './image-type.ts';

const BEGINNINGS = [
  ['image/png', '89504e470d0a1a0a0000000d'],
  ['image/jpeg', 'ffd8ffe000104a464946'],
  ['image/gif', '474946383961'],
  ['image/gif', '474946383761'],
  ['image/webp', '52494646deadbeef57454250'],
  ['image/bmp', '424d4600000000000000'],
] as const;

test('images are known by their first bytes', () => {
  for (const [type, hex] of BEGINNINGS) {
    const bytes = Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(100)]);
    assert.equal(imageTypeOf(bytes), type);
    assert.equal(imageTypeOfBase64(bytes.toString('base64')), type);
  }
});

test('a view into a larger buffer is looked at from its own beginning', () => {
  const buffer = Buffer.concat([Buffer.from('xx'), Buffer.from('ffd8ff', 'hex')]);
  assert.equal(imageTypeOf(new Uint8Array(buffer.buffer, buffer.byteOffset + 2, 3)), 'image/jpeg');
});

test('what only looks like an image is none', () => {
  for (const text of [
    '',
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    'BM is a text',
    'RIFF1234WAVE',
    '<html>',
    'GIF',
  ]) {
    assert.equal(imageTypeOf(Buffer.from(text)), undefined, text);
  }
  assert.equal(imageTypeOf(Buffer.from('89504e47', 'hex')), undefined);
});
