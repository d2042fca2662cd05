/** Any sequence of what can happen to an order leaves its row, its transfers and the account in agreement. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { Operation } from '../../core/ledger/commit-queue/operation.ts';
import {
  ACCOUNT_ID,
  AMOUNT,
  balanceIn,
  ledgerWithOrder,
  notice,
  ORDER_NO,
  orderIn,
  transfersIn,
} from './memory-ledger.fixture.ts';
import { cancelOrder, expireOrder, refundOrder, refundPart } from './order-operations.ts';
import { payOrder, takeBackOrder } from './payment-operations.ts';
import type { PaymentNotice } from './providers/payment-provider.ts';

const settlement = (change: Partial<PaymentNotice>) => ({ notice: notice(change), accountId: ACCOUNT_ID });
const eventId = fc.constantFrom('a', 'b', 'c', 'd');
const bodyHash = fc.constantFrom(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
const amount = fc.constantFrom(AMOUNT, AMOUNT / 4n, AMOUNT * 2n, undefined);

const step: fc.Arbitrary<Operation<unknown>> = fc.oneof(
  fc.record({ eventId, bodyHash, amount }).map((change) => payOrder(settlement(change))),
  fc
    .record({ eventId, bodyHash, amount })
    .map((change) => takeBackOrder(settlement({ ...change, kind: 'chargeback' }))),
  fc.constant(cancelOrder(ORDER_NO, 'cancelled')),
  fc.constant(expireOrder(ORDER_NO)),
  fc.constant(refundOrder({ id: ORDER_NO, accountId: ACCOUNT_ID, note: 'refund' }, true)),
  fc
    .record({ id: fc.constantFrom('ref-1', 'ref-2', 'ref-3'), amount: fc.constantFrom(1n, AMOUNT / 4n, AMOUNT) })
    .map(({ id, amount }) => refundPart(ORDER_NO, { id, accountId: ACCOUNT_ID, note: 'part' }, amount, true)),
);

it('an order, its transfers and its account agree after anything', () => {
  const opening = fc.record({ available: fc.bigInt(0n, AMOUNT), debt: fc.bigInt(0n, AMOUNT) });
  fc.assert(
    fc.property(
      opening,
      fc.array(fc.tuple(step, fc.integer({ min: 0, max: 1_000_000 })), { maxLength: 25 }),
      (from, steps) => {
        const ledger = ledgerWithOrder({}, from.available, from.debt);
        let failedBefore = false;
        for (const [operation, waitMs] of steps) {
          ledger.nowMs += waitMs;
          const before = orderIn(ledger);
          ledger.apply(operation);
          const order = orderIn(ledger);
          failedBefore ||= before.status === 'FAILED';
          if (before.status === 'COMPLETED') assert.equal(order.status, 'COMPLETED', 'a paid order stays paid');
          assert.equal(order.paidLate, order.status === 'COMPLETED' && failedBefore);
          const moved = transfersIn(ledger);
          const kinds = moved.map(({ kind }) => kind);
          assert.equal(kinds.filter((kind) => kind === 'top_up').length, order.status === 'COMPLETED' ? 1 : 0);
          const refunded = moved.filter(({ kind }) => kind === 'refund');
          assert.equal(
            refunded.reduce((total, transfer) => total - transfer.amount, 0n),
            order.refunded ?? 0n,
          );
          const takenBack = moved.filter(({ kind }) => kind === 'chargeback');
          assert.equal(
            takenBack.reduce((total, transfer) => total - transfer.amount, 0n),
            order.chargedBack,
          );
          const balance = balanceIn(ledger);
          const sum = moved.reduce((total, transfer) => total + transfer.amount, from.available - from.debt);
          assert.equal(balance.available - balance.debt, sum);
          assert.ok(balance.available >= 0n && balance.debt >= 0n);
          const given = moved
            .filter(({ amount }) => amount < 0n)
            .reduce((total, transfer) => total - transfer.amount, 0n);
          assert.ok(given <= AMOUNT, 'never more taken back than was paid');
        }
      },
    ),
    { numRuns: 500 },
  );
});
