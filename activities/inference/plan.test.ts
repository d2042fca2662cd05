import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planChat, promptSize } from './plan.ts';
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

test('all that a model may read counts, by whatever name it comes', () => {
  const messages = [{ role: 'user', content: 'hi' }];
  const plain = promptSize({ messages }).textBytes;
  const text = 'x'.repeat(1_000);
  for (const extra of [
    { tools: [{ type: 'function', function: { description: text } }] },
    { response_format: { type: 'json_schema', json_schema: { description: text } } },
    { documents: [{ text }] },
    { translation_options: { tm_list: [{ source: text }] } },
    { guided_grammar: text },
  ]) {
    assert.ok(promptSize({ messages, ...extra }).textBytes >= plain + 1_000, JSON.stringify(extra).slice(0, 40));
  }
  assert.equal(promptSize({ messages, temperature: 0.5, seed: 7, logprobs: true, stop: null }).textBytes, plain);
});
