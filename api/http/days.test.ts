import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, dayInput, monthInput, startOfDay } from './days.ts';

const ZONE = 'Asia/Shanghai';

test('a day is read from a date or from any time, in the zone', () => {
  const day = dayInput(ZONE);
  assert.equal(day.parse('2026-11-24'), '2026-11-24');
  assert.equal(day.parse('2026-11-24 23:59:59'), '2026-11-24');
  assert.equal(day.parse('2026-11-24T23:59:59Z'), '2026-11-25');
  for (const text of ['2026-02-30', 'yesterday', '']) assert.equal(day.safeParse(text).success, false, text);
});

test('days are counted over the ends of months and years', () => {
  assert.equal(addDays('2026-12-31', 1), '2027-01-01');
  assert.equal(addDays('2028-03-01', -1), '2028-02-29');
});

test('a month runs from its first local instant to the next month', () => {
  const { month, from, until } = monthInput(ZONE).parse('2026-12');
  assert.equal(month, '2026-12');
  assert.equal(from.toISOString(), '2026-11-30T16:00:00.000Z');
  assert.equal(until.toISOString(), '2026-12-31T16:00:00.000Z');
  // Where clocks change: New York is at -5 on the first of March and at -4 on the first of April.
  const march = monthInput('America/New_York').parse('2026-03');
  assert.equal(march.until.getTime() - march.from.getTime(), (31 * 24 - 1) * 3_600_000);
});

test('what is no month is refused', () => {
  for (const text of ['2026-00', '2026-13', '2026-1', '2026-11-01', '11-2026', '', '1999-01']) {
    assert.equal(monthInput(ZONE).safeParse(text).success, false, text);
  }
  assert.equal(startOfDay('2026-11-24', ZONE).toISOString(), '2026-11-23T16:00:00.000Z');
});
