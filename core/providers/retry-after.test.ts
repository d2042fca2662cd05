import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfterMs } from './retry-after.ts';

const NOW_MS = Date.parse('2026-11-24T12:00:00Z');

function wait(headers: Record<string, string>): number | undefined {
  return retryAfterMs(new Headers(headers), NOW_MS);
}

test('milliseconds win over seconds, and a date counts from now', () => {
  assert.equal(wait({ 'retry-after-ms': '250', 'retry-after': '9' }), 250);
  assert.equal(wait({ 'retry-after': '30' }), 30_000);
  assert.equal(wait({ 'retry-after': '0.5' }), 500);
  assert.equal(wait({ 'retry-after': 'Tue, 24 Nov 2026 12:00:20 GMT' }), 20_000);
  assert.equal(wait({ 'retry-after': 'Tue, 24 Nov 2026 11:00:00 GMT' }), 0);
});

test('a hint that makes no sense is no hint', () => {
  assert.equal(wait({}), undefined);
  for (const text of ['soon', '-5', '', '1e9x', 'NaN']) assert.equal(wait({ 'retry-after': text }), undefined, text);
  assert.equal(wait({ 'retry-after-ms': 'x', 'retry-after': '2' }), 2_000);
});
