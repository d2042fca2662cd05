import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { AppError } from '../../../../infra/errors.ts';
import { AlipayNotify } from './alipay-notify.ts';

const alipay = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKeyPem = alipay.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const APP_ID = '2021000000000001';
const SELLER_ID = '2088000000000001';
const settings = { appId: APP_ID, publicKey: publicKeyPem, sellerId: SELLER_ID };
const notify = new AlipayNotify(settings);

const FIELDS = {
  app_id: APP_ID,
  charset: 'utf-8',
  notify_id: 'ac05099524730693a8b330c5ecf72da9786',
  notify_time: '2026-11-24 16:00:00',
  notify_type: 'trade_status_sync',
  out_trade_no: '0198a5f0-0000-7000-8000-000000000001',
  seller_id: SELLER_ID,
  subject: '充值 & 100% = a+b',
  total_amount: '10.50',
  trade_no: '2026112422001004330000121536',
  trade_status: 'TRADE_SUCCESS',
};

/** Signs as Alipay does: the sorted `name=value` pairs without sign and sign_type, RSA2 = RSA-SHA256. */
function form(change: Record<string, string> = {}, key = alipay.privateKey, algorithm = 'RSA-SHA256'): Uint8Array {
  const fields: Record<string, string> = { ...FIELDS, ...change };
  const text = Object.keys(fields)
    .filter((name) => name !== 'sign_type')
    .sort()
    .map((name) => `${name}=${fields[name]}`)
    .join('&');
  const sign = createSign(algorithm).update(text, 'utf8').sign(key, 'base64');
  return Buffer.from(new URLSearchParams({ sign_type: 'RSA2', ...fields, sign }).toString());
}

function refused(kind: string, part?: RegExp) {
  return (error: unknown) =>
    error instanceof AppError && error.kind === kind && (part === undefined || part.test(error.message));
}

describe('AlipayNotify', () => {
  it('reads a payment that Alipay has signed', () => {
    const notice = notify.read(form());
    assert.equal(notice.provider, 'alipay');
    assert.equal(notice.kind, 'payment');
    assert.equal(notice.orderNo, FIELDS.out_trade_no);
    assert.equal(notice.eventId, FIELDS.notify_id);
    assert.equal(notice.amount, 10_500_000_000n);
    assert.equal(notice.currency, 'CNY');
    assert.match(notice.note, /2026112422001004330000121536/);
  });

  it('takes the key as base64 on one line too', () => {
    const oneLine = publicKeyPem.replaceAll(/-----[^-]+-----|\s/g, '');
    assert.equal(new AlipayNotify({ ...settings, publicKey: oneLine }).read(form()).kind, 'payment');
  });

  it('refuses a key that is none, at the start', () => {
    assert.throws(() => new AlipayNotify({ ...settings, publicKey: 'AAAA' }), /ALIPAY_PUBLIC_KEY/);
  });

  it('refuses what Alipay has not signed', () => {
    assert.throws(() => notify.read(form({}, stranger.privateKey)), refused('forbidden', /not signed/));
    const changed = Buffer.from(Buffer.from(form()).toString().replace('total_amount=10.50', 'total_amount=99.50'));
    assert.throws(() => notify.read(changed), refused('forbidden', /not signed/));
    assert.throws(() => notify.read(Buffer.from('')), refused('forbidden'));
    const unsigned = Buffer.from(new URLSearchParams({ ...FIELDS, sign_type: 'RSA2' }).toString());
    assert.throws(() => notify.read(unsigned), refused('forbidden'));
  });

  it('refuses the older SHA-1 signature even with the right key', () => {
    assert.throws(() => notify.read(form({ sign_type: 'RSA' }, alipay.privateKey, 'RSA-SHA1')), refused('forbidden'));
  });

  it('refuses payments to another app or seller', () => {
    assert.throws(() => notify.read(form({ app_id: '2021000000000002' })), refused('forbidden', /app_id/));
    assert.throws(() => notify.read(form({ seller_id: '2088000000000002' })), refused('forbidden', /seller_id/));
    const anySeller = new AlipayNotify({ ...settings, sellerId: '' });
    assert.equal(anySeller.read(form({ seller_id: '2088000000000002' })).kind, 'payment');
  });

  it('names what is wrong in a signed notification', () => {
    assert.throws(() => notify.read(form({ total_amount: 'ten' })), refused('invalidParameter', /total_amount/));
    assert.throws(() => notify.read(form({ out_trade_no: "x' OR 1=1" })), refused('invalidParameter', /out_trade_no/));
  });

  it('takes other states for no payment, and a refund for the news that the payment was made', () => {
    for (const trade_status of ['WAIT_BUYER_PAY', 'TRADE_CLOSED']) {
      assert.equal(notify.read(form({ trade_status })).kind, 'other');
    }
    const partly = notify.read(form({ refund_fee: '1.00' }));
    assert.equal(partly.kind, 'partly-refunded');
    assert.equal(notify.read(form({ refund_fee: '0.00' })).kind, 'payment');
    assert.match(partly.note, /refunded at Alipay: 1\.00/);
    assert.equal(notify.read(form({ refund_fee: '10.50' })).kind, 'other', 'nothing is left of the payment');
    assert.throws(() => notify.read(form({ refund_fee: 'some' })), refused('invalidParameter', /refund_fee/));
    assert.equal(notify.read(form({ trade_status: 'TRADE_FINISHED' })).kind, 'payment');
  });

  it('knows a notification that is sent again by its content', () => {
    const first = notify.read(form());
    const again = notify.read(form({ notify_time: '2026-11-24 16:04:00' }));
    const other = notify.read(form({ total_amount: '10.51' }));
    assert.deepEqual(again.bodyHash, first.bodyHash);
    assert.notDeepEqual(other.bodyHash, first.bodyHash);
  });
});
