/** What payment providers say about orders: the signed callback of any of them, and Alipay's own notification. */
import { z } from 'zod';
import type { PaymentCall, Payments } from '../../activities/orders/payments.ts';
import type { CallbackFields } from '../../activities/orders/providers/payment-provider.ts';
import type { Config } from '../../infra/config.ts';
import { statusOf } from '../../infra/error-answers.ts';
import { toAppError } from '../http/errors.ts';
import { optional } from '../http/fields.ts';
import { moneyInput } from '../http/money.ts';
import { ANSWERED, type Route, type RouteCall, route } from '../http/route.ts';
import { orderAnswer, orderNoInput, orderSchema } from './orders.ts';

const TAG = 'Orders';
const SIGNATURE_HEADER = 'X-Payment-Signature';

/** Printable ASCII, so that two ids are the same to the database exactly when they are the same text. */
const eventIdInput = z
  .string()
  .max(128)
  .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable ASCII characters');

const callbackFields = {
  orderNo: orderNoInput,
  amount: optional(moneyInput).describe('What was paid or taken back; needed in a signed body'),
  currency: optional(z.string().max(10)).describe('Currency of the amount; needed in a signed body'),
  eventId: optional(eventIdInput).describe('Id of the payment at its provider; needed in a signed body'),
};
const paymentBody = z.object({
  ...callbackFields,
  type: optional(z.string().max(20)).describe('In a signed body left out, or "payment"'),
});
const chargebackBody = z.object({
  ...callbackFields,
  type: optional(z.string().max(20)).describe('In a signed body "chargeback"'),
});

const notification = z.looseObject({
  sign: z.string().max(2_000).describe('The signature in base64'),
  sign_type: z.string().max(10).describe('RSA2'),
});

const SIGNATURE_TEXT = `\`${SIGNATURE_HEADER}: t=<unix seconds>,v1=<hex>\`, where \`v1\` is HMAC-SHA256, in hex, of the
text \`<t>.<raw body>\` (the digits of \`t\`, a dot, the bytes of the body exactly as sent) with the key PAYMENT_SECRET.
\`t\` must be within 5 minutes of now. Several \`v1\` may be given while a secret is exchanged; one must be good.
A signed body must hold \`orderNo\`, \`amount\`, \`currency\` and \`eventId\`; a payment's must be the order's.
An \`eventId\` that came before answers 200 and moves nothing; with another order, amount or
currency it is refused (422); how its JSON is written, and what else it holds, does not matter.`;

/** What a payment provider sends beside the fields that count is its own business. */
function isSigned({ ctx }: RouteCall): boolean {
  return ctx.get(SIGNATURE_HEADER) !== '';
}

interface CallbackDeclaration<Body> {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly body: z.ZodType<Body>;
}

export function paymentRoutes(
  { payments }: { readonly payments: Payments },
  { APP_TIME_ZONE }: Pick<Config, 'APP_TIME_ZONE'>,
): Route[] {
  const callback = <Body extends CallbackFields>(kind: PaymentCall['kind'], declaration: CallbackDeclaration<Body>) =>
    route({
      ...declaration,
      method: 'post',
      tag: TAG,
      access: 'optional-jwt',
      isForeign: isSigned,
      success: orderSchema,
      handler: async ({ ctx, caller, body, rawBody, traceId, log }) => {
        const call = { kind, signature: ctx.get(SIGNATURE_HEADER), caller, fields: body, rawBody, traceId };
        return orderAnswer(await payments.receive(call, log), APP_TIME_ZONE);
      },
    });
  return [
    callback('payment', {
      path: '/v1/orders/pay-success',
      operationId: 'confirmPayment',
      summary: 'A payment provider (or ROOT) says that an order is paid',
      description: `${SIGNATURE_TEXT}\n\nWithout the header only the login token of a ROOT user is good; where
PAYMENT_SANDBOX is on, also that of the order's owner. Paying twice credits once; a payment after the cancel is
credited and marked \`paidLate\`.`,
      body: paymentBody,
    }),
    callback('chargeback', {
      path: '/v1/payments/chargeback',
      operationId: 'recordChargeback',
      summary: 'A payment provider (or ROOT) says that a payment was taken back',
      description: `${SIGNATURE_TEXT}\n\nThe signed body must also hold \`"type":"chargeback"\`. What is available on the
account is taken; the rest becomes a debt that later recharges, and what running calls give back, pay first. A payment
may be taken back in parts, one an \`eventId\`, until nothing is left of it; of an \`amount\` above that what is left is
booked. ROOT leaves out \`amount\` to take all that is left, and otherwise names an \`eventId\`.`,
      body: chargebackBody,
    }),
    route({
      method: 'post',
      path: '/v1/payments/alipay/notify',
      operationId: 'receiveAlipayNotification',
      summary: "Alipay's asynchronous notification",
      description: `An application/x-www-form-urlencoded body as Alipay sends it, signed with RSA2. Answers the text
\`success\`, which ends Alipay's repetitions, or \`fail\`. Needs ALIPAY_APP_ID and ALIPAY_PUBLIC_KEY.`,
      tag: TAG,
      access: 'open',
      bodyForm: 'bytes',
      bodies: { 'application/x-www-form-urlencoded': notification },
      unknownFields: 'ignored',
      success: z.literal('success'),
      mediaType: 'text/plain',
      otherAnswers: [
        { status: 'default', description: 'Not accepted', mediaType: 'text/plain', schema: z.literal('fail') },
      ],
      handler: async ({ ctx, rawBody, log }) => {
        ctx.type = 'text/plain';
        try {
          await payments.receiveAlipay(rawBody, log);
          ctx.body = 'success';
        } catch (thrown) {
          const error = toAppError(thrown);
          log[statusOf(error.kind) >= 500 ? 'error' : 'warn'](
            { err: error.details.cause ?? error },
            'Alipay not accepted',
          );
          ctx.status = statusOf(error.kind);
          ctx.body = 'fail';
        }
        return ANSWERED;
      },
    }),
  ];
}
