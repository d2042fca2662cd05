import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterPlace, orderOf } from './keyset.ts';

test('a list goes on after the last row, among equal ones by their ids', () => {
  const sorting = { column: 'created_at', id: 'id', direction: 'DESC' } as const;
  assert.equal(orderOf(sorting), 'created_at DESC, id DESC');
  assert.equal(
    afterPlace(sorting, { value: "it's", id: 7 }),
    "(created_at < 'it\\'s' OR (created_at = 'it\\'s' AND id < 7) OR created_at IS NULL)",
  );
  const byId = { column: 'id', id: 'id', direction: 'ASC' } as const;
  assert.deepEqual([orderOf(byId), afterPlace(byId, { value: 7, id: 7 })], ['id ASC', 'id > 7']);
});

test('rows without a value stand below all others, in their order', () => {
  const place = { value: null, id: 7 };
  const sorting = { column: 'email', id: 'id' };
  assert.equal(afterPlace({ ...sorting, direction: 'ASC' }, place), '(email IS NOT NULL OR id > 7)');
  assert.equal(afterPlace({ ...sorting, direction: 'DESC' }, place), '(email IS NULL AND id < 7)');
  assert.equal(
    afterPlace({ ...sorting, direction: 'ASC' }, { value: 'a', id: 7 }),
    "(email > 'a' OR (email = 'a' AND id > 7))",
  );
});
