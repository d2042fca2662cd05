/** The generic callback of any provider that can sign JSON: `pay-success` and `chargeback` with X-Payment-Signature. */
import { AppError, type FieldError, invalid } from '../../../../infra/errors.ts';
import type { CallbackFields, PaymentNotice, PaymentProvider } from '../payment-provider.ts';
import { callbackHash } from '../payment-provider.ts';
import { checkSignature, type SignatureCheck } from './signature.ts';

export interface SignedCallback {
  /** Value of X-Payment-Signature. */
  readonly signature: string;
  readonly rawBody: Uint8Array;
  readonly fields: CallbackFields;
  /** What the path asks for; the signed body must not say otherwise. */
  readonly kind: 'payment' | 'chargeback';
}

const REFUSALS: Record<Exclude<SignatureCheck, 'valid'>, string> = {
  malformed: 'must have the form t=<unix seconds>,v1=<64 hex digits>',
  old: 'its timestamp is more than 5 minutes from now',
  forged: 'does not match the body',
};

export class SignedCallbacks implements PaymentProvider<SignedCallback> {
  readonly name = 'signed';
  readonly #secret: string;
  readonly #now: () => number;

  constructor(secret: string, now: () => number = Date.now) {
    this.#secret = secret;
    this.#now = now;
  }

  read({ signature, rawBody, fields, kind }: SignedCallback): PaymentNotice {
    const check = checkSignature(signature, this.#secret, rawBody, this.#now());
    if (check !== 'valid') throw new AppError('forbidden', `X-Payment-Signature: ${REFUSALS[check]}`);
    const { orderNo, amount, currency, eventId } = fields;
    if (amount === undefined || currency === undefined || eventId === undefined) {
      throw invalid(missing({ amount, currency, eventId }), 'missingParameter');
    }
    // A payment's signed body must not pass as a chargeback, nor the other way round.
    if ((fields.type ?? 'payment') !== kind) {
      throw invalid([{ path: 'type', message: `must be "${kind}" in a signed body sent here` }]);
    }
    const bodyHash = callbackHash(kind, fields);
    const note = `signed callback ${eventId}`;
    return { provider: this.name, kind, eventId, orderNo, amount, currency, bodyHash, payerId: undefined, note };
  }
}

function missing(fields: Record<string, unknown>): FieldError[] {
  return Object.entries(fields).flatMap(([path, value]) =>
    value === undefined ? [{ path, message: 'is required in a signed callback' }] : [],
  );
}
