import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { type Column, column, orNull, rowOf } from './rows.ts';

const NOON_MS = Date.UTC(2026, 10, 24, 12, 0, 0, 7);

/** What a driver may return for one value, depending on the type that a server announces. */
const SAME: readonly (readonly [string, Column<unknown>, readonly unknown[], unknown])[] = [
  ['an integer', column.integer, [7, '7', '7.000', Buffer.from('7'), 7n], 7],
  ['a negative integer', column.integer, [-7, '-7', '-7.0'], -7],
  ['money', column.bigint, [7, '7', '7.0', Buffer.from('7')], 7n],
  ['money above 2^53', column.bigint, ['9007199254740993', Buffer.from('9007199254740993')], 9_007_199_254_740_993n],
  ['seconds', column.decimal, [1.5, '1.5', '1.5000', Buffer.from('1.5'), '15e-1'], 1.5],
  ['a flag that is set', column.flag, [1, '1', true, '1.0', Buffer.from('1')], true],
  ['a flag that is not set', column.flag, [0, '0', false, Buffer.from('0')], false],
  ['a text', column.text, ['é', Buffer.from('é')], 'é'],
  ['a text of digits', column.text, ['12', 12, Buffer.from('12')], '12'],
  ['bytes', column.bytes, [Buffer.from('ab'), 'ab'], Buffer.from('ab')],
  [
    'a time',
    column.ms,
    [
      '2026-11-24 12:00:00.007',
      '2026-11-24 12:00:00.007000',
      new Date(NOON_MS),
      Buffer.from('2026-11-24 12:00:00.007'),
    ],
    NOON_MS,
  ],
  ['a time of tenths', column.ms, ['2026-11-24 12:00:00.0', '2026-11-24 12:00:00'], NOON_MS - 7],
  ['a time of hundredths', column.ms, ['2026-11-24 12:00:00.5', '2026-11-24 12:00:00.50'], NOON_MS + 493],
  ['a time as a date', column.time, ['2026-11-24 12:00:00.007', new Date(NOON_MS)], new Date(NOON_MS)],
  ['a day', column.day, ['2026-11-24', '2026-11-24 00:00:00', Buffer.from('2026-11-24')], '2026-11-24'],
  ['JSON', column.json, ['{"a":[1]}', Buffer.from('{"a":[1]}')], { a: [1] }],
  ['a JSON text', column.json, ['"{}"'], '{}'],
  ['JSON of a form', column.jsonOf(z.object({ a: z.number() })), ['{"a":1}'], { a: 1 }],
  ['one of some words', column.oneOf(['open', 'shut']), ['open', Buffer.from('open')], 'open'],
];

/** What must not be taken for a value. */
const REFUSED: readonly (readonly [Column<unknown>, readonly unknown[]])[] = [
  [column.integer, [null, undefined, '', ' 7', '7.5', 7.5, '9007199254740993', 'x', '0x7', '7e3', true, Number.NaN]],
  [column.bigint, [null, undefined, '', '7.5', 7.5, 2 ** 53, '1e20', 'x']],
  [column.decimal, [null, '', 'x', Number.POSITIVE_INFINITY]],
  [column.flag, [null, undefined, '', 2, '2', 'true']],
  [column.text, [null, undefined, {}, true]],
  [column.bytes, [null, undefined, 7]],
  [
    column.ms,
    [
      null,
      '',
      '2026-11-24',
      '0000-00-00 00:00:00',
      '2026-13-24 12:00:00',
      '2026-11-24 24:00:00',
      new Date(Number.NaN),
      7,
    ],
  ],
  [column.time, [null, new Date(Number.NaN)]],
  [column.day, [null, '2026-11-24 10:00:00', '24.11.2026']],
  [column.json, [undefined, '{', {}]],
  [column.oneOf(['open']), [null, 'OPEN', '']],
];

describe('reading a value by what its column means', () => {
  for (const [what, read, given, wanted] of SAME) {
    test(`${what} is the same, whatever type was announced`, () => {
      for (const value of given) assert.deepEqual(read(value, 'c'), wanted);
    });
  }

  test('what cannot be the value is refused with the name of its column, and never shown', () => {
    for (const [read, given] of REFUSED) {
      for (const value of given) {
        assert.throws(
          () => read(value, 'the_column'),
          (error) => error instanceof TypeError && /^column the_column is not /.test(error.message),
          `${String(value)} was read`,
        );
      }
    }
  });
});

describe('reading a row', () => {
  const hold = rowOf({ id: column.text, accountId: column.integer, closedAtMs: orNull(column.ms) });

  test('each column stands under our name for it', () => {
    assert.equal(hold.columns, 'id,account_id,closed_at');
    const row = { id: 'a', accountId: 7, closedAtMs: null };
    assert.deepEqual(hold.read({ id: 'a', account_id: '7', closed_at: null, other: 1 }), row);
    assert.deepEqual(hold.ofModel({ id: 'a', accountId: 7, closedAtMs: null }), row);
  });

  test('a column that was not selected is reported, also where it may be null', () => {
    assert.throws(() => hold.read({ id: 'a', account_id: 7 }), /column closed_at is not a time/);
  });
});
