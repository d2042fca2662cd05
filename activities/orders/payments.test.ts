import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Role, UserCaller } from '../../core/accounts/caller.ts';
import { AppError } from '../../infra/errors.ts';
import {
  AMOUNT,
  balanceIn,
  ledgerWithOrder,
  notice,
  ORDER_NO,
  orderIn,
  pendingOrder,
  USER_ID,
  WORKFLOW_ID,
} from './memory-ledger.fixture.ts';
import { memoryOrders, PAYMENT_SECRET } from './memory-orders.fixture.ts';
import { orders } from './order.ts';
import { paymentEventKey, paymentEvents } from './payment-event-table.ts';
import type { PaymentCall } from './payments.ts';
import type { CallbackFields, PaymentNotice } from './providers/payment-provider.ts';
import { signatureOf } from './providers/signed/signature.ts';

function user(userId: number, role: Role = 'ROLE_USER'): UserCaller {
  return { kind: 'user', userId, username: 'someone', role, tokenVersion: 1 };
}
const root = user(1, 'ROLE_ROOT_ADMIN');
const owner = user(USER_ID);

function call(change: Partial<PaymentCall> & { fields?: CallbackFields } = {}): PaymentCall {
  const fields = { orderNo: ORDER_NO, amount: undefined, currency: undefined, eventId: undefined, type: undefined };
  return { kind: 'payment', signature: '', caller: undefined, fields, rawBody: Buffer.from('{}'), ...change };
}

const full = { orderNo: ORDER_NO, amount: AMOUNT, currency: 'CNY', eventId: 'event-1', type: undefined };
function signedCall(fields: CallbackFields = full, body = JSON.stringify({ ...fields, amount: '10' })): PaymentCall {
  const rawBody = Buffer.from(body);
  const time = String(Math.floor(Date.now() / 1000));
  return call({ signature: `t=${time},v1=${signatureOf(PAYMENT_SECRET, time, rawBody)}`, fields, rawBody });
}

function refused(kind: string, path?: string) {
  return (error: unknown) =>
    error instanceof AppError &&
    error.kind === kind &&
    (path === undefined || error.details.errors?.[0]?.path === path);
}

describe('Payments: whose word counts', () => {
  it('a good signature, without any token', async () => {
    const ledger = ledgerWithOrder();
    const { payments, signalled } = memoryOrders(ledger);
    assert.equal((await payments.receive(signedCall())).status, 'COMPLETED');
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
    assert.deepEqual(signalled, [WORKFLOW_ID]);
  });

  it('a ROOT user', async () => {
    const ledger = ledgerWithOrder();
    const { payments } = memoryOrders(ledger);
    assert.equal((await payments.receive(call({ caller: root }))).status, 'COMPLETED');
    await payments.receive(call({ caller: root }));
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n }, 'once');
    for (let time = 0; time < 2; time += 1) await payments.receive(call({ caller: root, kind: 'chargeback' }));
    const records = ledger.appended.filter((sql) => sql.includes('audit_log'));
    assert.deepEqual(
      records.map((sql) => /'(orders\.[\w-]+)'/.exec(sql)?.[1]),
      ['orders.pay-success', 'orders.chargeback'],
    );
  });

  it('nobody else', async () => {
    const ledger = ledgerWithOrder();
    const { payments, signalled } = memoryOrders(ledger);
    for (const caller of [undefined, owner, user(2, 'ROLE_MODEL_ADMIN')]) {
      await assert.rejects(payments.receive(call({ caller })), refused('forbidden'));
    }
    assert.equal(orderIn(ledger).status, 'PENDING');
    assert.deepEqual(signalled, []);
  });

  it('a bad signature is refused even beside a ROOT token or in the sandbox', async () => {
    const ledger = ledgerWithOrder();
    const { payments } = memoryOrders(ledger, { sandbox: true });
    for (const caller of [root, owner]) {
      const forged = { ...signedCall(), rawBody: Buffer.from('{"changed":1}'), caller };
      await assert.rejects(payments.receive(forged), refused('forbidden'));
    }
    assert.equal(orderIn(ledger).status, 'PENDING');
    assert.deepEqual(ledger.all(paymentEvents), [], 'an event without proof uses up no id');
  });

  it('in the sandbox the owner, for its own order only, and for no chargeback', async () => {
    const ledger = ledgerWithOrder();
    const { payments } = memoryOrders(ledger, { sandbox: true });
    await assert.rejects(payments.receive(call({ caller: user(8) })), refused('notFound'));
    await assert.rejects(payments.receive(call()), refused('forbidden'));
    await assert.rejects(payments.receive(call({ caller: owner, kind: 'chargeback' })), refused('forbidden'));
    const wrong = { ...call().fields, amount: AMOUNT * 2n };
    await assert.rejects(
      payments.receive(call({ caller: owner, fields: wrong })),
      refused('invalidParameter', 'amount'),
    );
    assert.equal((await payments.receive(call({ caller: owner }))).status, 'COMPLETED');
  });
});

