import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WorkflowStart } from '../../workflows/contracts.ts';
import { ledgerWithOrder, MemoryLedger, ORDER_NO, orderIn, START_MS } from './memory-ledger.fixture.ts';
import { orders } from './order.ts';
import { cancelOrder, createOrder, expireOrder } from './order-operations.ts';

const start: WorkflowStart = {
  workflow: 'orderExpiry',
  workflowId: `order:${ORDER_NO}`,
  taskQueue: 'orders',
  input: { orderNo: ORDER_NO, ttlMs: 2_000 },
  title: 'order',
  searchAttributes: {},
};
const newOrder = { orderNo: ORDER_NO, userId: 7, accountId: 70, amount: 5n, currency: 'CNY', ttlMs: 2_000, start };

describe('createOrder', () => {
  it("writes a PENDING order that expires by the database's clock, and its workflow's start", () => {
    const ledger = new MemoryLedger();
    ledger.apply(createOrder(newOrder));
    const order = orderIn(ledger);
    assert.equal(order.status, 'PENDING');
    assert.equal(order.expiresAtMs, START_MS + 2_000);
    assert.equal(ledger.appended.length, 1);
    assert.match(ledger.appended[0] ?? '', /workflow_outbox.*order:0198-order/);
  });

  it('does nothing the second time', () => {
    const ledger = ledgerWithOrder({ status: 'COMPLETED' });
    ledger.apply(createOrder(newOrder));
    assert.equal(orderIn(ledger).status, 'COMPLETED');
    assert.deepEqual(ledger.appended, []);
  });
});

describe('cancelOrder', () => {
  it('cancels a PENDING order with the reason, once', () => {
    const ledger = ledgerWithOrder();
    assert.equal(ledger.apply(cancelOrder(ORDER_NO, 'changed my mind')), 'cancelled');
    assert.equal(orderIn(ledger).status, 'FAILED');
    assert.equal(ledger.apply(cancelOrder(ORDER_NO, 'another reason')), 'failed-before');
    assert.equal(orderIn(ledger).reason, 'changed my mind');
  });

  it('leaves a paid order alone', () => {
    const ledger = ledgerWithOrder({ status: 'COMPLETED' });
    assert.equal(ledger.apply(cancelOrder(ORDER_NO, 'too late')), 'paid');
    assert.equal(orderIn(ledger).status, 'COMPLETED');
  });

  it('knows no other order', () => {
    assert.equal(new MemoryLedger().apply(cancelOrder('other', 'x')), 'unknown');
  });
});

describe('expireOrder', () => {
  it('says how long a PENDING order still has', () => {
    const ledger = ledgerWithOrder({ expiresAtMs: START_MS + 1 });
    assert.deepEqual(ledger.apply(expireOrder(ORDER_NO)), { status: 'PENDING', remainingMs: 1 });
    assert.equal(orderIn(ledger).status, 'PENDING');
  });

  it('cancels it at the very millisecond its time is over', () => {
    const ledger = ledgerWithOrder({ expiresAtMs: START_MS });
    assert.deepEqual(ledger.apply(expireOrder(ORDER_NO)), { status: 'FAILED', remainingMs: 0 });
    assert.equal(orderIn(ledger).status, 'FAILED');
    assert.equal(orderIn(ledger).reason, 'not paid in time');
  });

  it('leaves an order alone that is decided', () => {
    for (const status of ['COMPLETED', 'FAILED'] as const) {
      const ledger = ledgerWithOrder({ status, reason: 'as it was', expiresAtMs: START_MS - 1 });
      assert.deepEqual(ledger.apply(expireOrder(ORDER_NO)), { status, remainingMs: 0 });
      assert.equal(orderIn(ledger).reason, 'as it was');
    }
  });

  it('knows no other order', () => {
    const ledger = new MemoryLedger();
    assert.equal(ledger.apply(expireOrder('other')), undefined);
    assert.equal(ledger.get(orders, 'other'), undefined);
  });
});
