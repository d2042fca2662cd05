import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf } from './audit-changes.ts';

test('what stays is left out; fields of fields are named by their path; amounts are known', () => {
  const before = { name: 'a', balance: '1.5', pricing: { input: '0.1', output: '0.2' }, list: ['a'] };
  const after = { name: 'a', balance: '2.000000001', pricing: { input: '0.3', output: '0.2' }, list: ['a', 'b'] };
  assert.deepEqual(changesOf(before, after), [
    { field: 'balance', before: '1.5', after: '2.000000001', isMoney: true },
    { field: 'pricing.input', before: '0.1', after: '0.3', isMoney: false },
    { field: 'list', before: 'a', after: 'a, b', isMoney: false },
  ]);
});

test('what was made has no state before, what was deleted none after', () => {
  assert.deepEqual(changesOf(null, { online: true, limit: null }), [
    { field: 'online', before: undefined, after: 'true', isMoney: false },
    { field: 'limit', before: undefined, after: '–', isMoney: false },
  ]);
  assert.deepEqual(changesOf({ name: 'a' }, null), [{ field: 'name', before: 'a', after: undefined, isMoney: false }]);
  assert.deepEqual(changesOf(null, null), []);
});
