import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  affordableOutputTokens,
  costBound,
  costOf,
  formatMoney,
  formatTokenPrice,
  moneyJson,
  NO_USAGE,
  type Price,
  parseMoney,
  parseTokenPrice,
} from './money.ts';

const price: Price = {
  id: 1,
  input: 2_000_000_001n,
  output: 8_000_000_000n,
  cachedInput: 500_000_000n,
  cacheWrite: null,
  perImage: 0n,
  perRequest: 0n,
};

test('amounts are read exactly from their text', () => {
  assert.equal(parseMoney('0.1'), 100_000_000n);
  assert.equal(parseMoney('999999999.123456789'), 999_999_999_123_456_789n);
  assert.equal(parseMoney(1e-9), 1n);
  assert.equal(parseMoney('-1.5'), -1_500_000_000n);
});

test('what is no exact amount is refused', () => {
  for (const text of ['', '1,5', '0x10', 'NaN', 'Infinity', '1e99', '0.0000000001', '1000000000.1', '--1', '1.']) {
    assert.equal(parseMoney(text), undefined, text);
  }
});

test('every amount survives writing and reading', () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 18n), 10n ** 18n), (nano) => {
      assert.equal(parseMoney(formatMoney(nano)), nano);
      assert.equal(JSON.stringify({ a: moneyJson(nano) }), `{"a":${formatMoney(nano)}}`);
    }),
  );
});

test('the price of one token keeps fifteen decimals', () => {
  assert.equal(parseTokenPrice('0.000000000000001'), 1n);
  assert.equal(parseTokenPrice(0.0000375), 37_500_000_000n);
  assert.equal(formatTokenPrice(37_500_000_000n), '0.0000375');
  assert.equal(parseTokenPrice('0.0000000000000001'), undefined);
});

test('a cost is rounded up once, at the end', () => {
  assert.equal(costOf(price, { ...NO_USAGE, promptTokens: 1 }), 2_001n);
  assert.equal(costOf(price, { ...NO_USAGE, promptTokens: 3 }), 6_001n, 'not three times rounded up');
  assert.equal(costOf(price, { ...NO_USAGE, promptTokens: 10, cachedTokens: 4, completionTokens: 2 }), 30_001n);
});

test('cached tokens that exceed the prompt are not charged below zero', () => {
  assert.equal(costOf(price, { ...NO_USAGE, promptTokens: 2, cachedTokens: 9 }), 1_000n);
});

test('the bound is never below a cost within its limits', () => {
  const tokens = fc.nat(1_000_000);
  fc.assert(
    fc.property(tokens, tokens, fc.nat(1_000_000), fc.nat(1_000_000), (input, output, prompt, cached) => {
      const usage = {
        ...NO_USAGE,
        promptTokens: Math.min(prompt, input),
        cachedTokens: Math.min(cached, prompt, input),
        completionTokens: output,
      };
      assert.ok(costBound(price, input, output, 0) >= costOf(price, usage));
    }),
  );
});

test('affordable tokens cost at most the budget, and one more would not fit', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.bigInt(0n, 10n ** 12n), (input, budget) => {
      const tokens = affordableOutputTokens(price, input, 1, budget);
      if (tokens < 0) return assert.ok(costBound(price, input, 0, 0) > budget);
      assert.ok(costBound(price, input, tokens, 0) <= budget);
      assert.ok(costBound(price, input, tokens + 2, 0) > budget);
    }),
  );
});

test('a count that is none never bounds a cost', () => {
  for (const count of [-1, 1.5, Number.NaN, 1e300]) {
    assert.throws(() => costBound(price, count, 0, 0), RangeError);
    assert.throws(() => costBound(price, 0, count, 0), RangeError);
    assert.throws(() => costBound(price, 0, 0, count), RangeError);
  }
});
