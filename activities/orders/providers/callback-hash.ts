/** By which an event that is sent again is known, however its JSON is written this time. */
import { createHash } from 'node:crypto';
import type { CallbackFields } from './payment-provider.ts';

/** SHA-256 of what a JSON callback says: order, amount (not its digits), currency, and whether it is a chargeback. */
export function callbackHash(kind: 'payment' | 'chargeback', fields: CallbackFields): Buffer {
  const { orderNo, amount, currency } = fields;
  const said = JSON.stringify([kind, orderNo, amount?.toString() ?? null, currency ?? null]);
  return createHash('sha256').update(said).digest();
}
