import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PricedModel } from './model.ts';
import { planChat } from './plan.ts';

const MODEL: PricedModel = {
  modelId: 1,
  modelIdentifier: 'm',
  providerId: 1,
  providerName: 'p',
  kind: 'openai',
  urlBase: 'http://provider.example/v1',
  upstreamModel: 'm',
  priority: 1,
  capabilities: new Set(['text-to-text']),
  price: { id: 1, input: 1_000n, output: 2_000n, cachedInput: null, cacheWrite: null, perImage: 0n, perRequest: 0n },
  contextWindow: null,
  maxOutputTokens: null,
  defaultMaxTokens: null,
  tokensPerImage: 0,
  pricedFields: new Set(),
};
const size = { textBytes: 1_000_000, images: 0 };

test('a call is held for at its whole prompt and every token it may answer', () => {
  const plan = planChat([MODEL], { size, maxTokens: 500_000, choices: 2 });
  assert.deepEqual([plan.holdAmount, plan.tokenBound], [1_000n + 2_000n, 2_000_000]);
});

test('a limit that is no count never makes a hold', () => {
  for (const maxTokens of [-1_000_000, -1, 0, 1.5, 1e300, Number.NaN]) {
    assert.throws(() => planChat([MODEL], { size, maxTokens, choices: 1 }), RangeError, String(maxTokens));
  }
  for (const choices of [-1, 0, 1.5])
    assert.throws(() => planChat([MODEL], { size, maxTokens: 10, choices }), RangeError);
});
