import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  AMOUNT,
  balanceIn,
  ledgerWithOrder,
  type MemoryLedger,
  notice,
  ORDER_NO,
  orderIn,
  USER_ID,
} from '../../activities/orders/memory-ledger.fixture.ts';
import { memoryOrders, PAYMENT_SECRET } from '../../activities/orders/memory-orders.fixture.ts';
import { signatureOf } from '../../activities/orders/providers/signed/signature.ts';
import { AppError } from '../../infra/errors.ts';
import { openApiDocument } from '../http/openapi.ts';
import { bearer, type OrderApp, startOrderApp, tokenOf } from './order-app.fixture.ts';
import { paymentRoutes } from './payments.ts';

const PAY = '/v1/orders/pay-success';
// The bytes are signed: spaces and the way numbers are written count.
const BODY = `{ "orderNo":"${ORDER_NO}", "amount":10.000000000, "currency":"CNY", "eventId":"evt_1" }`;

function signature(body: string, ageSeconds = 0, secret = PAYMENT_SECRET): Record<string, string> {
  const time = String(Math.floor(Date.now() / 1000) - ageSeconds);
  return { 'x-payment-signature': `t=${time},v1=${signatureOf(secret, time, Buffer.from(body))}` };
}

describe('payment callbacks over HTTP', () => {
  async function serve(
    test: TestContext,
    ledger = ledgerWithOrder(),
  ): Promise<{ ledger: MemoryLedger; app: OrderApp }> {
    return { ledger, app: await startOrderApp(test, memoryOrders(ledger)) };
  }

  it('takes a signed callback, whoever sends it, and the same one again', async (test) => {
    const { ledger, app } = await serve(test);
    const first = await app.post(PAY, BODY, signature(BODY));
    assert.equal(first.status, 200);
    assert.equal(first.json().data?.status, 'COMPLETED');
    const again = await app.post(PAY, BODY, signature(BODY, 10));
    assert.equal(again.status, 200);
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
  });

  it('refuses it without signature, forged, old, or of another order', async (test) => {
    const { ledger, app } = await serve(test);
    const otherOrder = BODY.replace(ORDER_NO, 'another-order');
    const headers = [
      {},
      signature(BODY, 301),
      // Well ahead of the limit: it comes nearer while the calls before it are made.
      signature(BODY, -360),
      signature(BODY, 0, 'a-guess'),
      signature(otherOrder),
      { 'x-payment-signature': 'nonsense' },
      bearer(tokenOf(USER_ID)),
    ];
    for (const header of headers) {
      const answer = await app.post(PAY, BODY, header);
      assert.equal(answer.status, 403, JSON.stringify(header));
      assert.equal(answer.json().code, 403001);
    }
    assert.equal(orderIn(ledger).status, 'PENDING');
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: 0n });
  });

  it('names fields that are missing or do not match', async (test) => {
    const { ledger, app } = await serve(test);
    for (const [body, status, path] of [
      [BODY.replace('"amount":10.000000000, ', ''), 400, 'amount'],
      [BODY.replace(', "eventId":"evt_1"', ''), 400, 'eventId'],
      [BODY.replace('10.000000000', '10.000000001'), 400, 'amount'],
      [BODY.replace('CNY', 'USD').replace('evt_1', 'evt_2'), 400, 'currency'],
      [BODY.replace('evt_1', 'evt 3'), 400, 'eventId'],
    ] as const) {
      const answer = await app.post(PAY, body, signature(body));
      assert.equal(answer.status, status, body);
      assert.match(answer.text, new RegExp(`"path":"${path}"`));
    }
    assert.equal(orderIn(ledger).status, 'PENDING');
  });

  it('knows an event however its JSON is written, and refuses it with another content', async (test) => {
    const { ledger, app } = await serve(test);
    await app.post(PAY, BODY, signature(BODY));
    const rewritten = `{"eventId":"evt_1","currency":"CNY","amount":"10","orderNo":"${ORDER_NO}","more":1}`;
    assert.equal((await app.post(PAY, rewritten, signature(rewritten))).status, 200);
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
    for (const changed of [BODY.replace('10.0', '10.1'), BODY.replace('CNY', 'USD')]) {
      assert.equal((await app.post(PAY, changed, signature(changed))).json().code, 409002);
    }
  });

  it('takes the word of ROOT', async (test) => {
    const { app } = await serve(test);
    const root = bearer(tokenOf(1, 'ROLE_ROOT_ADMIN'));
    const mistyped = await app.post(PAY, { orderNo: ORDER_NO, ammount: 5 }, root);
    assert.equal(mistyped.status, 400);
    assert.match(mistyped.text, /"path":"ammount"/);
    const answer = await app.post(PAY, { orderNo: ORDER_NO }, root);
    assert.equal(answer.json().data?.status, 'COMPLETED');
  });

  it('refuses a token that is not valid', async (test) => {
    const { app } = await serve(test);
    assert.equal((await app.post(PAY, { orderNo: ORDER_NO }, bearer('forged'))).status, 401);
  });

  it('takes payments back: available first, then debt', async (test) => {
    const { ledger, app } = await serve(test, ledgerWithOrder({ status: 'COMPLETED' }, AMOUNT / 4n));
    const path = '/v1/payments/chargeback';
    assert.equal((await app.post(path, BODY, signature(BODY))).status, 400, 'a payment is no chargeback');
    const body = BODY.replace('evt_1', 'evt_9').replace('{ ', '{ "type":"chargeback",');
    assert.equal((await app.post(path, body, {})).status, 403);
    assert.equal((await app.post(path, body, signature(body))).status, 200);
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: (AMOUNT / 4n) * 3n });
  });
});

describe("Alipay's notification over HTTP", () => {
  const path = '/v1/payments/alipay/notify';
  const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };

  async function answerOf(test: TestContext, read: () => ReturnType<typeof notice>) {
    const ledger = ledgerWithOrder();
    const app = await startOrderApp(test, memoryOrders(ledger, { alipay: { name: 'alipay', read } }));
    const answer = await app.post(path, 'a=1&b=2', form);
    return { ...answer, order: orderIn(ledger) };
  }

  it('answers the word success, in plain text', async (test) => {
    const answer = await answerOf(test, () => notice({ provider: 'alipay' }));
    assert.equal(answer.status, 200);
    assert.equal(answer.text, 'success');
    assert.equal(answer.order.status, 'COMPLETED');
  });

  it('answers fail to what is not signed or does not match', async (test) => {
    const forged = await answerOf(test, () => {
      throw new AppError('forbidden', 'not signed');
    });
    assert.deepEqual([forged.status, forged.text], [403, 'fail']);
    const mismatch = await answerOf(test, () => notice({ provider: 'alipay', amount: 1n }));
    assert.deepEqual([mismatch.status, mismatch.text], [400, 'fail']);
    assert.equal(mismatch.order.status, 'PENDING');
  });
});

it('the document says how to sign', () => {
  const routes = paymentRoutes(memoryOrders(ledgerWithOrder()), { APP_TIME_ZONE: 'UTC' });
  const text = JSON.stringify(openApiDocument(routes));
  assert.match(text, /X-Payment-Signature: t=<unix seconds>,v1=<hex>/);
});
