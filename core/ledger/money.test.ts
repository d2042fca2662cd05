import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatMoney, formatTokenPrice, moneyJson, parseMoney, parseTokenPrice } from './money.ts';

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
