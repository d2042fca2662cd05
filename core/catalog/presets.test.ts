import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NANO_PER_UNIT, parseTokenPrice } from '../ledger/money.ts';
import { normalizeUrlBase } from '../providers/address.ts';
import { kindOfHost } from '../providers/vendors.ts';
import { PRESETS, presetNamed, presetPricing } from './presets.ts';
import { priceOf } from './pricing.ts';

test('every preset is a provider and its models have prices that the rules accept', () => {
  for (const preset of PRESETS.providers) {
    assert.equal(normalizeUrlBase(preset.urlBase), preset.urlBase);
    assert.equal(preset.kind, kindOfHost(preset.urlBase) ?? 'openai', preset.name);
    for (const model of preset.models) priceOf(presetPricing(model, NANO_PER_UNIT), model.capabilities);
  }
});

test('presets are found by name in any case', () => {
  assert.equal(presetNamed(' DeepSeek ')?.urlBase, 'https://api.deepseek.com');
  assert.equal(presetNamed('unknown'), undefined);
});

test('prices per million in another currency become prices of one token, rounded up', () => {
  const model = {
    identifier: 'm',
    displayName: 'm',
    capabilities: ['text-to-text' as const],
    perMillionTokens: { input: '0.25', output: '2', cachedInput: '0.000000001' },
    source: 's',
  };
  assert.deepEqual(presetPricing(model, 7_200_000_001n), {
    input: parseTokenPrice('0.000001800000001'),
    output: parseTokenPrice('0.000014400000002'),
    cachedInput: 8n,
  });
});

test('the price of an image keeps its scale', () => {
  const model = {
    identifier: 'm',
    displayName: 'm',
    capabilities: ['text-to-image' as const],
    perImage: '0.2',
    source: 's',
  };
  assert.deepEqual(presetPricing(model, NANO_PER_UNIT), { output: parseTokenPrice('0.2') });
});
