import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NANO_PER_UNIT, NO_USAGE, parseTokenPrice } from '../ledger/money.ts';
import { costOf, ruleOf } from '../ledger/price.ts';
import { normalizeUrlBase } from '../providers/address.ts';
import { kindOfHost } from '../providers/vendors.ts';
import { PRESETS, presetModel, presetNamed, presetPricing } from './presets.ts';
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

test("DeepSeek's prices are halved off-peak: nights, noon and weekends of Beijing", () => {
  const model = presetModel('deepseek', 'deepseek-v4-pro');
  const price = { ...priceOf(presetPricing(model, NANO_PER_UNIT), model.capabilities), id: 1 };
  const usage = { ...NO_USAGE, promptTokens: 1_000_000, cachedTokens: 500_000, completionTokens: 1_000_000 };
  const at = (day: number, hour: number, minute = 0) => {
    const rule = ruleOf(price, usage, Date.UTC(2026, 10, day, hour, minute));
    return [costOf(price, usage, rule), rule?.name];
  };
  const peak = 4_500_000_000n + 150_000_000n + 27_000_000_000n;
  // 30 November is a Monday.
  assert.deepEqual([at(30, 1), at(30, 3, 59), at(30, 6), at(30, 9, 59)], Array(4).fill([peak, undefined]));
  assert.deepEqual([at(30, 0, 59), at(30, 10)], Array(2).fill([peak / 2n, 'off-peak night']));
  assert.deepEqual(at(30, 5), [peak / 2n, 'off-peak noon']);
  assert.deepEqual([at(28, 2), at(29, 7)], Array(2).fill([peak / 2n, 'off-peak weekend']));
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
