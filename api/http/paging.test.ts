import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { idInput, integerInput, optional, switchInput } from './fields.ts';
import { page, pageQuery } from './paging.ts';

const query = pageQuery(['id', 'name']);

test('pages have defaults, and sizes out of range are clamped', () => {
  assert.deepEqual(query.parse({}), { pageNum: 1, pageSize: 10 });
  assert.deepEqual(query.parse({ pageNum: '3', pageSize: '1000' }), { pageNum: 3, pageSize: 100 });
  assert.deepEqual(query.parse({ pageNum: '-5', pageSize: '0' }), { pageNum: 1, pageSize: 1 });
  assert.deepEqual(query.parse({ pageNum: '', pageSize: '' }), { pageNum: 1, pageSize: 10 });
  assert.equal(query.parse({ pageNum: '999999999' }).pageNum, 100_000);
  for (const digits of [16, 19, 400]) {
    const huge = '9'.repeat(digits);
    assert.deepEqual(query.parse({ pageNum: huge, pageSize: huge }), { pageNum: 100_000, pageSize: 100 });
    assert.deepEqual(query.parse({ pageNum: `-${huge}`, pageSize: `-${huge}` }), { pageNum: 1, pageSize: 1 });
  }
});

test('sorting takes the listed fields only', () => {
  assert.deepEqual(query.parse({ sortBy: 'name', sortOrder: 'DESC' }), {
    pageNum: 1,
    pageSize: 10,
    sortBy: 'name',
    sortOrder: 'desc',
  });
  const empty = query.parse({ sortBy: '', sortOrder: '' });
  assert.deepEqual([empty.sortBy, empty.sortOrder], [undefined, undefined]);
  for (const wrong of [
    { sortBy: 'password_hash' },
    { sortBy: 'id; DROP TABLE users' },
    { sortOrder: 'up' },
    { pageNum: 'x' },
    { pageSize: '1e3' },
  ]) {
    assert.equal(query.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
});

test('a page shows how many there are', () => {
  assert.deepEqual(page(['a'], 21, { pageNum: 3, pageSize: 10 }), {
    records: ['a'],
    total: 21,
    size: 10,
    current: 3,
    pages: 3,
  });
  assert.equal(page([], 0, { pageNum: 1, pageSize: 10 }).pages, 0);
});

test('integers and ids come as numbers or text', () => {
  assert.equal(integerInput.parse('42'), 42);
  assert.equal(integerInput.parse(-1), -1);
  for (const wrong of ['', ' 1', '1.5', '0x10', '1e3', 1.5, Number.NaN, true, null, {}]) {
    assert.equal(integerInput.safeParse(wrong).success, false, String(wrong));
  }
  assert.equal(idInput.parse('4294967295'), 4_294_967_295);
  for (const wrong of [0, -1, '0', '4294967296', '99999999999999999999', '1 OR 1=1']) {
    assert.equal(idInput.safeParse(wrong).success, false, String(wrong));
  }
});

test('switches are taken in every form clients send', () => {
  for (const on of [1, '1', true, 'true']) assert.equal(switchInput.parse(on), true);
  for (const off of [0, '0', false, 'false']) assert.equal(switchInput.parse(off), false);
  for (const wrong of [2, '', 'on', null, []]) assert.equal(switchInput.safeParse(wrong).success, false);
});

test('null is no value for an optional field', () => {
  const schema = z.object({ email: optional(z.string()) });
  assert.equal(schema.parse({ email: null }).email, undefined);
  assert.equal(schema.parse({}).email, undefined);
  assert.deepEqual(schema.parse({ email: 'x' }), { email: 'x' });
});
