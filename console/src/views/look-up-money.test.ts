import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moneyEvents } from './look-up-money.ts';

test('a reservation has an end, and what was given back', () => {
  const hold = {
    ...({
      id: 'one',
      owner: 'call',
      accessKeyId: 1,
      state: 'released',
      writerSlot: 1,
      userId: 2,
      batchId: null,
    } as const),
    ...{ amount: '3', captured: '0', released: '3' },
    ...{ createdAt: '2026-11-30T20:00:00.000+08:00', expiresAt: '2026-11-30T21:00:00.000+08:00' },
  };
  const named = (closedAt: string | null) =>
    moneyEvents({ transfers: [], holds: [{ ...hold, closedAt }] }).map(({ name, at, amount }) => ({
      name,
      at,
      amount,
    }));
  const held = { name: { text: 'lookup.held' }, at: hold.createdAt, amount: '3' };
  assert.deepEqual(named(null), [held]);
  const closedAt = '2026-11-30T20:00:01.000+08:00';
  assert.deepEqual(named(closedAt), [held, { name: { text: 'lookup.holdEnded' }, at: closedAt, amount: '3' }]);
});
