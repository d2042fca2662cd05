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
import { refundOrder, refundPart } from './order-operations.ts';

const refund = (note = 'not needed', isAllBack = true) =>
  refundOrder({ id: ORDER_NO, accountId: ACCOUNT_ID, note }, isAllBack);
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

  it('is not short while money of the account is still leased', () => {
    for (const available of [0n, 7n, AMOUNT - 1n]) {
      const ledger = ledgerWithOrder(paid, available);
      assert.deepEqual(ledger.apply(refund('too early', false)), { kind: 'leased' });
      assert.deepEqual([orderIn(ledger).refunded, transfersIn(ledger)], [null, []]);
    }
    const ledger = ledgerWithOrder(paid, AMOUNT);
    assert.deepEqual(ledger.apply(refund('all is there', false)), { kind: 'refunded', amount: AMOUNT });
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

describe('refundPart', () => {
  const part = (amount: bigint, id = `ref-${amount}`) =>
    refundPart(ORDER_NO, { id, accountId: ACCOUNT_ID, note: 'part' }, amount, true);

  it('gives exactly the part back, once for each id, until nothing is left', () => {
    const ledger = ledgerWithOrder(paid, AMOUNT * 2n);
    assert.deepEqual(ledger.apply(part(4n)), { kind: 'refunded', amount: 4n });
    assert.deepEqual(ledger.apply(part(4n)), { kind: 'refunded', amount: 4n }, 'reported again');
    assert.equal(orderIn(ledger).refunded, 4n);
    assert.deepEqual(ledger.apply(part(AMOUNT - 3n)), { kind: 'too-much', left: AMOUNT - 4n });
    assert.deepEqual(ledger.apply(part(AMOUNT - 4n)), { kind: 'refunded', amount: AMOUNT - 4n });
    assert.deepEqual(ledger.apply(part(1n)), { kind: 'refunded-before' });
    assert.deepEqual(ledger.apply(refund()), { kind: 'refunded-before' });
    assert.deepEqual(balanceIn(ledger), { available: AMOUNT, debt: 0n });
    assert.equal(ledger.appended.filter((sql) => sql.includes('partial_refunds')).length, 2);
  });

  it('leaves the rest to a refund without an amount, which is the last', () => {
    const ledger = ledgerWithOrder(paid, AMOUNT);
    ledger.apply(part(4n));
    assert.deepEqual(ledger.apply(refund()), { kind: 'refunded', amount: AMOUNT - 4n });
    assert.equal(orderIn(ledger).refunded, AMOUNT);
    assert.deepEqual(balanceIn(ledger), { available: 0n, debt: 0n });
    const short = ledgerWithOrder(paid, 7n);
    short.apply(refund());
    assert.deepEqual(short.apply(part(1n)), { kind: 'refunded-before' });
  });

  it('is refused where the account has less, and changes nothing', () => {
    const ledger = ledgerWithOrder(paid, 3n);
    assert.deepEqual(ledger.apply(part(4n)), { kind: 'insufficient', available: 3n });
    assert.equal(orderIn(ledger).refunded, null);
    assert.deepEqual(transfersIn(ledger), []);
    assert.deepEqual(ledgerWithOrder({ ...paid, chargedBack: 1n }, AMOUNT).apply(part(1n)), { kind: 'taken-back' });
    assert.deepEqual(ledgerWithOrder({ status: 'FAILED' }, AMOUNT).apply(part(1n)), { kind: 'not-paid' });
  });

  it('is not done again under a key of more than a day ago', () => {
    const ledger = ledgerWithOrder(paid, AMOUNT);
    ledger.apply(part(4n));
    ledger.nowMs += 25 * 3_600_000;
    assert.deepEqual(ledger.apply(part(4n)), { kind: 'done-long-ago', atMs: START_MS });
    assert.equal(orderIn(ledger).refunded, 4n);
  });
});
