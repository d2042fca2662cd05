import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planChat } from './plan.ts';
import { TEST_MODEL } from './test-model.ts';

const size = { textBytes: 1_000_000, images: 0 };

test('a call is held for at its whole prompt and every token it may answer', () => {
  const plan = planChat([TEST_MODEL], { size, maxTokens: 500_000, choices: 2 });
  assert.deepEqual([plan.holdAmount, plan.tokenBound], [1_000n + 2_000n, 2_000_000]);
});

test('a limit that is no count never makes a hold', () => {
  for (const maxTokens of [-1_000_000, -1, 0, 1.5, 1e300, Number.NaN]) {
    assert.throws(() => planChat([TEST_MODEL], { size, maxTokens, choices: 1 }), RangeError, String(maxTokens));
  }
  for (const choices of [-1, 0, 1.5])
    assert.throws(() => planChat([TEST_MODEL], { size, maxTokens: 10, choices }), RangeError);
});