describe('Payments: chargebacks', () => {
  const takeBack = (eventId: string | undefined, amount: bigint | undefined) =>
    call({ kind: 'chargeback', caller: root, fields: { ...call().fields, eventId, amount } });

  it('about more than is left are booked as far as it goes, with a warning', async () => {
    const ledger = ledgerWithOrder({ status: 'COMPLETED' }, AMOUNT);
    const { payments, warnings } = memoryOrders(ledger);
    await payments.receive(takeBack('part', AMOUNT / 4n));
    assert.deepEqual(warnings, []);
    await payments.receive(takeBack('whole', AMOUNT));
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: 0n });
    assert.match(warnings.join(), /"unbooked":"2\.5"/);
    await payments.receive(takeBack('once-more', AMOUNT));
    assert.match(warnings.at(-1) ?? '', /"amount":"0","unbooked":"10"/);
  });

  it('of ROOT name their event where they name an amount, so that a repetition takes no second part', async () => {
    const ledger = ledgerWithOrder({ status: 'COMPLETED' }, AMOUNT);
    const { payments } = memoryOrders(ledger);
    const part = takeBack(undefined, AMOUNT / 4n);
    await assert.rejects(payments.receive(part), refused('missingParameter', 'eventId'));
    await assert.rejects(payments.receive(takeBack('nothing', 0n)), refused('invalidParameter', 'amount'));
    for (let time = 0; time < 2; time += 1) await payments.receive(takeBack(undefined, undefined));
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: 0n });
  });
});

describe('Payments: ids of events', () => {
  it('in the sandbox are those of each user: one of another user takes nothing', async () => {
    const ledger = ledgerWithOrder();
    const other = { orderNo: 'other-order', userId: 8 };
    ledger.put(orders, other.orderNo, pendingOrder(other));
    const { payments } = memoryOrders(ledger, { sandbox: true });
    const pay = (caller: UserCaller, orderNo: string) => {
      const fields = { ...call().fields, orderNo, eventId: 'event-1' };
      return payments.receive(call({ caller, fields, rawBody: Buffer.from(JSON.stringify(fields)) }));
    };
    assert.equal((await pay(user(8), other.orderNo)).status, 'COMPLETED');
    assert.equal((await pay(owner, ORDER_NO)).status, 'COMPLETED');
    await assert.rejects(pay(owner, other.orderNo), refused('notFound'));
    const sources = ledger.all(paymentEvents).map((event) => `${event.provider} ${event.orderNo}`);
    assert.deepEqual(sources.sort(), [`sandbox:${USER_ID} ${ORDER_NO}`, 'sandbox:8 other-order']);
  });
});

