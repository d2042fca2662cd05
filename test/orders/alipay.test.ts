import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startOrderApp } from '../../api/routes/order-app.fixture.ts';
import { type OrderProcess, type OrderWorld, orderWorld } from './order-world.ts';

const AMOUNT = 10_500_000_000n;
const APP_ID = '2021000000000001';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** A notification as Alipay sends it: the sorted `name=value` pairs signed with SHA-256 and RSA. */
function form(change: Record<string, string>): string {
  const fields: Record<string, string> = {
    app_id: APP_ID,
    charset: 'utf-8',
    notify_time: '2026-11-24 16:00:00',
    notify_type: 'trade_status_sync',
    subject: '充值 & more',
    total_amount: '10.50',
    trade_no: '2026112422001004330000121536',
    trade_status: 'TRADE_SUCCESS',
    ...change,
  };
  const text = Object.keys(fields)
    .sort()
    .map((name) => `${name}=${fields[name]}`)
    .join('&');
  const sign = createSign('RSA-SHA256').update(text, 'utf8').sign(privateKey, 'base64');
  return new URLSearchParams({ ...fields, sign, sign_type: 'RSA2' }).toString();
}

describe("Alipay's notifications on the real database", () => {
  let world: OrderWorld;
  let process: OrderProcess;
  before(async () => {
    world = await orderWorld('orders_alipay_test');
    const ALIPAY_PUBLIC_KEY = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    process = await world.process({ settings: { ALIPAY_APP_ID: APP_ID, ALIPAY_PUBLIC_KEY } });
  });
  after(() => world.close());

  test('credits once, however often it is sent; fails what does not match; leaves other states alone', async (context) => {
    const app = await startOrderApp(context, process);
    const userId = await world.user();
    const [{ orderNo }, other] = [
      await process.orders.create(userId, AMOUNT),
      await process.orders.create(userId, AMOUNT),
    ];
    const send = async (body: string) => {
      const type = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
      return (await app.post('/v1/payments/alipay/notify', body, type)).text;
    };
    assert.equal(
      await send(form({ notify_id: 'n1', out_trade_no: orderNo, trade_status: 'WAIT_BUYER_PAY' })),
      'success',
    );
    assert.equal((await process.orders.get(orderNo)).status, 'PENDING');
    assert.equal(await send(form({ notify_id: 'n2', out_trade_no: other.orderNo, total_amount: '10.49' })), 'fail');
    assert.equal(await send(form({ notify_id: 'n3', out_trade_no: 'nobody' })), 'fail');
    assert.equal(await send(form({ notify_id: 'n4', out_trade_no: orderNo }).replace('10.50', '99.50')), 'fail');
    const repeated = ['16:00:00', '16:04:00', '16:14:00'].map((time) =>
      form({ notify_id: 'n5', out_trade_no: orderNo, notify_time: `2026-11-24 ${time}` }),
    );
    assert.deepEqual(await Promise.all(repeated.map(send)), ['success', 'success', 'success']);
    const finished = form({ notify_id: 'n6', out_trade_no: orderNo, trade_status: 'TRADE_FINISHED' });
    assert.equal(await send(finished), 'success');
    assert.deepEqual(await world.money(userId), { available: AMOUNT, debt: 0n, transferred: AMOUNT });
    assert.equal((await process.orders.get(other.orderNo)).status, 'PENDING');
    const refund = (change: Record<string, string>) => send(form({ refund_fee: '1.00', ...change }));
    assert.equal(await refund({ notify_id: 'n7', out_trade_no: orderNo }), 'success');
    assert.equal((await world.money(userId)).available, AMOUNT);
    assert.equal(await refund({ notify_id: 'n8', out_trade_no: other.orderNo }), 'success');
    assert.equal((await process.orders.get(other.orderNo)).status, 'COMPLETED', 'its payment was news to us');
    assert.equal((await world.money(userId)).available, AMOUNT * 2n);
    const events = await world.rows('SELECT event_id,outcome FROM payment_events ORDER BY event_id');
    assert.deepEqual(
      events.map(({ event_id, outcome }) => `${event_id} ${outcome}`),
      [
        ...['n1 ignored', 'n2 amount_mismatch', 'n3 unknown_order', 'n5 paid', 'n6 already_paid'],
        ...['n7 ignored', 'n8 paid'],
      ],
    );
    const [transfer] = await world.rows(`SELECT note FROM transfers WHERE id='${orderNo}'`);
    assert.equal(transfer?.note, 'Alipay trade 2026112422001004330000121536');
  });
});
