import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, inflateSync } from 'node:zlib';
import { imageSize } from '../content/image-size.ts';
import { makePng } from './png.ts';

function chunksOf(png: Buffer): { type: string; data: Buffer }[] {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 4, at + 8 + length);
    assert.equal(png.readUInt32BE(at + 8 + length), crc32(body));
    chunks.push({ type: body.toString('latin1', 0, 4), data: body.subarray(4) });
    at += 12 + length;
  }
  return chunks;
}

test('a whole PNG of the size asked for', async () => {
  const png = await makePng(640, 333, 7, 'hello');
  assert.deepEqual(imageSize(png), { width: 640, height: 333 });
  const chunks = chunksOf(png);
  assert.deepEqual(
    chunks.map((chunk) => chunk.type),
    ['IHDR', 'PLTE', 'tEXt', 'IDAT', 'IEND'],
  );
  const pixels = inflateSync(chunks[3]?.data ?? Buffer.alloc(0));
  assert.equal(pixels.length, 333 * 641);
});

test('the same seed gives the same bytes, another seed others', async () => {
  assert.deepEqual(await makePng(16, 16, 1, ''), await makePng(16, 16, 1, ''));
  assert.notDeepEqual(await makePng(16, 16, 1, ''), await makePng(16, 16, 2, ''));
});

test('a large image is quick and small', async () => {
  const startedAt = performance.now();
  const png = await makePng(4096, 4096, 1, '');
  assert.ok(performance.now() - startedAt < 3_000);
  assert.ok(png.length < 1_000_000, `${png.length} bytes`);
});
