import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationText } from './rate-limit-headers.ts';

test('durations as OpenAI writes them', () => {
  const texts = [0, 1, 120, 1_000, 8_640, 59_999, 60_000, 360_000, 390_951].map(durationText);
  assert.deepEqual(texts, ['0s', '1ms', '120ms', '1s', '8.64s', '59.999s', '1m0s', '6m0s', '6m30.951s']);
});
