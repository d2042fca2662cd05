import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkImageSize, deliveredImage, formatImageSize, parseImageSize } from './images.ts';
import { refusedFor } from './test-calls.ts';

test('sizes are read with either separator and written with the one asked for', () => {
  for (const text of ['1664*928', '1664x928', '1664X928', ' 1664 x 928 ', '1664×928']) {
    const size = parseImageSize(text);
    assert.ok(size, text);
    assert.equal(formatImageSize(size, '*'), '1664*928');
    assert.equal(formatImageSize(size, 'x'), '1664x928');
  }
  assert.deepEqual(parseImageSize('2K'), { kind: 'name', name: '2K' });
  for (const text of [undefined, '', ' ', 'auto', 'AUTO']) assert.equal(parseImageSize(text), undefined);
});

test('bounds hold at their edges', () => {
  const pixels = (width: number, height: number) => ({ kind: 'pixels', width, height }) as const;
  const rule = { names: ['2K'], side: [512, 2_048], area: [400_000, 2_000_000], ratio: 4 } as const;
  for (const size of [pixels(512, 1_024), pixels(800, 512), pixels(1_000, 2_000), pixels(2_048, 512)]) {
    assert.deepEqual(checkImageSize(size, rule, 'm'), size);
  }
  for (const size of [pixels(511, 1_024), pixels(2_049, 600), pixels(600, 600), pixels(1_001, 2_000)]) {
    assert.throws(
      () => checkImageSize(size, rule, 'm'),
      refusedFor('size', /is not made by m: it takes 2K; sides of 512/),
    );
  }
  assert.throws(() => checkImageSize(pixels(2_045, 511), { ratio: 4 }, 'm'), refusedFor('size', /at most 4:1/));
});

test('a list is all there is, and names are taken in any case', () => {
  const list = { list: ['1664x928', '928x1664'] };
  const size = { kind: 'pixels', width: 928, height: 1_664 } as const;
  assert.deepEqual(checkImageSize(size, list, 'm'), size);
  const other = { kind: 'pixels', width: 1_024, height: 1_024 } as const;
  assert.throws(() => checkImageSize(other, list, 'm'), refusedFor('size', /it takes 1664x928, 928x1664/));
  assert.deepEqual(checkImageSize({ kind: 'name', name: '2k' }, { names: ['2K'] }, 'm'), { kind: 'name', name: '2K' });
  const named = { names: ['adaptive'], namesOnly: true } as const;
  assert.throws(() => checkImageSize(other, named, 'm'), refusedFor('size', /adaptive/));
  assert.throws(() => checkImageSize(other, { namesOnly: true }, 'm'), refusedFor('size', /cannot be chosen/));
  assert.throws(() => checkImageSize({ kind: 'name', name: 'huge' }, {}, 'm'), refusedFor('size', /huge/));
});

const GIF = Buffer.from('GIF89a, and so on').toString('base64');
const HTML = Buffer.from('<script>alert(1)</script>').toString('base64');

test('only links that a caller may open are given on', () => {
  for (const url of ['https://cdn.example/a.png', 'HTTP://cdn.example/a.png']) {
    assert.deepEqual(deliveredImage({ url }), { kind: 'url', url });
  }
  for (const url of [
    'file:///etc/passwd',
    'javascript:alert(1)',
    'ftp://cdn.example/a.png',
    '/a.png',
    `data:,${HTML}`,
  ]) {
    assert.equal(deliveredImage({ url }), undefined, url);
  }
});

test('bytes are what they are, whatever the provider calls them', () => {
  for (const url of [`data:image/gif;base64,${GIF}`, `data:text/html;base64,${GIF}`, `DATA:image/png;base64,${GIF}`]) {
    assert.deepEqual(deliveredImage({ url }), { kind: 'base64', data: GIF, mediaType: 'image/gif' }, url);
  }
  const avif = deliveredImage({ url: 'data:image/avif;base64,AAAAHGZ0eXBhdmlm' });
  assert.equal(avif?.kind === 'base64' && avif.mediaType, 'image/avif');
});

test('a page or a drawing with scripts is no image', () => {
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml']) {
    assert.equal(deliveredImage({ url: `data:${type};base64,${HTML}` }), undefined, type);
    assert.equal(deliveredImage({ b64_json: `data:${type};base64,${HTML}` }), undefined, type);
  }
});
