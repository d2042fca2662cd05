import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { AppError } from '../../infra/errors.ts';
import { ledgerWithOrder, ORDER_NO, START_MS } from './memory-ledger.fixture.ts';
import { memoryOrders } from './memory-orders.fixture.ts';
import { createOrderActivities } from './order-activities.ts';

it('answers what the order is', async () => {
  const activities = createOrderActivities(memoryOrders(ledgerWithOrder({ expiresAtMs: START_MS })).orders);
  assert.deepEqual(await activities.expireOrder(ORDER_NO), { status: 'FAILED', remainingMs: 0 });
});

it('fails for good when there is no such order', async () => {
  const activities = createOrderActivities(memoryOrders(ledgerWithOrder()).orders);
  await assert.rejects(
    activities.expireOrder('other'),
    (error) => error instanceof ApplicationFailure && error.nonRetryable === true,
  );
});

it('is tried again when the database is away', async () => {
  const away = new AppError('databaseUnavailable', 'away');
  const activities = createOrderActivities({ expire: () => Promise.reject(away) });
  await assert.rejects(activities.expireOrder(ORDER_NO), away);
});
