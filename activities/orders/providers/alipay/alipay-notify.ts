/**
 * Alipay's asynchronous notification (form-encoded, signed with RSA2 by Alipay's key). Checked as its documentation
 * asks: signature, app_id, seller_id; order and amount are then compared with the order.
 */
import { createHash, createPublicKey } from 'node:crypto';
import { AlipaySdk } from 'alipay-sdk';
import { z } from 'zod';
import { parseMoney } from '../../../../core/ledger/money.ts';
import { AppError, invalid } from '../../../../infra/errors.ts';
import type { PaymentNotice, PaymentNoticeKind, PaymentProvider } from '../payment-provider.ts';

export interface AlipaySettings {
  readonly appId: string;
  /** Alipay's public key: PEM, or its base64 on one line as Alipay's console shows it. */
  readonly publicKey: string;
  /** Who must have been paid (2088…); empty = whoever the app belongs to. */
  readonly sellerId: string;
}

/** Domestic notifications carry no currency: total_amount is in yuan. */
const CURRENCY = 'CNY';
const PAID = new Set(['TRADE_SUCCESS', 'TRADE_FINISHED']);
/** The same notification is sent again with a new time and therefore a new signature. */
const CHANGING_FIELDS = new Set(['notify_time', 'sign', 'sign_type']);
/** The SDK needs a key to sign requests with; no request is made here. */
const NO_REQUEST_KEY = 'none';

const notifySchema = z.object({
  app_id: z.string(),
  seller_id: z.string().optional(),
  notify_id: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  out_trade_no: z.string().regex(/^[\w-]{1,36}$/),
  trade_no: z.string().max(64),
  trade_status: z.string(),
  total_amount: z.string(),
  refund_fee: z.string().max(32).optional(),
});

export class AlipayNotify implements PaymentProvider<Uint8Array> {
  readonly name = 'alipay';
  readonly #settings: AlipaySettings;
  readonly #sdk: AlipaySdk;

  /** @throws Error naming ALIPAY_PUBLIC_KEY when it is no public key. */
  constructor(settings: AlipaySettings) {
    this.#settings = settings;
    const { appId, publicKey } = settings;
    this.#sdk = new AlipaySdk({ appId, alipayPublicKey: publicKey, privateKey: NO_REQUEST_KEY });
    try {
      createPublicKey(this.#sdk.config.alipayPublicKey);
    } catch (cause) {
      throw new Error('ALIPAY_PUBLIC_KEY: is not a public key (PEM, or its base64 on one line)', { cause });
    }
  }

  /** @param form the body as it came. */
  read(form: Uint8Array): PaymentNotice {
    const fields = Object.fromEntries(new URLSearchParams(Buffer.from(form).toString('utf8')));
    // The SDK takes the algorithm from the message; RSA means SHA-1, which is no longer secure.
    if (fields.sign_type !== 'RSA2' || !this.#sdk.checkNotifySignV2(fields)) {
      throw new AppError('forbidden', 'the notification is not signed by Alipay (RSA2)');
    }
    const notify = notifySchema.safeParse(fields);
    if (!notify.success) {
      throw invalid(notify.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
    }
    this.#checkReceiver(notify.data);
    const { notify_id, out_trade_no, trade_no, total_amount } = notify.data;
    const amount = parseMoney(total_amount);
    if (amount === undefined) throw invalid([{ path: 'total_amount', message: 'is not an amount' }]);
    const refunded = notify.data.refund_fee ?? '';
    return {
      provider: this.name,
      kind: kindOf(notify.data, amount),
      eventId: notify_id,
      orderNo: out_trade_no,
      amount,
      currency: CURRENCY,
      bodyHash: hashOf(fields),
      payerId: undefined,
      note: `Alipay trade ${trade_no}${refunded === '' ? '' : `, of it refunded at Alipay: ${refunded}`}`,
    };
  }

  #checkReceiver(notify: z.output<typeof notifySchema>): void {
    const { appId, sellerId } = this.#settings;
    if (notify.app_id !== appId) throw new AppError('forbidden', 'app_id: the notification is for another app');
    if (sellerId !== '' && notify.seller_id !== sellerId) {
      throw new AppError('forbidden', 'seller_id: the payment went to another seller');
    }
  }
}

/**
 * Alipay reports a refund with the trade's status. The ledger books refunds by our own order, but the payment itself
 * may be new to us: its own notification can have been lost.
 */
function kindOf({ trade_status, refund_fee }: z.output<typeof notifySchema>, amount: bigint): PaymentNoticeKind {
  if (!PAID.has(trade_status)) return 'other';
  const refunded = parseMoney(refund_fee || '0');
  if (refunded === 0n) return 'payment';
  if (refunded === undefined) throw invalid([{ path: 'refund_fee', message: 'is not an amount' }]);
  return refunded < amount ? 'partly-refunded' : 'other';
}

function hashOf(fields: Readonly<Record<string, string>>): Buffer {
  const lasting = Object.entries(fields)
    .filter(([name]) => !CHANGING_FIELDS.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(lasting)).digest();
}
