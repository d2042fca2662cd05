import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { AppError } from '../../../../infra/errors.ts';
import type { CallbackFields } from '../payment-provider.ts';
import { signatureOf } from './signature.ts';
import { SignedCallbacks } from './signed-callback.ts';

const SECRET = 'a-secret-of-the-test';
const NOW_MS = 1_795_000_000_000;
const callbacks = new SignedCallbacks(SECRET, () => NOW_MS);
const rawBody = Buffer.from('{"any":"bytes"}');
const signature = `t=1795000000,v1=${signatureOf(SECRET, '1795000000', rawBody)}`;
const fields: CallbackFields = { orderNo: 'o1', amount: 5n, currency: 'CNY', eventId: 'e1', type: undefined };

function refused(kind: string, path?: string) {
  return (error: unknown) =>
    error instanceof AppError &&
    error.kind === kind &&
    (path === undefined || error.details.errors?.[0]?.path === path);
}

describe('SignedCallbacks', () => {
  it('reads a signed payment', () => {
    const notice = callbacks.read({ signature, rawBody, fields, kind: 'payment' });
    assert.equal(notice.provider, 'signed');
    assert.equal(notice.kind, 'payment');
    assert.equal(notice.orderNo, 'o1');
    assert.equal(notice.amount, 5n);
    assert.equal(notice.eventId, 'e1');
    assert.equal(notice.payerId, undefined);
    assert.deepEqual(notice.bodyHash, createHash('sha256').update(rawBody).digest());
  });

  it('refuses a bad signature before it looks at the fields', () => {
    const forged = { signature: `t=1795000000,v1=${'0'.repeat(64)}`, rawBody, kind: 'payment' } as const;
    assert.throws(() => callbacks.read({ ...forged, fields: { ...fields, amount: undefined } }), refused('forbidden'));
  });

  it('needs amount, currency and eventId', () => {
    for (const name of ['amount', 'currency', 'eventId'] as const) {
      const call = { signature, rawBody, fields: { ...fields, [name]: undefined }, kind: 'payment' } as const;
      assert.throws(() => callbacks.read(call), refused('missingParameter', name));
    }
  });

  it('takes a signed payment for no chargeback, nor the other way round', () => {
    const back = { ...fields, type: 'chargeback' };
    assert.throws(
      () => callbacks.read({ signature, rawBody, fields, kind: 'chargeback' }),
      refused('invalidParameter', 'type'),
    );
    assert.throws(
      () => callbacks.read({ signature, rawBody, fields: back, kind: 'payment' }),
      refused('invalidParameter', 'type'),
    );
    assert.equal(callbacks.read({ signature, rawBody, fields: back, kind: 'chargeback' }).kind, 'chargeback');
  });
});
