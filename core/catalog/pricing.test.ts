import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTokenPrice } from '../ledger/money.ts';
import { NO_RATES } from '../ledger/price.ts';
import { type Pricing, priceOf, pricingOf, samePrice } from './pricing.ts';

const TEXT = ['text-to-text', 'image-to-text'] as const;
const IMAGES = ['text-to-image', 'image-to-image'] as const;
const BOTH = ['text-to-text', 'text-to-image'] as const;

function pricing(fields: Readonly<Record<keyof Pricing | string, string>>): Pricing {
  return Object.fromEntries(Object.entries(fields).map(([field, text]) => [field, parseTokenPrice(text)]));
}

const refusal = (fields: Readonly<Record<string, string>>, capabilities: Parameters<typeof priceOf>[1]): string => {
  try {
    priceOf(pricing(fields), capabilities);
  } catch (error) {
    return String(error);
  }
  return 'accepted';
};

test('token prices are kept per million tokens, exactly', () => {
  const price = priceOf(pricing({ input: '0.000002', output: '0.000000037500001', cachedInput: '5e-7' }), TEXT);
  assert.deepEqual(price, {
    ...NO_RATES,
    input: 2_000_000_000n,
    output: 37_500_001n,
    cachedInput: 500_000_000n,
  });
});

test('the output price of an image model is the price of one image', () => {
  const price = priceOf(pricing({ output: '0.02', perRequest: '0.001' }), IMAGES);
  assert.equal(price.perImage, 20_000_000n);
  assert.equal(price.perRequest, 1_000_000n);
  assert.equal(price.output, 0n);
});

test('a model that makes text and images names both prices', () => {
  const price = priceOf(pricing({ input: '0', output: '0.000008', perImage: '0.2' }), BOTH);
  assert.equal(price.output, 8_000_000_000n);
  assert.equal(price.perImage, 200_000_000n);
  assert.match(refusal({ input: '0', output: '0.000008' }, BOTH), /pricing\.perImage: is required/);
});

test('a price that can only be meant per thousand or million tokens is refused', () => {
  assert.match(refusal({ input: '2', output: '0.000008' }, TEXT), /pricing\.input: .*per thousand or million/);
  assert.match(refusal({ input: '0', output: '0', cachedInput: '0.0100001' }, TEXT), /pricing\.cachedInput/);
  assert.equal(refusal({ input: '0.01', output: '0.01' }, TEXT), 'accepted');
});

test('missing, negative, too large and too fine prices are refused, all of them at once', () => {
  assert.match(refusal({}, TEXT), /pricing\.input: is required; pricing\.output: is required/);
  assert.match(refusal({ input: '0.000002' }, IMAGES), /pricing\.output: is required/);
  assert.match(refusal({ input: '-0.000001', output: '0' }, TEXT), /pricing\.input: must not be negative/);
  assert.match(refusal({ output: '1000.1' }, IMAGES), /pricing\.output: must be at most 1000/);
  assert.match(refusal({ output: '0.0000000001' }, IMAGES), /pricing\.output: must have at most 9 decimals/);
});

test('what goes in comes out', () => {
  for (const [fields, capabilities] of [
    [{ input: '0.000002', output: '0.000008', cachedInput: '0', cacheWrite: '0.0000025', perRequest: '0.1' }, TEXT],
    [{ input: '0', output: '0.02' }, IMAGES],
    [{ input: '0', output: '0.000008', perImage: '0.2' }, BOTH],
  ] as const) {
    assert.deepEqual(pricingOf(priceOf(pricing(fields), capabilities), capabilities), pricing(fields));
  }
});

test('prices are the same only when every part is', () => {
  const price = priceOf(pricing({ input: '0', output: '0' }), TEXT);
  assert.equal(samePrice(price, { ...price }), true);
  for (const field of ['input', 'output', 'cachedInput', 'cacheWrite', 'perImage', 'perRequest'] as const) {
    assert.equal(samePrice(price, { ...price, [field]: 7n }), false, field);
  }
});
