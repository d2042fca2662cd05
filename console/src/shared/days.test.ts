import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, countDays, dayText, lastDays, readDay, secondsOf, timesOf, today } from './days.ts';

/** Test files run in a process of their own: its zone may be any. */
const VIEWERS = ['Asia/Shanghai', 'America/Los_Angeles', 'Pacific/Kiritimati', 'UTC'];
const { TZ: ownZone } = process.env;

/** Wherever the viewer is, the answer is the same. */
function everywhere(check: () => void): void {
  try {
    for (const zone of VIEWERS) {
      Reflect.set(process.env, 'TZ', zone);
      check();
    }
  } finally {
    if (ownZone === undefined) Reflect.deleteProperty(process.env, 'TZ');
    else Reflect.set(process.env, 'TZ', ownZone);
  }
}

test('at the end of a month today is the day of the installation, not that of the viewer', () => {
  const now = Date.parse('2026-11-30T17:00:00Z');
  everywhere(() => {
    assert.equal(today('Asia/Shanghai', now), '2026-12-01');
    assert.equal(today('America/Los_Angeles', now), '2026-11-30');
    assert.equal(today('UTC', Date.parse('2027-01-01T00:00:00Z') - 1), '2026-12-31');
  });
});

test('days follow each other over the end of a month, a leap day and changes of the clocks', () => {
  everywhere(() => {
    assert.deepEqual(lastDays(3, 'Asia/Shanghai', Date.parse('2026-11-30T17:00:00Z')), [
      ...['2026-11-29', '2026-11-30', '2026-12-01'],
    ]);
    assert.deepEqual(lastDays(3, 'Europe/Berlin', Date.parse('2026-10-25T23:30:00Z')), [
      ...['2026-10-24', '2026-10-25', '2026-10-26'],
    ]);
    const spring = lastDays(90, 'America/Los_Angeles', Date.parse('2026-03-31T12:00:00Z'));
    assert.equal(new Set(spring).size, 90);
    assert.equal(spring[0], '2026-01-01');
    assert.equal(addDays('2028-02-28', 1), '2028-02-29');
  });
});

test('a range of days goes to the end of its last day, in the zone of the API', () => {
  everywhere(() => {
    assert.deepEqual(timesOf('2026-11-30', '2026-12-31'), { startTime: '2026-11-30', endTime: '2027-01-01' });
    assert.deepEqual(timesOf(undefined, undefined), {});
  });
});

test('an address is asked for days, and anything else in it is no day', () => {
  assert.equal(readDay('2026-11-30'), '2026-11-30');
  for (const text of ['x', '', '2026-13-01', '2026-02-30', '2026-11-30T00:00', '9999-99-99', '20261130', ' ']) {
    assert.equal(readDay(text), undefined, text);
  }
  assert.equal(readDay(undefined), undefined);
});

test('a day is written and drawn as itself', () => {
  everywhere(() => {
    assert.equal(dayText('2026-12-01', 'en-GB'), '1 Dec 2026');
    assert.equal(secondsOf('2026-12-01') - secondsOf('2026-11-30'), 86_400);
    assert.equal(new Date(secondsOf('2026-12-01') * 1_000).toISOString(), '2026-12-01T00:00:00.000Z');
  });
});

test('the days of a time are counted with its first and its last', () => {
  assert.equal(countDays('2026-02-27', '2026-03-01'), 3);
  assert.equal(countDays('2026-03-01', '2026-03-01'), 1);
});
