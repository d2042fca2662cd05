import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, dayInput, isoTime, monthInput, parseTime, startOfDay, timeInput } from './times.ts';

const SHANGHAI = 'Asia/Shanghai';
const NEW_YORK = 'America/New_York';
const read = (text: string, zone = SHANGHAI): string | undefined => parseTime(text, zone)?.toISOString();

test('times go out with the offset of the zone', () => {
  const noon = new Date('2026-11-24T12:00:00.207Z');
  assert.equal(isoTime(noon, SHANGHAI), '2026-11-24T20:00:00.207+08:00');
  assert.equal(isoTime(noon, NEW_YORK), '2026-11-24T07:00:00.207-05:00');
  assert.equal(isoTime(noon, 'Asia/Kathmandu'), '2026-11-24T17:45:00.207+05:45');
  assert.equal(isoTime(noon, 'UTC'), '2026-11-24T12:00:00.207+00:00');
});

test('times without offset are local to the zone', () => {
  for (const text of ['2026-11-24 20:00:00', '2026-11-24T20:00:00', '2026-11-24T20:00', '2026-11-24T20:00:00.000']) {
    assert.equal(read(text), '2026-11-24T12:00:00.000Z', text);
  }
  assert.equal(read('2026-11-24'), '2026-11-23T16:00:00.000Z');
});

test('an offset counts, also where a query string made a blank of its plus', () => {
  for (const text of ['2026-11-24T12:00:00Z', '2026-11-24T20:00:00+08:00', '2026-11-24T20:00:00 08:00']) {
    assert.equal(read(text, NEW_YORK), '2026-11-24T12:00:00.000Z', text);
  }
  assert.equal(read('2026-11-24T07:00:00-0500'), '2026-11-24T12:00:00.000Z');
});

test('local times on both sides of a change of clocks', () => {
  assert.equal(read('2026-03-08 01:59:59', NEW_YORK), '2026-03-08T06:59:59.000Z');
  assert.equal(read('2026-03-08 03:00:00', NEW_YORK), '2026-03-08T07:00:00.000Z');
  assert.equal(read('2026-11-01 03:00:00', NEW_YORK), '2026-11-01T08:00:00.000Z');
});

test('what goes out is read back as the same instant', () => {
  for (const ms of [0, 1_700_000_000_123, 1_772_900_000_000]) {
    for (const zone of [SHANGHAI, NEW_YORK]) assert.equal(parseTime(isoTime(new Date(ms), zone), 'UTC')?.getTime(), ms);
  }
});

test('days and hours that do not exist are refused', () => {
  for (const text of ['', 'now', '2026-02-30', '2026-13-01', '2026-01-01 24:00:00', '2026-01-01 00:60', '1e9', '0']) {
    assert.equal(parseTime(text, SHANGHAI), undefined, text);
  }
  assert.equal(timeInput(SHANGHAI).safeParse('2026-02-30').success, false);
  assert.equal(timeInput(SHANGHAI).safeParse(5).success, false);
});

test('a day is read from a date or from any time, in the zone', () => {
  const day = dayInput(SHANGHAI);
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
  const { month, from, until } = monthInput(SHANGHAI).parse('2026-12');
  assert.equal(month, '2026-12');
  assert.equal(from.toISOString(), '2026-11-30T16:00:00.000Z');
  assert.equal(until.toISOString(), '2026-12-31T16:00:00.000Z');
  // Where clocks change: New York is at -5 on the first of March and at -4 on the first of April.
  const march = monthInput(NEW_YORK).parse('2026-03');
  assert.equal(march.until.getTime() - march.from.getTime(), (31 * 24 - 1) * 3_600_000);
});

test('what is no month is refused', () => {
  for (const text of ['2026-00', '2026-13', '2026-1', '2026-11-01', '11-2026', '', '1999-01']) {
    assert.equal(monthInput(SHANGHAI).safeParse(text).success, false, text);
  }
  assert.equal(startOfDay('2026-11-24', SHANGHAI).toISOString(), '2026-11-23T16:00:00.000Z');
});
