import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTokenPrice } from '../ledger/money.ts';
import { type Day, NO_RATES } from '../ledger/price.ts';
import { readRules, storableRules } from './price-rules.ts';
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
  for (const field of [
    'input',
    'output',
    'cachedInput',
    'cacheWrite',
    'hourCacheWrite',
    'perImage',
    'perRequest',
    'perSearch',
  ] as const) {
    assert.equal(samePrice(price, { ...price, [field]: 7n }), false, field);
  }
});

const TIERS: Pricing = {
  ...pricing({ input: '0.000001', output: '0.00001', perSearch: '0.01' }),
  mostSearches: 3,
  rules: [
    { name: 'above 128k', when: { promptTokensAbove: 128_000 }, ...pricing({ input: '0.000003' }) },
    { name: 'off-peak', when: { utcFrom: '16:30', utcUntil: '00:30' }, ...pricing({ output: '0.000005' }) },
    { name: 'flex', when: { serviceTier: 'flex', thinking: true }, ...pricing({ cachedInput: '0', perSearch: '0' }) },
    { name: 'weekend', when: { utcDays: ['sun', 'sat'] }, ...pricing({ input: '0' }) },
  ],
};

test('rules are kept as they were written, and a change in one is another price', () => {
  const price = priceOf(TIERS, TEXT);
  assert.deepEqual(price.rules[1], {
    name: 'off-peak',
    when: { utcWindow: { from: 990, until: 30 } },
    rates: { output: 5_000_000_000n },
  });
  const storedPrice = { ...price, id: 7 };
  assert.deepEqual(pricingOf(storedPrice, TEXT), TIERS);
  const stored: unknown = JSON.parse(JSON.stringify(storableRules(price.rules)));
  const read = { ...price, rules: readRules(stored) };
  assert.deepEqual(read, price);
  assert.equal(samePrice(read, price), true);
  const [first, ...others] = price.rules;
  assert.ok(first);
  for (const other of [
    [...others, first],
    [{ ...first, name: 'another' }, ...others],
    [{ ...first, when: { promptTokensAbove: 32_000 } }, ...others],
    [{ ...first, when: { ...first.when, utcDays: ['mon'] as const } }, ...others],
    [{ ...first, rates: { input: 1n } }, ...others],
    [],
  ]) {
    assert.equal(samePrice(price, { ...price, rules: other }), false);
  }
});

test('days are the same in whichever order they are written', () => {
  const on = (...utcDays: Day[]) =>
    priceOf({ input: 1n, output: 1n, rules: [{ name: 'a', when: { utcDays }, input: 0n }] }, TEXT);
  assert.equal(samePrice(on('sat', 'mon', 'sat'), on('mon', 'sat')), true);
  assert.equal(samePrice(on('sat'), on('mon', 'sat')), false);
});

test('a rule of an image model changes the price of an image as output', () => {
  const rules = [{ name: 'off-peak', when: { utcFrom: '00:00', utcUntil: '08:00' }, ...pricing({ output: '0.01' }) }];
  const price = priceOf({ ...pricing({ output: '0.02' }), rules }, IMAGES);
  assert.deepEqual(price.rules[0]?.rates, { perImage: 10_000_000n });
  assert.deepEqual(pricingOf(price, IMAGES).rules, rules);
});

test('a rule that cannot be meant is refused by its field', () => {
  const input = 5n;
  for (const [rules, complaint] of [
    [[{ name: 'a', when: {}, input }], /rules\.0\.when: must name at least one condition/],
    [[{ name: 'a', when: { promptTokensAbove: 1 } }], /rules\.0: must name a price/],
    [[{ name: 'a', when: { promptTokensAbove: 1 }, input: -1n }], /rules\.0\.input: must not be negative/],
    [[{ name: 'a', when: { promptTokensAbove: 1 }, input: 10n ** 14n }], /rules\.0\.input: .*per thousand/],
    [[{ name: 'a', when: { utcFrom: '16:30' }, input }], /rules\.0\.when\.utcUntil: is required/],
    [[{ name: 'a', when: { utcFrom: '16:30', utcUntil: '16:30' }, input }], /rules\.0\.when\.utcUntil: must differ/],
    [
      [
        { name: 'a', when: { promptTokensAbove: 1 }, input },
        { name: 'a', when: { serviceTier: 'flex' }, input },
      ],
      /rules\.1\.name: is the name of another rule/,
    ],
    [
      [
        { name: 'above 32k', when: { promptTokensAbove: 32_000 }, input },
        { name: 'above 128k', when: { promptTokensAbove: 128_000 }, input },
      ],
      /rules\.1\.when: never applies: "above 32k" comes first/,
    ],
    [
      [
        { name: 'weekend', when: { utcDays: ['sat', 'sun'] }, input },
        { name: 'sunday', when: { utcDays: ['sun'], promptTokensAbove: 1 }, input },
      ],
      /rules\.1\.when: never applies: "weekend" comes first/,
    ],
  ] as const) {
    assert.throws(() => priceOf({ input: 1n, output: 1n, rules }, TEXT), complaint);
  }
});
