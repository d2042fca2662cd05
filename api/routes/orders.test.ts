import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  AMOUNT,
  ledgerWithOrder,
  type MemoryLedger,
  ORDER_NO,
  orderIn,
  pendingOrder,
  START_MS,
  USER_ID,
} from '../../activities/orders/memory-ledger.fixture.ts';
import { memoryOrders } from '../../activities/orders/memory-orders.fixture.ts';
import { orders as orderTable } from '../../activities/orders/order.ts';
import { bearer, type OrderApp, startOrderApp, tokenOf } from './order-app.fixture.ts';

const owner = tokenOf(USER_ID);
const other = tokenOf(8);
const root = tokenOf(1, 'ROLE_ROOT_ADMIN');

describe('orders over HTTP', () => {
  async function serve(
    test: TestContext,
    ledger = ledgerWithOrder(),
  ): Promise<{ ledger: MemoryLedger; app: OrderApp }> {
    return { ledger, app: await startOrderApp(test, memoryOrders(ledger)) };
  }

  it('makes an order for the caller, its amount exact', async (test) => {
    const { app } = await serve(test);
    const answer = await app.post('/v1/orders', '{"amount":0.010000001}', bearer(owner));
    assert.equal(answer.status, 200);
    const { data } = answer.json();
    assert.equal(data?.userId, USER_ID);
    assert.equal(data?.status, 'PENDING');
    assert.equal(data?.currency, 'CNY');
    assert.equal(data?.expiresAt, '2026-11-24T16:30:00.000+08:00');
    assert.match(answer.text, /"amount":0\.010000001,/);
    for (const absent of ['reason', 'paidLate', 'paidAt', 'refundedAmount'])
      assert.ok(!(absent in (data ?? {})), absent);
  });

  it('takes the amount as text too', async (test) => {
    const { app } = await serve(test);
    const answer = await app.post('/v1/orders', { amount: '12345678.123456789' }, bearer(owner));
    assert.match(answer.text, /"amount":12345678\.123456789,/);
  });

  it('refuses amounts below 0.01 and what is no amount', async (test) => {
    const { app } = await serve(test);
    for (const amount of [0.009, 0, -1, 'x', null, [1]]) {
      const answer = await app.post('/v1/orders', { amount }, bearer(owner));
      assert.equal(answer.status, 400, String(amount));
    }
  });

  it('makes orders for others by ROOT only', async (test) => {
    const { app } = await serve(test);
    const forOther = { userId: USER_ID, amount: 1 };
    assert.equal((await app.post('/v1/orders', forOther, bearer(root))).json().data?.userId, USER_ID);
    assert.equal((await app.post('/v1/orders', forOther, bearer(other))).status, 403);
    assert.equal((await app.post('/v1/orders', { userId: 99, amount: 1 }, bearer(root))).status, 404);
    assert.equal((await app.post('/v1/orders', { userId: `${USER_ID}`, amount: 1 }, bearer(owner))).status, 200);
  });

  it('shows an order to its owner and to ROOT; to others it does not exist', async (test) => {
    const { app } = await serve(test);
    const path = `/v1/orders/get?orderNo=${ORDER_NO}`;
    assert.equal((await app.get(path, owner)).json().data?.orderNo, ORDER_NO);
    assert.equal((await app.get(path, root)).status, 200);
    const hidden = await app.get(path, other);
    assert.equal(hidden.status, 404);
    assert.equal(hidden.json().code, 500002);
    assert.equal((await app.get(path)).status, 401);
    assert.equal((await app.get('/v1/orders/get', owner)).json().code, 400002);
  });

  it('lists own orders, and all of them for ROOT', async (test) => {
    const { ledger, app } = await serve(test);
    ledger.put(orderTable, 'b', pendingOrder({ orderNo: 'b', userId: 8, status: 'COMPLETED' }));
    const mine = await app.get('/v1/orders/my?pageSize=5', owner);
    assert.equal(mine.json().data?.total, 1);
    assert.equal((await app.get('/v1/orders/my?status=COMPLETED', owner)).json().data?.total, 0);
    assert.equal((await app.get('/v1/orders', owner)).status, 403);
    assert.equal((await app.get('/v1/orders', root)).json().data?.total, 2);
    assert.equal((await app.get('/v1/orders?userId=8&status=COMPLETED', root)).json().data?.total, 1);
    assert.equal((await app.get('/v1/orders?userId=&status=', root)).json().data?.total, 2);
    assert.equal((await app.get('/v1/orders?status=PAID', root)).status, 400);
  });

  it('cancels by the owner or ROOT, not by others', async (test) => {
    const { app } = await serve(test);
    assert.equal((await app.post('/v1/orders/cancel', { orderNo: ORDER_NO }, bearer(other))).status, 404);
    const answer = await app.post('/v1/orders/cancel', { orderNo: ORDER_NO }, bearer(owner));
    assert.equal(answer.json().data?.status, 'FAILED');
    assert.equal(answer.json().data?.reason, 'cancelled by its owner');
    assert.equal((await app.post('/v1/orders/cancel', { orderNo: ORDER_NO }, bearer(root))).status, 200);
  });

  it('refunds by ROOT only, once', async (test) => {
    const paid = ledgerWithOrder({ status: 'COMPLETED', paidAtMs: START_MS, paidLate: true }, AMOUNT / 2n);
    const { ledger, app } = await serve(test, paid);
    const body = { orderNo: ORDER_NO, reason: 'wish' };
    assert.equal((await app.post('/v1/orders/refund', body, bearer(owner))).status, 403);
    assert.equal((await app.post('/v1/orders/refund', { orderNo: ORDER_NO }, bearer(root))).status, 400);
    const lost = await app.post('/v1/orders/refund', { ...body, amount: null }, bearer(root));
    assert.equal(lost.status, 400);
    assert.match(lost.text, /"path":"amount"/);
    assert.equal(orderIn(ledger).refunded, null);
    const answer = await app.post('/v1/orders/refund', body, bearer(root));
    assert.match(answer.text, /"refundedAmount":5,/);
    assert.equal(answer.json().data?.paidLate, true);
    assert.equal(answer.json().data?.paidAt, '2026-11-24T16:00:00.000+08:00');
    const again = await app.post('/v1/orders/refund', body, bearer(root));
    assert.equal(again.status, 409);
    assert.equal(again.json().code, 500006);
    assert.equal(orderIn(ledger).refunded, AMOUNT / 2n);
  });
});
