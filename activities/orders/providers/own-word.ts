/**
 * Payments whose only proof is the caller: a ROOT user reports that money arrived, and in the sandbox the owner of the
 * order does. Amount and currency are the order's own unless they are given, and must match it when they are.
 */
import { invalid } from '../../../infra/errors.ts';
import { newId } from '../../../infra/ids.ts';
import type { CallbackFields, PaymentNotice, PaymentProvider } from './payment-provider.ts';
import { callbackHash } from './payment-provider.ts';

export interface OwnWord {
  readonly userId: number;
  readonly fields: CallbackFields;
  readonly kind: 'payment' | 'chargeback';
}

function noticeOf({ fields, kind }: OwnWord): Omit<PaymentNotice, 'provider' | 'payerId' | 'note'> {
  if (kind === 'chargeback' && fields.amount !== undefined && fields.eventId === undefined) {
    const message = 'is required with an amount: a part that is sent again must not be taken again';
    throw invalid([{ path: 'eventId', message }], 'missingParameter');
  }
  return {
    kind,
    // Without an id of its own each call is an event of its own; the order is credited, or taken back whole, once all
    // the same.
    eventId: fields.eventId ?? newId(),
    orderNo: fields.orderNo,
    amount: fields.amount,
    currency: fields.currency,
    bodyHash: callbackHash(kind, fields),
  };
}

/** The caller must be a ROOT user. */
export const rootWord: PaymentProvider<OwnWord> = {
  name: 'root',
  read: (word) => ({ ...noticeOf(word), provider: 'root', payerId: undefined, note: `root user ${word.userId}` }),
};

/** Only where PAYMENT_SANDBOX is on: any user, for orders of its own. */
export const sandboxWord: PaymentProvider<OwnWord> = {
  name: 'sandbox',
  read: (word) => ({
    ...noticeOf(word),
    provider: `sandbox:${word.userId}`,
    payerId: word.userId,
    note: 'sandbox',
  }),
};
