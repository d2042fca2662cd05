import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accounts } from '../../core/ledger/tables/accounts.ts';
import {
  ACCOUNT_ID,
  AMOUNT,
  balanceIn,
  ledgerWithOrder,
  MemoryLedger,
  notice,
  ORDER_NO,
  orderIn,
  START_MS,
  transfersIn,
} from './memory-ledger.fixture.ts';
import { cancelOrder, refundOrder } from './order-operations.ts';
import { paymentEventKey, paymentEvents } from './payment-event-table.ts';
import { payOrder, recordEvent, type Settlement, takeBackOrder } from './payment-operations.ts';
import type { PaymentNotice } from './providers/payment-provider.ts';

function settlement(change: Partial<PaymentNotice> = {}): Settlement {
  return { notice: notice(change), accountId: ACCOUNT_ID };
}
const takeBack = (change: Partial<PaymentNotice> = {}) =>
  takeBackOrder(settlement({ kind: 'chargeback', eventId: 'back-1', ...change }));
const paid = { status: 'COMPLETED', paidAtMs: START_MS } as const;

function eventOutcome(ledger: MemoryLedger, eventId: string): string | undefined {
  return ledger.get(paymentEvents, paymentEventKey(notice({ eventId })))?.outcome;
}

describe('payOrder', () => {
  it('credits the amount and completes the order', () => {
    const ledger = ledgerWithOrder({}, 3n);
    assert.deepEqual(ledger.apply(payOrder(settlement())), { kind: 'settled', late: false });
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT + 3n, debt: 0n });
    const order = orderIn(ledger);
    assert.equal(order.status, 'COMPLETED');
    assert.equal(order.paidAtMs, START_MS);
    assert.equal(order.paidLate, false);
    assert.equal(eventOutcome(ledger, 'event-1'), 'paid');
    assert.deepEqual(transfersIn(ledger), [{ kind: 'top_up', amount: AMOUNT }]);
  });

  it('credits a cancelled order too, and marks it late', () => {
    const ledger = ledgerWithOrder();
    ledger.apply(cancelOrder(ORDER_NO, 'not paid in time'));
    assert.deepEqual(ledger.apply(payOrder(settlement())), { kind: 'settled', late: true });
    assert.equal(orderIn(ledger).paidLate, true);
    assert.equal(orderIn(ledger).reason, null);
    assert.equal(eventOutcome(ledger, 'event-1'), 'paid_late');
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
  });

  it('pays a debt first', () => {
    const ledger = ledgerWithOrder({}, 0n, 4_000_000_000n);
    ledger.apply(payOrder(settlement()));
    assert.deepEqual(balanceIn(ledger), { available: 6_000_000_000n, debt: 0n });
  });

  it('credits once, whether the event or the payment comes twice', () => {
    const ledger = ledgerWithOrder();
    ledger.apply(payOrder(settlement()));
    assert.deepEqual(ledger.apply(payOrder(settlement())), { kind: 'done-before' });
    assert.equal(eventOutcome(ledger, 'event-1'), 'paid', 'what it did stays on record');
    assert.deepEqual(ledger.apply(payOrder(settlement({ eventId: 'event-2' }))), { kind: 'done-before' });
    assert.equal(eventOutcome(ledger, 'event-2'), 'already_paid');
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
    assert.equal(orderIn(ledger).paidLate, false);
  });

  it('refuses a known event with another body', () => {
    const ledger = ledgerWithOrder();
    ledger.apply(payOrder(settlement({ amount: 1n })));
    const outcome = ledger.apply(payOrder(settlement({ bodyHash: Buffer.alloc(32, 2) })));
    assert.deepEqual(outcome, { kind: 'other-body' });
    assert.equal(orderIn(ledger).status, 'PENDING');
    assert.deepEqual(transfersIn(ledger), []);
  });

  it('refuses another amount or currency, and remembers that', () => {
    const ledger = ledgerWithOrder();
    const less = payOrder(settlement({ eventId: 'less', amount: AMOUNT - 1n }));
    const more = payOrder(settlement({ eventId: 'more', amount: AMOUNT + 1n }));
    const dollars = payOrder(settlement({ eventId: 'dollars', currency: 'USD' }));
    assert.deepEqual(ledger.apply(less), { kind: 'refused', why: 'amount_mismatch' });
    assert.deepEqual(ledger.apply(more), { kind: 'refused', why: 'amount_mismatch' });
    assert.deepEqual(ledger.apply(dollars), { kind: 'refused', why: 'currency_mismatch' });
    assert.deepEqual(ledger.apply(less), { kind: 'refused', why: 'amount_mismatch' }, 'the same again');
    assert.equal(eventOutcome(ledger, 'more'), 'amount_mismatch');
    assert.equal(eventOutcome(ledger, 'dollars'), 'currency_mismatch');
    assert.equal(orderIn(ledger).status, 'PENDING');
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: 0n });
  });

  it('refuses what the balance cannot hold, remembers that, and credits it when there is room again', () => {
    const full = 9_000_000_000_000_000_000n;
    const ledger = ledgerWithOrder({}, full);
    assert.deepEqual(ledger.apply(payOrder(settlement())), { kind: 'refused', why: 'balance_limit' });
    assert.equal(eventOutcome(ledger, 'event-1'), 'balance_limit');
    assert.equal(orderIn(ledger).status, 'PENDING');
    ledger.put(accounts, String(ACCOUNT_ID), { id: ACCOUNT_ID, available: 0n, debt: 0n, pendingGrant: null });
    assert.equal(ledger.apply(payOrder(settlement())).kind, 'settled');
    assert.equal(eventOutcome(ledger, 'event-1'), 'paid');
  });

  it('takes the amount of the order where the caller is the proof and names none', () => {
    const ledger = ledgerWithOrder();
    const outcome = ledger.apply(payOrder(settlement({ provider: 'root', amount: undefined, currency: undefined })));
    assert.equal(outcome.kind, 'settled');
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
  });

  it('never credits another account than the order names', () => {
    const ledger = ledgerWithOrder({ accountId: 71 });
    assert.throws(() => ledger.apply(payOrder(settlement())), /of account 70 does not exist/);
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: 0n });
    assert.equal(eventOutcome(ledger, 'event-1'), undefined);
  });
});

