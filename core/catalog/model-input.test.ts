import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLANK_MODEL, merged } from './model-input.ts';
import type { ModelFields } from './model-record.ts';

const model: ModelFields = {
  ...BLANK_MODEL,
  ...{ displayName: 'm', modelIdentifier: 'm', providerId: 1, capabilities: ['text-to-text'] },
  ...{ contextWindow: 8000, maxOutputTokens: 4000, defaultMaxTokens: 1000 },
  settings: { tokensPerImage: 500, pricedFields: ['service_tier'] },
};

test('what is left out stays', () => {
  assert.deepEqual(merged(model, {}), model);
  assert.deepEqual(merged(model, { contextWindow: undefined, tokensPerImage: undefined }), model);
});

test('null takes a limit away', () => {
  const none = { contextWindow: null, maxOutputTokens: null, defaultMaxTokens: null };
  assert.deepEqual(merged(model, { ...none, tokensPerImage: null }), {
    ...{ ...model, ...none },
    settings: { pricedFields: ['service_tier'] },
  });
});

test('a limit that is given counts', () => {
  assert.equal(merged(model, { maxOutputTokens: 5 }).maxOutputTokens, 5);
  assert.equal(merged({ ...model, settings: {} }, { tokensPerImage: 7 }).settings.tokensPerImage, 7);
});