describe('Payments: what an event does', () => {
  it('a known event answers the order and credits nothing', async () => {
    const ledger = ledgerWithOrder();
    const { payments, signalled } = memoryOrders(ledger);
    await payments.receive(signedCall());
    assert.equal((await payments.receive(signedCall())).status, 'COMPLETED');
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
    assert.deepEqual(signalled, [WORKFLOW_ID]);
  });

  it('a known event with another content is refused, one that is only written otherwise is not', async () => {
    const ledger = ledgerWithOrder();
    const { payments } = memoryOrders(ledger);
    await payments.receive(signedCall());
    const other = signedCall({ ...full, currency: 'USD' });
    await assert.rejects(payments.receive(other), refused('idempotencyMismatch'));
    assert.equal((await payments.receive(signedCall(full, '{"other":"bytes"}'))).status, 'COMPLETED');
  });

  it('another amount or currency is refused by the name of the field', async () => {
    const ledger = ledgerWithOrder();
    const { payments } = memoryOrders(ledger);
    const amount = signedCall({ ...full, amount: 1n });
    const currency = signedCall({ ...full, currency: 'USD', eventId: 'event-2' });
    await assert.rejects(payments.receive(amount), refused('invalidParameter', 'amount'));
    await assert.rejects(payments.receive(currency), refused('invalidParameter', 'currency'));
    assert.equal(orderIn(ledger).status, 'PENDING');
  });

  it('a payment that the balance cannot hold is refused and on record', async () => {
    const ledger = ledgerWithOrder({}, 9_000_000_000_000_000_000n);
    const { payments } = memoryOrders(ledger);
    await assert.rejects(payments.receive(signedCall()), refused('illegalState'));
    assert.equal(ledger.get(paymentEvents, paymentEventKey(notice()))?.outcome, 'balance_limit');
  });

  it('an event of an order that we do not know is remembered', async () => {
    const ledger = ledgerWithOrder();
    const { payments } = memoryOrders(ledger);
    await assert.rejects(payments.receive(signedCall({ ...full, orderNo: 'nobody' })), refused('notFound'));
    assert.equal(ledger.get(paymentEvents, paymentEventKey(notice()))?.outcome, 'unknown_order');
  });

  it('a chargeback before the payment is refused as illegal', async () => {
    const { payments } = memoryOrders(ledgerWithOrder());
    await assert.rejects(payments.receive(call({ caller: root, kind: 'chargeback' })), refused('illegalState'));
  });
});

describe('Payments: Alipay', () => {
  const alipay = (notice: PaymentNotice) => ({ name: 'alipay', read: () => notice }) as const;

  it('settles what it reads', async () => {
    const ledger = ledgerWithOrder();
    const { payments } = memoryOrders(ledger, { alipay: alipay(notice({ provider: 'alipay' })) });
    await payments.receiveAlipay(Buffer.from(''));
    assert.equal(orderIn(ledger).status, 'COMPLETED');
  });

  it('credits what it hears of only by a refund, with a warning, and only when it is not paid yet', async () => {
    const ledger = ledgerWithOrder();
    const partly = notice({ provider: 'alipay', kind: 'partly-refunded', note: 'of it refunded: 1.00' });
    const { payments, signalled, warnings } = memoryOrders(ledger, { alipay: alipay(partly) });
    await payments.receiveAlipay(Buffer.from(''));
    assert.equal(orderIn(ledger).status, 'COMPLETED');
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
    assert.deepEqual(signalled, [WORKFLOW_ID]);
    assert.match(warnings.join(), /of it refunded: 1\.00/);
    const second = memoryOrders(ledger, { alipay: alipay({ ...partly, eventId: 'event-2' }) });
    await second.payments.receiveAlipay(Buffer.from(''));
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
    assert.deepEqual(second.warnings, []);
    assert.equal(
      ledger.get(paymentEvents, paymentEventKey({ provider: 'alipay', eventId: 'event-2' }))?.outcome,
      'ignored',
    );
  });

  it('only remembers what is no payment', async () => {
    const ledger = ledgerWithOrder();
    const other = notice({ provider: 'alipay', kind: 'other' });
    const { payments } = memoryOrders(ledger, { alipay: alipay(other) });
    await payments.receiveAlipay(Buffer.from(''));
    assert.equal(orderIn(ledger).status, 'PENDING');
    assert.equal(ledger.get(paymentEvents, paymentEventKey(other))?.outcome, 'ignored');
  });

  it('is refused where it is not set up', async () => {
    const { payments } = memoryOrders(ledgerWithOrder());
    await assert.rejects(payments.receiveAlipay(Buffer.from('')), refused('forbidden'));
  });
});
