import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonObjectInput } from './fields.ts';

const nested = (levels: number, inner: unknown): unknown => (levels === 0 ? inner : { a: nested(levels - 1, inner) });
const fits = (value: unknown) => jsonObjectInput.safeParse(value).success;

test('what the database reads is taken, what is nested deeper is refused', () => {
  assert.equal(fits(nested(30, 1)), true);
  assert.equal(fits(nested(31, 1)), false);
  assert.equal(fits(nested(29, [[], {}])), false);
  assert.equal(fits(nested(29, ['text', null])), true);
  assert.equal(fits(nested(5_000, 1)), false);
});

test('only an object is taken, as it was written', () => {
  assert.equal(fits([]), false);
  assert.equal(fits(null), false);
  const value = { b: [1, { c: null }] };
  assert.deepEqual(jsonObjectInput.parse(value), value);
});
