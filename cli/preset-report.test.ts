import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testModel } from '../core/catalog/model.fixture.ts';
import { NO_RATES } from '../core/ledger/price.ts';
import { checkLines, curlLine, priceLine } from './preset-report.ts';

const PRICE = { ...NO_RATES, id: 1 };

test('prices are shown as vendors list them', () => {
  const text = { ...PRICE, input: 2_000_000_000n, output: 8_500_000_000n, cachedInput: 40_000_000n };
  assert.equal(
    priceLine(testModel('a', { price: text }), 'CNY'),
    '  a  (id 7)  input 2, cached input 0.04, output 8.5 CNY a million tokens',
  );
  const image = { ...PRICE, perImage: 200_000_000n };
  assert.equal(
    priceLine(testModel('a', { price: image, capabilities: ['text-to-image'] }), 'CNY'),
    '  a  (id 7)  0.2 CNY an image',
  );
  assert.equal(priceLine(testModel('a'), 'CNY'), '  a  (id 7)  no price');
});

test('the call to copy survives a quote in a name', () => {
  assert.match(curlLine('http://localhost:8060', "it's"), /-d '\{"model":"it'\\''s",/);
});

test('a check says what has gone and who calls it, and does not print hundreds of new names', () => {
  const gone = [
    { name: 'old', models: [] },
    { name: 'older', models: [testModel('a', { online: true })] },
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
