import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localDay, periodStart } from './calendar.ts';

test('a day changes at local midnight', () => {
  const before = Date.parse('2026-11-24T15:59:59.999Z');
  assert.equal(localDay(before, 'Asia/Shanghai'), '2026-11-24');
  assert.equal(localDay(before + 1, 'Asia/Shanghai'), '2026-11-25');
  assert.equal(localDay(before + 1, 'UTC'), '2026-11-24');
});

test('zones with quarter-hour offsets change on time', () => {
  const midnight = Date.parse('2026-11-24T18:15:00Z');
  assert.equal(localDay(midnight - 1, 'Asia/Kathmandu'), '2026-11-24');
  assert.equal(localDay(midnight, 'Asia/Kathmandu'), '2026-11-25');
});

test('budget periods begin on their first day', () => {
  assert.equal(periodStart('2026-11-24', 'day'), '2026-11-24');
  assert.equal(periodStart('2026-11-24', 'month'), '2026-11-01');
  assert.equal(periodStart('2026-11-24', 'total'), periodStart('2031-01-01', 'total'));
});
