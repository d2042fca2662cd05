import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NO_USAGE, type Usage } from './money.ts';
import { affordableOutputTokens, costBound, costOf, DAYS, NO_RATES, type Price, type Rates, ruleOf } from './price.ts';

const price: Price = {
  ...NO_RATES,
  id: 1,
  input: 2_000_000_001n,
  output: 8_000_000_000n,
  cachedInput: 500_000_000n,
};

/** Prices of one token in nano-units. */
const perToken = (nano: number): bigint => BigInt(nano) * 1_000_000n;
const FLAT: Price = { ...NO_RATES, id: 1, input: perToken(1_000), output: perToken(10_000) };
const NOON = Date.UTC(2026, 10, 30, 12);

function charged(ruled: Partial<Price>, usage: Partial<Usage>, endedAtMs = NOON) {
  const whole = { ...FLAT, ...ruled };
  const used = { ...NO_USAGE, ...usage };
  const rule = ruleOf(whole, used, endedAtMs);
  return [costOf(whole, used, rule), rule?.name];
}

test('a cost is rounded up once, at the end', () => {
  assert.equal(costOf(price, { ...NO_USAGE, promptTokens: 1 }), 2_001n);
  assert.equal(costOf(price, { ...NO_USAGE, promptTokens: 3 }), 6_001n, 'not three times rounded up');
  assert.equal(costOf(price, { ...NO_USAGE, promptTokens: 10, cachedTokens: 4, completionTokens: 2 }), 30_001n);
});

test('cached tokens that exceed the prompt are not charged below zero', () => {
  assert.equal(costOf(price, { ...NO_USAGE, promptTokens: 2, cachedTokens: 9 }), 1_000n);
});

test('a cache write has a price for minutes and one for an hour', () => {
  const used = { promptTokens: 100, cachedTokens: 10, cacheWriteTokens: 50, hourCacheWriteTokens: 20 };
  const rates = { cachedInput: perToken(100), cacheWrite: perToken(1_250), hourCacheWrite: perToken(2_000) };
  assert.equal(charged(rates, used)[0], 40n * 1_000n + 10n * 100n + 30n * 1_250n + 20n * 2_000n);
  assert.equal(charged({ cacheWrite: perToken(1_250) }, used)[0], 50n * 1_000n + 50n * 1_250n);
});

test('a long prompt is charged as a whole by the rule for its length', () => {
  const rules = [
    { name: 'above 128k', when: { promptTokensAbove: 128_000 }, rates: { input: perToken(3_000) } },
    { name: 'above 32k', when: { promptTokensAbove: 32_000 }, rates: { input: perToken(2_000) } },
  ];
  const at = (promptTokens: number) => charged({ rules }, { promptTokens, completionTokens: 3 });
  assert.deepEqual(at(130_000), [390_030_000n, 'above 128k']);
  assert.deepEqual(at(128_000), [256_030_000n, 'above 32k']);
  assert.deepEqual(at(32_000), [32_030_000n, undefined]);
});

test('the tier that served decides, not the one that is dearer', () => {
  const rules = [{ name: 'priority', when: { serviceTier: 'priority' }, rates: { output: perToken(20_000) } }];
  const at = (serviceTier: string | null) => charged({ rules }, { completionTokens: 1, serviceTier });
  assert.deepEqual(at('priority'), [20_000n, 'priority']);
  assert.deepEqual(at('default'), [10_000n, undefined]);
  assert.deepEqual(at(null), [10_000n, undefined]);
});

test('a window of the day may pass midnight; its end is not part of it', () => {
  const offPeak = { from: 16 * 60 + 30, until: 30 };
  const rules = [{ name: 'off-peak', when: { utcWindow: offPeak }, rates: { output: perToken(5_000) } }];
  const at = (hour: number, minute: number, second = 0) =>
    charged({ rules }, { completionTokens: 1 }, Date.UTC(2026, 10, 30, hour, minute, second))[1];
  assert.deepEqual(
    [at(16, 29, 59), at(16, 30), at(23, 59, 59), at(0, 0), at(0, 29, 59), at(0, 30), at(12, 0)],
    [undefined, 'off-peak', 'off-peak', 'off-peak', 'off-peak', undefined, undefined],
  );
});

test('days are those of UTC at the end of the answer', () => {
  const rules = [
    { name: 'weekend', when: { utcDays: ['sat', 'sun'] as const }, rates: { output: perToken(5_000) } },
    {
      name: 'friday night',
      when: { utcDays: ['fri'] as const, utcWindow: { from: 22 * 60, until: 60 } },
      rates: { output: perToken(7_000) },
    },
  ];
  // 27 November 2026 is a Friday.
  const at = (day: number, hour: number) =>
    charged({ rules }, { completionTokens: 1 }, Date.UTC(2026, 10, day, hour, 59, 59, 999))[1];
  assert.deepEqual(
    [at(26, 23), at(27, 0), at(27, 1), at(27, 23), at(28, 0), at(29, 23), at(30, 0)],
    [undefined, 'friday night', undefined, 'friday night', 'weekend', 'weekend', undefined],
  );
});

