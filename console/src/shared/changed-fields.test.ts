import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedFields } from './changed-fields.ts';

test('a form of a row sends what was changed in it, a part that was taken away too', () => {
  const before = { name: 'a', list: ['x'], limit: null, price: { input: '1', output: '2' } };
  assert.deepEqual(changedFields(before, structuredClone(before)), {});
  assert.deepEqual(changedFields(before, { ...before, name: 'b', list: [] }), { name: 'b', list: [] });
  assert.deepEqual(changedFields<object>(before, { ...before, price: { input: '1' } }), { price: { input: '1' } });
});
