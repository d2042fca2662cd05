import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tagsOf } from './attribution.ts';

test('what a client says of who asks becomes tags, other headers do not', () => {
  const headers = {
    'x-openwebui-user-id': 'u-1',
    'x-openwebui-user-name': encodeURIComponent('王 Müller'),
    'x-claude-code-session-id': 's-1',
    'http-referer': 'https://chat.example',
    'x-title': Buffer.from('Büro').toString('latin1'),
    authorization: 'Bearer ak-secret',
  };
  assert.deepEqual(tagsOf(headers), {
    'openwebui-user-id': 'u-1',
    'openwebui-user-name': '王 Müller',
    'claude-code-session-id': 's-1',
    referer: 'https://chat.example',
    title: 'Büro',
  });
  assert.deepEqual(tagsOf({}), {});
});

test('a tag is short and readable, whatever was sent', () => {
  assert.equal(tagsOf({ 'x-title': 'x'.repeat(9_000) }).title?.length, 128);
  assert.equal(tagsOf({ 'x-title': '%E4%' }).title, '%E4%');
  assert.equal(tagsOf({ 'x-title': '%00%0Aa\tb%E2%80%AE' }).title, 'ab');
  const cut = tagsOf({ 'x-title': encodeURIComponent(`${'a'.repeat(127)}😀`) }).title ?? '';
  assert.ok(cut.isWellFormed());
  assert.equal(tagsOf({ 'x-title': '' }).title, undefined);
});