test('all that a rule names must hold, and the first one that holds applies', () => {
  const rules = [
    { name: 'thinks', when: { thinking: true }, rates: { output: perToken(8_000) } },
    { name: 'short', when: { promptTokensAbove: 10, completionTokensAbove: 5 }, rates: { input: perToken(7_000) } },
  ];
  assert.equal(charged({ rules }, { promptTokens: 11, completionTokens: 6, reasoningTokens: 1 })[1], 'thinks');
  assert.equal(charged({ rules }, { promptTokens: 11, completionTokens: 6 })[1], 'short');
  assert.equal(charged({ rules }, { promptTokens: 11, completionTokens: 5 })[1], undefined);
  assert.equal(charged({ rules }, { promptTokens: 10, completionTokens: 6 })[1], undefined);
});

test('searches are charged beside the tokens', () => {
  assert.equal(
    charged({ perSearch: 10_000_000n, mostSearches: 5 }, { completionTokens: 1, searches: 3 })[0],
    30_010_000n,
  );
});

const rate = fc.bigInt(0n, 10n ** 11n);
const rates = fc.record<Rates>({
  ...{ input: rate, output: rate, perImage: rate, perRequest: rate, perSearch: rate },
  ...{ perCharacter: rate, perSecond: rate },
  ...{ cachedInput: fc.option(rate), cacheWrite: fc.option(rate), hourCacheWrite: fc.option(rate) },
});
const tokens = fc.nat(300_000);
const minute = fc.nat(1_439);
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const rule = fc.record({
  name: fc.constant('rule'),
  when: fc.record({
    promptTokensAbove: maybe(tokens),
    completionTokensAbove: maybe(tokens),
    serviceTier: maybe(fc.constantFrom('priority', 'flex')),
    thinking: maybe(fc.boolean()),
    utcWindow: maybe(fc.record({ from: minute, until: minute })),
    utcDays: maybe(fc.subarray([...DAYS])),
  }),
  rates,
});
const ruledPrice = fc
  .tuple(rates, fc.array(rule, { maxLength: 4 }), fc.nat(20))
  .map(([base, rules, mostSearches]): Price => ({ ...base, id: 1, mostSearches, rules }));

/** Any usage with at most so much of everything. */
const usageWithin = (input: number, output: number, images: number, searches: number, spoken: number) =>
  fc.record<Usage>({
    promptTokens: fc.nat(input),
    cachedTokens: tokens,
    cacheWriteTokens: tokens,
    hourCacheWriteTokens: tokens,
    completionTokens: fc.nat(output),
    reasoningTokens: tokens,
    searches: fc.nat(searches),
    imageCount: fc.nat(images),
    characters: fc.nat(spoken),
    audioSeconds: fc.nat(spoken),
    serviceTier: fc.constantFrom(null, 'priority', 'flex', 'default'),
    estimated: fc.boolean(),
    doubt: fc.constant(null),
  });

test('no call within its bounds costs more than was held for it, by whatever rule', () => {
  const calls = fc
    .tuple(ruledPrice, tokens, tokens, fc.nat(5), fc.nat(9_000))
    .chain(([ruled, input, output, images, spoken]) =>
      fc.tuple(
        fc.constant({ ruled, input, output, images, spoken }),
        usageWithin(input, output, images, ruled.mostSearches, spoken),
        fc.nat(2 * 86_400_000),
      ),
    );
  fc.assert(
    fc.property(calls, ([{ ruled, input, output, images, spoken }, usage, endedAtMs]) => {
      const cost = costOf(ruled, usage, ruleOf(ruled, usage, endedAtMs));
      const more = { characters: spoken, audioSeconds: spoken };
      assert.ok(costBound(ruled, input, output, images, more) >= cost);
    }),
    { numRuns: 500 },
  );
});

test('affordable tokens cost at most the budget, by whatever rule', () => {
  fc.assert(
    fc.property(ruledPrice, fc.nat(100_000), fc.integer({ min: 1, max: 3 }), fc.bigInt(0n, 10n ** 13n), (...args) => {
      const [ruled, input, choices, budget] = args;
      const affordable = affordableOutputTokens(ruled, input, choices, budget);
      if (affordable < 0 || affordable > 10_000_000) return;
      assert.ok(costBound(ruled, input, affordable * choices, 0) <= budget);
    }),
    { numRuns: 500 },
  );
});

test('without rules the affordable tokens are all that the budget pays', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.bigInt(0n, 10n ** 12n), (input, budget) => {
      const affordable = affordableOutputTokens(price, input, 1, budget);
      if (affordable < 0) return assert.ok(costBound(price, input, 0, 0) > budget);
      assert.ok(costBound(price, input, affordable, 0) <= budget);
      assert.ok(costBound(price, input, affordable + 2, 0) > budget);
    }),
  );
});

test('a count that is none never bounds a cost', () => {
  for (const count of [-1, 1.5, Number.NaN, 1e300]) {
    assert.throws(() => costBound(price, count, 0, 0), RangeError);
    assert.throws(() => costBound(price, 0, count, 0), RangeError);
    assert.throws(() => costBound(price, 0, 0, count), RangeError);
    for (const name of ['searches', 'characters', 'audioSeconds'])
      assert.throws(() => costBound(price, 0, 0, 0, { [name]: count }), RangeError);
  }
});