describe('takeBackOrder', () => {
  it('takes what is available and books the rest as debt, once', () => {
    const ledger = ledgerWithOrder(paid, 4_000_000_000n);
    assert.deepEqual(ledger.apply(takeBack()), { kind: 'taken-back', amount: AMOUNT, unbooked: 0n });
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: 6_000_000_000n });
    assert.deepEqual(ledger.apply(takeBack()), { kind: 'done-before' });
    const again = takeBack({ eventId: 'back-2' });
    assert.deepEqual(ledger.apply(again), { kind: 'taken-back', amount: 0n, unbooked: AMOUNT });
    assert.equal(eventOutcome(ledger, 'back-2'), 'already_taken');
    const unnamed = takeBack({ provider: 'root', eventId: 'back-3', amount: undefined });
    assert.deepEqual(ledger.apply(unnamed), { kind: 'done-before' });
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: 6_000_000_000n });
    assert.match(orderIn(ledger).reason ?? '', /taken back/);
    assert.equal(orderIn(ledger).status, 'COMPLETED');
  });

  it('takes parts, each event once, until nothing is left of the order', () => {
    const ledger = ledgerWithOrder(paid, 20_000_000_000n);
    const part = takeBack({ eventId: 'part', amount: 3_000_000_000n });
    assert.deepEqual(ledger.apply(part), { kind: 'taken-back', amount: 3_000_000_000n, unbooked: 0n });
    assert.match(orderIn(ledger).reason ?? '', /^a part of the payment was taken back/);
    assert.deepEqual(ledger.apply(part), { kind: 'done-before' });
    const rest = takeBack({ eventId: 'rest', amount: 7_000_000_000n });
    assert.deepEqual(ledger.apply(rest), { kind: 'taken-back', amount: 7_000_000_000n, unbooked: 0n });
    assert.match(orderIn(ledger).reason ?? '', /^the payment was taken back/);
    assert.equal(orderIn(ledger).chargedBack, AMOUNT);
    assert.deepEqual(balanceIn(ledger), { available: 10_000_000_000n, debt: 0n });
    assert.deepEqual(transfersIn(ledger), [
      { kind: 'chargeback', amount: -3_000_000_000n },
      { kind: 'chargeback', amount: -7_000_000_000n },
    ]);
  });

  it('books the rest where more than is left is reported, and marks that', () => {
    const ledger = ledgerWithOrder({ ...paid, refunded: 4_000_000_000n }, 20_000_000_000n);
    const whole = takeBack({ eventId: 'whole' });
    const outcome = { kind: 'taken-back', amount: 6_000_000_000n, unbooked: 4_000_000_000n };
    assert.deepEqual(ledger.apply(whole), outcome);
    assert.equal(eventOutcome(ledger, 'whole'), 'chargeback_rest');
    assert.deepEqual(balanceIn(ledger), { available: 14_000_000_000n, debt: 0n });
    assert.deepEqual(ledger.apply(whole), { kind: 'done-before' });
    assert.deepEqual(balanceIn(ledger), { available: 14_000_000_000n, debt: 0n });
  });

  it('takes no more than was paid and not given back', () => {
    const ledger = ledgerWithOrder({ ...paid, refunded: 4_000_000_000n }, 20_000_000_000n);
    const nothing = takeBack({ eventId: 'nothing', amount: 0n });
    assert.deepEqual(ledger.apply(nothing), { kind: 'refused', why: 'amount_mismatch' });
    const rest = takeBack({ eventId: 'rest', amount: 6_000_000_000n });
    assert.deepEqual(ledger.apply(rest), { kind: 'taken-back', amount: 6_000_000_000n, unbooked: 0n });
    assert.deepEqual(balanceIn(ledger), { available: 14_000_000_000n, debt: 0n });
  });

  it('refuses another currency', () => {
    const ledger = ledgerWithOrder(paid, AMOUNT);
    assert.deepEqual(ledger.apply(takeBack({ currency: 'USD' })), { kind: 'refused', why: 'currency_mismatch' });
  });

  it('that comes before its payment is refused, and done when it comes again', () => {
    const ledger = ledgerWithOrder();
    assert.deepEqual(ledger.apply(takeBack()), { kind: 'refused', why: 'not_paid' });
    assert.equal(eventOutcome(ledger, 'back-1'), 'not_paid');
    ledger.apply(payOrder(settlement()));
    assert.equal(ledger.apply(takeBack()).kind, 'taken-back');
    assert.equal(eventOutcome(ledger, 'back-1'), 'chargeback');
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: 0n });
  });

  it('leaves no refund to be had afterwards', () => {
    const ledger = ledgerWithOrder(paid, 20_000_000_000n);
    ledger.apply(takeBack());
    const refund = refundOrder({ id: ORDER_NO, accountId: ACCOUNT_ID, note: 'wish' }, true);
    assert.deepEqual(ledger.apply(refund), { kind: 'taken-back' });
    assert.deepEqual(balanceIn(ledger), { available: 10_000_000_000n, debt: 0n });
  });
});

describe('recordEvent', () => {
  it('remembers an event without touching anything else, and keeps the first outcome', () => {
    const ledger = new MemoryLedger();
    ledger.apply(recordEvent(notice({ orderNo: 'nobody' }), 'unknown_order'));
    ledger.apply(recordEvent(notice({ orderNo: 'nobody' }), 'ignored'));
    assert.equal(eventOutcome(ledger, 'event-1'), 'unknown_order');
    assert.deepEqual(transfersIn(ledger), []);
  });
});
