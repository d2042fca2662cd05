import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bearer, startOrderApp, tokenOf } from '../../api/routes/order-app.fixture.ts';
import { AppError } from '../../infra/errors.ts';
import {
  callbackBody,
  type OrderProcess,
  type OrderWorld,
  orderWorld,
  paymentSignature,
  signedCall,
} from './order-world.ts';

const AMOUNT = 12_345_678_901n;
const ROOT = { actor: { userId: 1, username: '管理员' }, traceId: 'trace-1' };

describe('orders on the real database', () => {
  let world: OrderWorld;
  let processes: OrderProcess[];
  /** Any of the processes, in turn. */
  let turn = 0;
  const any = (): OrderProcess => {
    const chosen = processes[turn++ % processes.length];
    assert.ok(chosen);
    return chosen;
  };
  before(async () => {
    world = await orderWorld('orders_test');
    processes = await Promise.all([world.process(), world.process(), world.process()]);
  });
  after(() => world.close());

  async function paidOrder(userId: number, amount = AMOUNT): Promise<string> {
    const { orderNo } = await any().orders.create(userId, amount);
    await any().payments.receive(signedCall({ orderNo, amount, eventId: `pay-${orderNo}` }));
    return orderNo;
  }

  test('an order and all that happens to it is read back as it was written', async () => {
    const userId = await world.user();
    const made = await any().orders.create(userId, AMOUNT);
    assert.equal(made.amount, AMOUNT);
    assert.equal(made.status, 'PENDING');
    assert.equal(made.expiresAt.getTime() - made.createdAt.getTime(), world.config.ORDER_TTL);
    assert.ok(Math.abs(made.createdAt.getTime() - Date.now()) < 60_000, 'UTC in, UTC out');
    const [outbox] = await world.rows(`SELECT start FROM workflow_outbox WHERE workflow_id='${made.workflowId}'`);
    assert.equal(made.workflowId, `order/user-${userId}/${made.orderNo}`);
    assert.match(JSON.stringify(outbox?.start), new RegExp(`12\\.345678901 CNY.*${made.orderNo}`));

    const cancelled = await any().orders.cancel(made.orderNo, userId);
    assert.deepEqual([cancelled.status, cancelled.reason], ['FAILED', 'cancelled by its owner']);
    const late = await any().payments.receive(signedCall({ orderNo: made.orderNo, amount: AMOUNT, eventId: 'late-1' }));
    assert.deepEqual([late.status, late.paidLate, late.reason], ['COMPLETED', true, null]);
    assert.ok(late.paidAt);
    const refunded = await any().orders.refund(made.orderNo, '不需要了 🙂', ROOT);
    assert.deepEqual([refunded.refunded, refunded.reason], [AMOUNT, '不需要了 🙂']);
    assert.deepEqual(await world.money(userId), { available: 0n, debt: 0n, transferred: 0n });
    const [record] = await world.rows(
      `SELECT actor_name,action,trace_id,JSON_UNQUOTE(JSON_EXTRACT(after_state,'$.reason')) AS reason,
              JSON_UNQUOTE(JSON_EXTRACT(after_state,'$.amount')) AS amount
         FROM audit_log WHERE target_id='${made.orderNo}'`,
    );
    const expected = { action: 'orders.refund', trace_id: 'trace-1', reason: '不需要了 🙂', amount: '12.345678901' };
    assert.deepEqual(record, { actor_name: '管理员', ...expected });
    const events = await world.rows(
      `SELECT provider,event_id,outcome FROM payment_events WHERE order_no='${made.orderNo}'`,
    );
    assert.deepEqual(events, [{ provider: 'signed', event_id: 'late-1', outcome: 'paid_late' }]);
  });

  test('pages by user and status, newest first', async () => {
    const [mine, other] = [await world.user(), await world.user()];
    const made = [];
    for (const amount of [30_000_000n, 10_000_000n, 20_000_000n]) made.push(await any().orders.create(mine, amount));
    await any().orders.create(other, AMOUNT);
    const cancelled = made[1]?.orderNo ?? '';
    await any().orders.cancel(cancelled, ROOT);
    const page = { userId: mine, pageNum: 1, pageSize: 2 };
    const first = await any().orders.page(page);
    assert.equal(first.total, 3);
    assert.deepEqual(
      first.records.map(({ orderNo }) => orderNo),
      [made[2]?.orderNo, made[1]?.orderNo, made[0]?.orderNo],
      'one more than the page has',
    );
    const second = await any().orders.page({ ...page, pageNum: 2 });
    assert.deepEqual(
      second.records.map(({ orderNo }) => orderNo),
      [made[0]?.orderNo],
    );
    const byAmount = await any().orders.page({ ...page, pageSize: 9, sortBy: 'amount', sortOrder: 'asc' });
    assert.deepEqual(
      byAmount.records.map(({ amount }) => amount),
      [10_000_000n, 20_000_000n, 30_000_000n],
    );
    // Each of two more has the amount of another: among equal ones the id decides.
    for (const amount of [30_000_000n, 10_000_000n]) await any().orders.create(mine, amount);
    for (const sortBy of ['id', 'createdAt', 'amount'] as const) {
      for (const sortOrder of ['asc', 'desc'] as const) {
        const sorted = { ...page, sortBy, sortOrder };
        const whole = (await any().orders.page({ ...sorted, pageSize: 9 })).records.map(({ id }) => id);
        const walked: number[] = [];
        for (;;) {
          const { records, total } = await any().orders.page({ ...sorted, pageSize: 1, cursor: walked.at(-1) });
          walked.push(...records.slice(0, 1).map(({ id }) => id));
          assert.equal(total, walked.length === 1 ? 5 : undefined);
          if (records.length < 2) break;
        }
        assert.deepEqual(walked, whole, `${sortBy} ${sortOrder}`);
      }
    }
    const theirs = await any().orders.page({ ...page, userId: other });
    await assert.rejects(any().orders.page({ ...page, cursor: theirs.records[0]?.id }), /cursor/);
    const failed = await any().orders.page({ ...page, status: 'FAILED' });
    assert.deepEqual(
      failed.records.map(({ orderNo }) => orderNo),
      [cancelled],
    );
  });

  test('one event, ten times at once from three processes: one credit, ten good answers', async () => {
    const userId = await world.user();
    const { orderNo } = await any().orders.create(userId, AMOUNT);
    const call = signedCall({ orderNo, amount: AMOUNT, eventId: 'ten-times' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => any().payments.receive(call)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(['COMPLETED']));
    assert.deepEqual(await world.money(userId), { available: AMOUNT, debt: 0n, transferred: AMOUNT });
  });

  test('one event id for two bodies at once: one is taken, the other refused', async () => {
    const userId = await world.user();
    const two = await Promise.all([any().orders.create(userId, AMOUNT), any().orders.create(userId, AMOUNT)]);
    const results = await Promise.allSettled(
      two.map(({ orderNo }) => any().payments.receive(signedCall({ orderNo, amount: AMOUNT, eventId: 'shared' }))),
    );
    const refusal = results.find((result) => result.status === 'rejected');
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    assert.ok(refusal?.reason instanceof AppError && refusal.reason.kind === 'idempotencyMismatch');
    assert.deepEqual(await world.money(userId), { available: AMOUNT, debt: 0n, transferred: AMOUNT });
  });

  test('payment, cancel and expiry at the same moment: one of them wins, and the money follows', async () => {
    const userId = await world.user();
    let credited = 0n;
    for (let round = 0; round < 20; round += 1) {
      const { orderNo } = await any().orders.create(userId, AMOUNT);
      await world.sequelize.query(`UPDATE orders SET expires_at=NOW(3) WHERE order_no='${orderNo}'`);
      const call = signedCall({ orderNo, amount: AMOUNT, eventId: `race-${orderNo}` });
      await Promise.allSettled([
        any().orders.expire(orderNo),
        any().orders.cancel(orderNo, ROOT),
        any().payments.receive(call),
        any().payments.receive(call),
      ]);
      const order = await any().orders.get(orderNo);
      assert.equal(order.status, 'COMPLETED', 'a payment is never lost');
      credited += AMOUNT;
    }
    assert.deepEqual(await world.money(userId), { available: credited, debt: 0n, transferred: credited });
  });

  test('ten refunds at once give back once, at most what is available', async () => {
    const userId = await world.user();
    const orderNo = await paidOrder(userId);
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => any().orders.refund(orderNo, 'wish', ROOT)),
    );
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    assert.deepEqual(await world.money(userId), { available: 0n, debt: 0n, transferred: 0n });
  });

  test('a chargeback takes what is available and leaves a debt that the next payment pays first', async () => {
    const userId = await world.user();
    const spent = await paidOrder(userId);
    const other = await paidOrder(userId, AMOUNT / 2n);
    await any().orders.refund(other, 'wish', ROOT);
    // Five are spent.
    await world.sequelize.query(`UPDATE accounts SET available=available-5 WHERE owner_id=${userId}`);
    const back = { orderNo: spent, amount: AMOUNT, eventId: 'back', type: 'chargeback' };
    await Promise.all(Array.from({ length: 5 }, () => any().payments.receive(signedCall(back))));
    assert.deepEqual(await world.money(userId), { available: 0n, debt: 5n, transferred: 0n });
    await paidOrder(userId, AMOUNT);
    assert.deepEqual(await world.money(userId), { available: AMOUNT - 5n, debt: 0n, transferred: AMOUNT });
  });

  test('an order is taken back in parts, each event once, and never more than is left of it', async () => {
    const userId = await world.user();
    const orderNo = await paidOrder(userId);
    const part = (eventId: string, amount: bigint) =>
      any().payments.receive(signedCall({ orderNo, amount, eventId: `${eventId}-${orderNo}`, type: 'chargeback' }));
    await Promise.all([part('a', 3n), part('a', 3n), part('b', 4n), part('b', 4n)]);
    assert.deepEqual(await world.money(userId), { available: AMOUNT - 7n, debt: 0n, transferred: AMOUNT - 7n });
    assert.equal((await part('c', AMOUNT)).reason, 'the payment was taken back by the payment provider');
    await part('d', 1n);
    assert.deepEqual(await world.money(userId), { available: 0n, debt: 0n, transferred: 0n });
    const events = await world.rows(`SELECT outcome FROM payment_events WHERE order_no='${orderNo}' ORDER BY event_id`);
    assert.deepEqual(
      events.map(({ outcome }) => outcome),
      ['chargeback', 'chargeback', 'chargeback_rest', 'already_taken', 'paid'],
    );
    assert.deepEqual(await world.rows(`SELECT charged_back FROM orders WHERE order_no='${orderNo}'`), [
      { charged_back: String(AMOUNT) },
    ]);
  });

  test('orders whose workflow was lost are cancelled by the background job', async () => {
    const userId = await world.user();
    const lost = await Promise.all(Array.from({ length: 5 }, () => any().orders.create(userId, AMOUNT)));
    const fresh = await any().orders.create(userId, AMOUNT);
    const numbers = lost.map(({ orderNo }) => `'${orderNo}'`).join(',');
    await world.sequelize.query(
      `UPDATE orders SET expires_at=NOW(3) - INTERVAL 31 SECOND WHERE order_no IN (${numbers})`,
    );
    assert.equal(await any().orders.expireOverdue(3), 3);
    assert.equal(await any().orders.expireOverdue(100), 2);
    assert.equal(await any().orders.expireOverdue(100), 0);
    for (const { orderNo } of lost) assert.equal((await any().orders.get(orderNo)).status, 'FAILED');
    assert.equal((await any().orders.get(fresh.orderNo)).status, 'PENDING');
    const [plan] = await world.rows(
      "EXPLAIN FORMAT=TRADITIONAL SELECT order_no FROM orders WHERE status='PENDING' AND expires_at <= NOW(3) ORDER BY expires_at LIMIT 10",
    );
    assert.equal(plan?.key, 'ix_orders_status_expiry');
  });

  test('over HTTP: signed, forged, old, of another order; and the sandbox only where it is on', async (context) => {
    const userId = await world.user();
    const owner = bearer(tokenOf(userId));
    const app = await startOrderApp(context, any());
    const sandbox = await startOrderApp(context, await world.process({ settings: { PAYMENT_SANDBOX: 'true' } }));
    const [first, second] = [await any().orders.create(userId, AMOUNT), await any().orders.create(userId, AMOUNT)];
    const body = callbackBody({ orderNo: first.orderNo, amount: AMOUNT, eventId: 'http-1' });
    const pay = async (headers: Record<string, string>) =>
      (await app.post('/v1/orders/pay-success', body, headers)).status;
    const bodyOfOther = callbackBody({ orderNo: second.orderNo, amount: AMOUNT, eventId: 'http-1' });
    assert.equal(await pay({}), 403);
    assert.equal(await pay(owner), 403);
    assert.equal(await pay({ 'x-payment-signature': paymentSignature(body, 0, 'guessed') }), 403);
    assert.equal(await pay({ 'x-payment-signature': paymentSignature(body, 400) }), 403);
    assert.equal(await pay({ 'x-payment-signature': paymentSignature(bodyOfOther) }), 403);
    assert.deepEqual(await world.rows(`SELECT 1 FROM payment_events WHERE event_id='http-1'`), []);
    assert.equal(await pay({ 'x-payment-signature': paymentSignature(body) }), 200);
    assert.equal(await pay({ 'x-payment-signature': paymentSignature(body) }), 200, 'a known event');
    assert.deepEqual(await world.money(userId), { available: AMOUNT, debt: 0n, transferred: AMOUNT });
    const own = await sandbox.post('/v1/orders/pay-success', { orderNo: second.orderNo }, owner);
    assert.match(own.text, /"amount":12\.345678901,.*"status":"COMPLETED"/);
    assert.equal((await world.money(userId)).available, AMOUNT * 2n);
  });

  test('an event of an unknown order is remembered, and answered 404', async () => {
    const call = signedCall({ orderNo: 'nobody', amount: AMOUNT, eventId: 'stray' });
    for (const _ of [1, 2]) {
      await assert.rejects(
        any().payments.receive(call),
        (error) => error instanceof AppError && error.kind === 'notFound',
      );
    }
    const events = await world.rows("SELECT outcome FROM payment_events WHERE event_id='stray'");
    assert.deepEqual(events, [{ outcome: 'unknown_order' }]);
  });
});
