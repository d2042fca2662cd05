import assert from 'node:assert/strict';
import { test } from 'node:test';
import { version } from 'uuid';
import { newId } from './ids.ts';

const MILLISECOND_DIGITS = 13;

test('no id comes twice, over many fills of the random bytes', () => {
  const ids = Array.from({ length: 5_000 }, newId);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.equal(version(id), 7);
});

test('an id begins with its millisecond', () => {
  const before = Date.now();
  const id = newId();
  const made = Number.parseInt(id.slice(0, MILLISECOND_DIGITS).replace('-', ''), 16);
  assert.ok(made >= before && made <= Date.now(), id);
});
