import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emptyRule, fieldsOfPricing, movePoint, pricesFor, pricingOfFields, wrongAmounts } from './price-fields.ts';

const TEXT = ['text-to-text'] as const;

describe('prices in a form', () => {
  test('the point of a price is moved without a float', () => {
    for (const [text, places, moved] of [
      ['0.000002', 6, '2'],
      ['2', -6, '0.000002'],
      ['0.000000000000001', 6, '0.000000001'],
      ['0.000000001', -6, '0.000000000000001'],
      ['12.5', 6, '12500000'],
      ['12500000', -6, '12.5'],
      ['0', 6, '0'],
      ['0.00', -6, '0'],
      ['9007199254740993.000000001', -6, '9007199254.740993000000001'],
      ['1.50', 0, '1.5'],
    ] as const) {
      assert.equal(movePoint(text, places), moved, `${text} by ${places}`);
    }
  });

  test('what is read and written back is the same price, with all of its rules', () => {
    const pricing = {
      ...{ input: '0.000002', output: '0.000000000000001', cachedInput: '0.00000004', perSearch: '0.01' },
      mostSearches: 5,
      rules: [
        { name: 'batch', when: { serviceTier: 'batch', thinking: false }, input: '0.000001' },
        { name: 'night', when: { utcFrom: '10:00', utcUntil: '01:00', utcDays: ['sat' as const] }, output: '0' },
        { name: 'long', when: { promptTokensAbove: 0, completionTokensAbove: 9 }, hourCacheWrite: '0.0000000001' },
      ],
    };
    const written = pricingOfFields(fieldsOfPricing(pricing, TEXT), TEXT);
    assert.deepEqual(JSON.parse(JSON.stringify(written)), pricing);
  });

  test('the price of an image is not that of a million', () => {
    const images = ['text-to-image'] as const;
    assert.equal(fieldsOfPricing({ output: '0.2' }, images).output, '0.2');
    assert.deepEqual(pricesFor(images), ['output', 'perRequest']);
    assert.equal(fieldsOfPricing({ perSecond: '0.0001' }, ['speech-to-text']).perSecond, '0.0001');
    assert.equal(fieldsOfPricing({ perCharacter: '0.000015' }, ['text-to-speech']).perCharacter, '15');
  });

  test('a part that the form does not show is not taken away by a save', () => {
    const images = ['text-to-image'] as const;
    const pricing = { input: '0.001', output: '0.2', perSecond: '0.01', rules: [] };
    const fields = fieldsOfPricing(pricing, images);
    assert.deepEqual(pricingOfFields(fields, images), pricing);
    assert.deepEqual(pricingOfFields({ ...fields, output: '' }, images), {
      input: '0.001',
      perSecond: '0.01',
      rules: [],
    });
  });

  test('no price is none, and what is no amount is named', () => {
    const none = fieldsOfPricing(null, TEXT);
    assert.equal(pricingOfFields(none, TEXT), undefined);
    const wrong = { ...none, input: '1,5', output: '-1', rules: [{ ...emptyRule(), cachedInput: '1e3' }] };
    assert.deepEqual(wrongAmounts(wrong, TEXT), ['pricing.input', 'pricing.output', 'pricing.rules.0.cachedInput']);
  });
});
