import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ACCOUNT_ID,
  AMOUNT,
  balanceIn,
  ledgerWithOrder,
  ORDER_NO,
  orderIn,
  START_MS,
  transfersIn,
} from './memory-ledger.fixture.ts';
import { refundOrder } from './order-operations.ts';

const refund = (note = 'not needed') => refundOrder({ id: ORDER_NO, accountId: ACCOUNT_ID, note });
const paid = { status: 'COMPLETED', paidAtMs: START_MS } as const;

describe('refundOrder', () => {
  it('gives the whole amount back when it is available', () => {
    const ledger = ledgerWithOrder(paid, AMOUNT + 5n);
    assert.deepEqual(ledger.apply(refund()), { kind: 'refunded', amount: AMOUNT });
    assert.deepEqual(balanceIn(ledger), { available: 5n, debt: 0n });
    assert.equal(orderIn(ledger).refunded, AMOUNT);
    assert.equal(orderIn(ledger).reason, 'not needed');
    assert.equal(orderIn(ledger).status, 'COMPLETED');
  });

  it('gives back at most what is available, once', () => {
    const ledger = ledgerWithOrder(paid, 7n);
    assert.deepEqual(ledger.apply(refund()), { kind: 'refunded', amount: 7n });
    assert.deepEqual(ledger.apply(refund('again')), { kind: 'refunded-before' });
    assert.deepEqual(transfersIn(ledger), [{ kind: 'refund', amount: -7n }]);
    assert.equal(orderIn(ledger).reason, 'not needed');
  });

  it('does not use up the one refund while nothing is available', () => {
    const ledger = ledgerWithOrder(paid, 0n);
    assert.deepEqual(ledger.apply(refund()), { kind: 'nothing-available' });
    assert.equal(orderIn(ledger).refunded, null);
    assert.deepEqual(transfersIn(ledger), []);
  });

  it('is refused for an order that is not paid, and for one of another account', () => {
    for (const status of ['PENDING', 'FAILED'] as const) {
      assert.deepEqual(ledgerWithOrder({ status }, AMOUNT).apply(refund()), { kind: 'not-paid' });
    }
    assert.deepEqual(ledgerWithOrder({ ...paid, accountId: 71 }, AMOUNT).apply(refund()), { kind: 'unknown' });
  });
});
