import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf } from './audit-changes.ts';

const TEXT = ['text-to-text'];

test('what stays is left out; fields of fields are named by their path; amounts are known', () => {
  const before = { name: 'a', balance: '1.5', settings: { tokensPerImage: 5, priced: true }, list: ['a'] };
  const after = { name: 'a', balance: '2.000000001', settings: { tokensPerImage: 6, priced: true }, list: ['a', 'b'] };
  assert.deepEqual(changesOf(before, after), [
    { field: 'balance', before: '1.5', after: '2.000000001', isMoney: true },
    { field: 'settings.tokensPerImage', before: '5', after: '6', isMoney: false },
    { field: 'list', before: 'a', after: 'a, b', isMoney: false },
  ]);
});

test('prices are of a million tokens, and what was taken away of one is shown', () => {
  const price = (name: string, rule?: string) => ({ name, rule, capabilities: TEXT });
  const before = { capabilities: TEXT, pricing: { input: '0.000002', output: '0.000008', perSearch: '0.01' } };
  const rules = [{ name: 'off-peak', when: { utcFrom: '16:30' }, output: '0.000004' }];
  const after = { capabilities: TEXT, pricing: { input: '0.0000025', output: '0.000008', rules } };
  assert.deepEqual(changesOf(before, after), [
    { field: 'pricing.input', before: '2', after: '2.5', isMoney: true, price: price('input') },
    { field: 'pricing.perSearch', before: '0.01', after: undefined, isMoney: true, price: price('perSearch') },
    { field: 'pricing.rules.1 off-peak.when.utcFrom', before: undefined, after: '16:30', isMoney: false },
    {
      ...{ field: 'pricing.rules.1 off-peak.output', before: undefined, after: '4', isMoney: true },
      price: price('output', '1 off-peak'),
    },
  ]);
  const image = { capabilities: ['text-to-image'], pricing: { output: '0.2' } };
  assert.deepEqual(
    changesOf(image, { ...image, pricing: null }).map((change) => [change.before, change.after]),
    [['0.2', undefined]],
  );
});

test('rules that change places are a change', () => {
  const [a, b] = [
    { name: 'a', output: '0.000001' },
    { name: 'b', output: '0.000001' },
  ];
  const swapped = changesOf({ pricing: { rules: [a, b] } }, { pricing: { rules: [b, a] } });
  assert.deepEqual(
    swapped.map(({ field }) => field),
    ['1 a', '2 b', '1 b', '2 a'].map((name) => `pricing.rules.${name}.output`),
  );
});

test('none and null are the same; a field that the state after does not name stays', () => {
  const before = { role: 'ROLE_USER', active: true, limit: null, settings: { priced: [] } };
  assert.deepEqual(changesOf(before, { role: 'ROLE_USER', limit: undefined, settings: { priced: null } }), []);
  assert.deepEqual(changesOf({ list: ['a'] }, { list: [] }), [
    { field: 'list', before: 'a', after: undefined, isMoney: false },
  ]);
});

test('what was made has no state before, what was deleted none after', () => {
  assert.deepEqual(changesOf(null, { online: true, limit: null }), [
    { field: 'online', before: undefined, after: 'true', isMoney: false },
  ]);
  assert.deepEqual(changesOf({ name: 'a' }, null), [{ field: 'name', before: 'a', after: undefined, isMoney: false }]);
  assert.deepEqual(changesOf(null, null), []);
});
