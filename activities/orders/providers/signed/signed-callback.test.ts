import assert from 'node:assert/strict';
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
  });

  it('knows an event by what it says, whatever its bytes; any other word makes it another one', () => {
    const hashOf = (change: Partial<CallbackFields>, body = rawBody, kind: 'payment' | 'chargeback' = 'payment') => {
      const signed = `t=1795000000,v1=${signatureOf(SECRET, '1795000000', body)}`;
      const type = kind === 'payment' ? undefined : kind;
      const call = { signature: signed, rawBody: body, fields: { ...fields, type, ...change }, kind };
      return callbacks.read(call).bodyHash.toString('hex');
    };
    const first = hashOf({});
    assert.equal(hashOf({ type: 'payment' }, Buffer.from('{ "other" : "bytes" }')), first);
    const others = [hashOf({ orderNo: 'o2' }), hashOf({ amount: 6n }), hashOf({ currency: 'USD' })];
    others.push(hashOf({}, rawBody, 'chargeback'));
    assert.equal(new Set([first, ...others]).size, 5);
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
