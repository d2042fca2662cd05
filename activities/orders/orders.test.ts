import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { AppError } from '../../infra/errors.ts';
import {
  AMOUNT,
  balanceIn,
  ledgerWithOrder,
  ORDER_NO,
  orderIn,
  START_MS,
  USER_ID,
  WORKFLOW_ID,
} from './memory-ledger.fixture.ts';
import { memoryOrders } from './memory-orders.fixture.ts';
import { orders as orderTable } from './order.ts';

const ROOT = { actor: { userId: 1, username: 'root' }, traceId: 'trace-1' };

function refused(kind: string) {
  return (error: unknown) => error instanceof AppError && error.kind === kind;
}

describe('Orders', () => {
  it('makes an order with a number of its own each time and starts its workflow', async () => {
    const ledger = ledgerWithOrder();
    const { orders, started } = memoryOrders(ledger);
    const first = await orders.create(USER_ID, 10_000_000n);
    const second = await orders.create(USER_ID, 10_000_000n);
    assert.match(first.orderNo, /^[0-9a-f-]{36}$/);
    assert.notEqual(first.orderNo, second.orderNo);
    assert.equal(first.status, 'PENDING');
    assert.equal(first.expiresAt.getTime(), START_MS + 1_800_000);
    assert.deepEqual(
      started,
      [first, second].map(({ orderNo }) => `order/user-${USER_ID}/${orderNo}`),
    );
  });

  it('refuses less than 0.01 and unknown users', async () => {
    const ledger = ledgerWithOrder();
    const { orders, started } = memoryOrders(ledger);
    await assert.rejects(orders.create(USER_ID, 9_999_999n), refused('invalidParameter'));
    await assert.rejects(orders.create(USER_ID, -AMOUNT), refused('invalidParameter'));
    await assert.rejects(orders.create(999, AMOUNT), refused('notFound'));
    assert.deepEqual(started, []);
    assert.equal(ledger.all(orderTable).length, 1);
  });

  it("finds a user's own orders only", async () => {
    const { orders } = memoryOrders(ledgerWithOrder());
    assert.equal((await orders.get(ORDER_NO, USER_ID)).orderNo, ORDER_NO);
    assert.equal((await orders.get(ORDER_NO)).orderNo, ORDER_NO);
    await assert.rejects(orders.get(ORDER_NO, 8), refused('notFound'));
    await assert.rejects(orders.cancel(ORDER_NO, 8), refused('notFound'));
  });

  it('says who cancelled, and signals the workflow once', async () => {
    const ledger = ledgerWithOrder();
    const { orders, signalled } = memoryOrders(ledger);
    assert.equal((await orders.cancel(ORDER_NO, USER_ID)).reason, 'cancelled by its owner');
    assert.equal((await orders.cancel(ORDER_NO, ROOT)).reason, 'cancelled by its owner', 'the first one stays');
    assert.deepEqual(signalled, [WORKFLOW_ID]);
    const administrator = memoryOrders(ledgerWithOrder());
    assert.equal((await administrator.orders.cancel(ORDER_NO, ROOT)).reason, 'cancelled by an administrator');
  });

  it('does not cancel a paid order', async () => {
    const { orders, signalled } = memoryOrders(ledgerWithOrder({ status: 'COMPLETED' }));
    await assert.rejects(orders.cancel(ORDER_NO, ROOT), refused('illegalState'));
    assert.deepEqual(signalled, []);
  });

  it('asks to try again, and moves nothing, while a refund would be short because money is leased', async () => {
    const ledger = ledgerWithOrder({ status: 'COMPLETED', paidAtMs: START_MS }, 7n);
    const { orders } = memoryOrders(ledger);
    ledger.recalled = 'late';
    const isRetryable = (error: unknown) =>
      error instanceof AppError && error.kind === 'unavailable' && error.details.retryAfterSeconds === 5;
    await assert.rejects(orders.refund(ORDER_NO, 'wish', ROOT), isRetryable);
    const part = { amount: 8n, key: 'part' };
    await assert.rejects(orders.refundPart(ORDER_NO, part, 'wish', ROOT, pino({ level: 'silent' })), isRetryable);
    assert.deepEqual(balanceIn(ledger), { available: 7n, debt: 0n });
    ledger.recalled = 'returned';
    assert.equal((await orders.refund(ORDER_NO, 'wish', ROOT)).refunded, 7n);
  });

  it('refunds once, out of ten at once', async () => {
    const ledger = ledgerWithOrder({ status: 'COMPLETED' }, AMOUNT * 5n);
    const { orders } = memoryOrders(ledger);
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => orders.refund(ORDER_NO, 'wish', ROOT)));
    const done = results.filter((result) => result.status === 'fulfilled');
    assert.equal(done.length, 1);
    for (const result of results) assert.ok(result.status === 'fulfilled' || refused('illegalState')(result.reason));
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT * 4n, debt: 0n });
    const records = ledger.appended.filter((sql) => sql.includes('audit_log'));
    assert.equal(records.length, 1, 'recorded with the change, once');
    assert.match(records[0] ?? '', /1,'root','orders\.refund','order','0198-order'.*amount.*10.*'trace-1'/);
    await assert.rejects(orders.refund('other', 'x', ROOT), refused('notFound'));
  });

  it('puts right what lost workflows left, but leaves their own time to them', async () => {
    const ledger = ledgerWithOrder({ expiresAtMs: START_MS });
    const { orders } = memoryOrders(ledger);
    ledger.nowMs = START_MS + 29_999;
    assert.equal(await orders.expireOverdue(100), 0);
    ledger.nowMs = START_MS + 30_000;
    assert.equal(await orders.expireOverdue(100), 1);
    assert.equal(orderIn(ledger).status, 'FAILED');
    assert.equal(await orders.expireOverdue(100), 0);
  });

  it('answers the workflow, and fails for an order that does not exist', async () => {
    const ledger = ledgerWithOrder({ expiresAtMs: START_MS + 5 });
    const { orders } = memoryOrders(ledger);
    assert.deepEqual(await orders.expire(ORDER_NO), { status: 'PENDING', remainingMs: 5 });
    await assert.rejects(orders.expire('other'), refused('notFound'));
  });
});
