import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLANK_MODEL } from '../core/catalog/model-input.ts';
import type { Model } from '../core/catalog/model-record.ts';
import { NO_RATES } from '../core/ledger/price.ts';
import { checkLines, curlLine, priceLine } from './preset-report.ts';

const PRICE = { ...NO_RATES, id: 1 };

function model(fields: Partial<Model>): Model {
  return {
    ...BLANK_MODEL,
    id: 7,
    displayName: 'A',
    modelIdentifier: 'a',
    capabilities: ['text-to-text'],
    providerId: 1,
    providerName: 'p',
    kind: 'openai',
    urlBase: '',
    price: null,
    createdAt: new Date(0),
    updatedAt: new Date(0),
    ...fields,
  };
}

test('prices are shown as vendors list them', () => {
  const text = { ...PRICE, input: 2_000_000_000n, output: 8_500_000_000n, cachedInput: 40_000_000n };
  assert.equal(
    priceLine(model({ price: text }), 'CNY'),
    '  a  (id 7)  input 2, cached input 0.04, output 8.5 CNY a million tokens',
  );
  const image = { ...PRICE, perImage: 200_000_000n };
  assert.equal(
    priceLine(model({ price: image, capabilities: ['text-to-image'] }), 'CNY'),
    '  a  (id 7)  0.2 CNY an image',
  );
  assert.equal(priceLine(model({}), 'CNY'), '  a  (id 7)  no price');
});

test('the call to copy survives a quote in a name', () => {
  assert.match(curlLine('http://localhost:8060', "it's"), /-d '\{"model":"it'\\''s",/);
});

test('a check says what has gone and who calls it, and does not print hundreds of new names', () => {
  const gone = [
    { name: 'old', models: [] },
    { name: 'older', models: [model({ online: true })] },
  ];
  assert.deepEqual(checkLines({ gone, fresh: ['b'] }), [
    'Gone:',
    '  old: in the preset only',
    '  older: called by a (id 7, online)',
    'New:',
    '  b',
  ]);
  const lines = checkLines({ gone: [], fresh: Array.from({ length: 60 }, (_, index) => `m${index}`) });
  assert.deepEqual([lines[0], lines.length, lines.at(-1)], ['Nothing has gone.', 53, '  and 10 more']);
});
