import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromNano, parseExact, toNano } from './exact-json.ts';

test('a number keeps every digit that a float would lose', () => {
  const parsed = parseExact('{"balance":123456789012345.000000001,"list":[0.1,1e3],"text":"7","none":null,"yes":true}');
  assert.deepEqual(parsed, {
    balance: '123456789012345.000000001',
    list: ['0.1', '1e3'],
    text: '7',
    none: null,
    yes: true,
  });
});

test('amounts to nano-units and back', () => {
  const pairs: [string, bigint][] = [
    ['0', 0n],
    ['5.00', 5_000_000_000n],
    ['0.000000001', 1n],
    ['-0.5', -500_000_000n],
    ['999999.00', 999_999_000_000_000n],
  ];
  for (const [text, nano] of pairs) assert.equal(toNano(text), nano);
  assert.deepEqual([0n, 1n, -500_000_000n, 5_000_000_000n].map(fromNano), ['0', '0.000000001', '-0.5', '5']);
});

test('what is no plain amount is refused', () => {
  for (const text of ['', '1e-7', '.5', '1.0000000001', '1,5', 'NaN'])
    assert.throws(() => toNano(text), /is not an amount/);
});
