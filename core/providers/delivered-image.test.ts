import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliveredImage } from './delivered-image.ts';

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

test('a page or a drawing with scripts is no picture', () => {
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml']) {
    assert.equal(deliveredImage({ url: `data:${type};base64,${HTML}` }), undefined, type);
    assert.equal(deliveredImage({ b64_json: `data:${type};base64,${HTML}` }), undefined, type);
  }
});
