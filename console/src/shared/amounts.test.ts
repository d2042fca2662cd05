import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decimalText, isLess, minus, plainDecimal, sumOf } from './amounts.ts';

test('amounts are added to the last of their decimals', () => {
  assert.equal(sumOf(['0.1', '0.2']), '0.3');
  assert.equal(sumOf(['999999999.999999999', '0.000000001']), '1000000000');
  assert.equal(sumOf(['1', '-2.5', '0.25']), '-1.25');
  assert.equal(sumOf(['5', '-5']), '0');
  assert.equal(sumOf([]), '0');
});

test('amounts are taken from each other and compared to the last of their decimals', () => {
  assert.equal(minus('12.5', '2.500000001'), '9.999999999');
  assert.equal(minus('1', '2'), '-1');
  assert.equal(minus('1', '-2'), '3');
  assert.equal(isLess('0.000000001', '0.000000002'), true);
  assert.equal(isLess('-1', '0'), true);
  assert.equal(isLess('2', '2.0'), false);
});

test('a number of a browser that does not tell its text is written as it was, without an exponent', () => {
  for (const text of ['17.2', '1234.56', '99999.99', '0.000000001', '0', '-0.1', '123456789.123456', '1000000']) {
    assert.equal(plainDecimal(Number(text)), text);
  }
});

test('a tick of a chart is a decimal, however small or large', () => {
  assert.equal(decimalText(1e-9), '0.000000001');
  assert.equal(decimalText(2.5e-10), '0.00000000025');
  assert.equal(decimalText(0.1 + 0.2), '0.3');
  assert.equal(decimalText(1e21), '1000000000000000000000');
  assert.equal(decimalText(123456789.5), '123456789.5');
  assert.equal(decimalText(0), '0');
});
