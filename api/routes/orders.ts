/** Recharge orders. */
import { z } from 'zod';
import { ORDER_STATUSES, type Order } from '../../activities/orders/order.ts';
import type { Orders } from '../../activities/orders/orders.ts';
import { ORDER_SORT_KEYS } from '../../activities/orders/store.ts';
import type { UserCaller } from '../../core/accounts/caller.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { idInput, optional, optionalText, shownText } from '../http/fields.ts';
import { idempotencyKey, KEY_HEADER } from '../http/idempotency.ts';
import { decimalOutput, money, moneyInput } from '../http/money.ts';
import { longListQuery, longPage, longPageOf } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { isoTime, recordTimes, timeOutput } from '../http/times.ts';
import { userFilter, userIdOf } from './user-filter.ts';

const TAG = 'Orders';
const ROOT = { roles: ['ROLE_ROOT_ADMIN'] } as const;

export const orderNoInput = z
  .string()
  .max(36)
  .regex(/^[\w-]{1,36}$/, 'is not an order number')
  .describe('Number of the order');
export const orderSchema = z
  .object({
    id: z.number().int().describe('Id of the order'),
    orderNo: z.string().describe('Number of the order, for payments'),
    userId: z.number().int().describe('Whose balance it tops up'),
    amount: decimalOutput.describe('What is to be paid'),
    currency: z.string().describe('Currency of the amount'),
    status: z.enum(ORDER_STATUSES).describe('FAILED is cancelled or not paid in time'),
    reason: z.string().optional().describe('Why it FAILED, or why it was refunded or taken back'),
    paidLate: z.literal(true).optional().describe('Paid after it had been cancelled; credited all the same'),
    paidAt: timeOutput.optional().describe('When it was paid'),
    refundedAmount: decimalOutput.optional().describe('What was refunded or taken back of it'),
    expiresAt: timeOutput.describe('When it is cancelled if it is not paid'),
    ...recordTimes,
  })
  .meta({ id: 'Order' });

/** As ROOT sees it. */
export const ownedOrderSchema = orderSchema
  .extend({ username: z.string().describe('Name of its owner') })
  .meta({ id: 'OwnedOrder' });

/** ROOT sees every order, everyone else its own. */
function ownerOf(caller: UserCaller): number | undefined {
  return caller.role === 'ROLE_ROOT_ADMIN' ? undefined : caller.userId;
}

/** An order in an answer, with times in the installation's zone. */
export function orderAnswer(order: Order, zone: string): z.input<typeof orderSchema> {
  return {
    id: order.id,
    orderNo: order.orderNo,
    userId: order.userId,
    amount: money(order.amount),
    currency: order.currency,
    status: order.status,
    ...(order.reason === null ? {} : { reason: order.reason }),
    ...(order.paidLate ? { paidLate: true as const } : {}),
    ...(order.paidAt === null ? {} : { paidAt: isoTime(order.paidAt, zone) }),
    ...(order.refunded === null ? {} : { refundedAmount: money(order.refunded) }),
    expiresAt: isoTime(order.expiresAt, zone),
    createdAt: isoTime(order.createdAt, zone),
    updatedAt: isoTime(order.updatedAt, zone),
  };
}

export function orderRoutes(
  { orders, userList }: { readonly orders: Orders; readonly userList: Pick<UserList, 'names' | 'idOf'> },
  { APP_TIME_ZONE }: Pick<Config, 'APP_TIME_ZONE'>,
): Route[] {
  const answerOf = (order: Order) => orderAnswer(order, APP_TIME_ZONE);
  return [
    route({
      method: 'post',
      path: '/v1/orders',
      operationId: 'createOrder',
      summary: 'Make a recharge order; it is cancelled when it is not paid in time',
      tag: TAG,
      access: 'jwt',
      body: z.object({
        userId: optional(idInput).describe('For whom; only ROOT may name somebody else'),
        amount: moneyInput.describe('At least 0.01'),
      }),
      success: orderSchema,
      idempotent: true,
      handler: async (input) => {
        const { caller, body, operationId } = input;
        const userId = body.userId ?? caller.userId;
        if (userId !== caller.userId && caller.role !== 'ROLE_ROOT_ADMIN') {
          throw new AppError('forbidden', 'only ROOT makes orders for other users');
        }
        const administrator = caller.role === 'ROLE_ROOT_ADMIN' ? by(input) : undefined;
        return answerOf(await orders.create(userId, body.amount, operationId, administrator));
      },
    }),
    route({
      method: 'get',
      path: '/v1/orders/get',
      operationId: 'getOrder',
      summary: 'One order',
      tag: TAG,
      access: 'jwt',
      query: z.object({ orderNo: orderNoInput }),
      success: orderSchema,
      handler: async ({ caller, query }) => answerOf(await orders.get(query.orderNo, ownerOf(caller))),
    }),
    route({
      method: 'get',
      path: '/v1/orders/my',
      operationId: 'listMyOrders',
      summary: 'Own orders, newest first',
      tag: TAG,
      access: 'jwt',
      query: longListQuery(ORDER_SORT_KEYS, idInput).extend({
        status: optionalText(z.enum(ORDER_STATUSES)).describe('Only orders in this status'),
      }),
      success: longPageOf(orderSchema),
      handler: async ({ caller, query }) => {
        const found = await orders.page({ ...query, userId: caller.userId });
        return longPage(found, query, ({ id }) => id, answerOf);
      },
    }),
    route({
      method: 'get',
      path: '/v1/orders',
      operationId: 'listOrders',
      summary: 'Orders of all users, newest first',
      tag: TAG,
      access: ROOT,
      query: longListQuery(ORDER_SORT_KEYS, idInput).extend({
        ...userFilter('orders'),
        status: optionalText(z.enum(ORDER_STATUSES)).describe('Only orders in this status'),
      }),
      success: longPageOf(ownedOrderSchema),
      handler: async ({ caller, query }) => {
        const found = await orders.page({ ...query, userId: await userIdOf(userList, query, caller.role) });
        const names = await userList.names(found.records.map(({ userId }) => userId));
        const ownedAnswer = (one: Order) => ({ ...answerOf(one), username: names.get(one.userId) ?? '' });
        return longPage(found, query, ({ id }) => id, ownedAnswer);
      },
    }),
    route({
      method: 'post',
      path: '/v1/orders/cancel',
      operationId: 'cancelOrder',
      summary: 'Cancel an order that is not paid',
      tag: TAG,
      access: 'jwt',
      body: z.object({ orderNo: orderNoInput }),
      success: orderSchema,
      handler: async (input) => answerOf(await orders.cancel(input.body.orderNo, ownerOf(input.caller) ?? by(input))),
    }),
    route({
      method: 'post',
      path: '/v1/orders/refund',
      operationId: 'refundOrder',
      summary: 'Take a paid order, or a part of it, back out of the account',
      description: `Without \`amount\` all that is left of the order, at most what is available, and then no more. With
\`amount\` exactly that part, as often as parts are left; it needs an Idempotency-Key, and the same key, order and amount
refund once, also after a crash. The payment itself is returned outside of the gateway.`,
      tag: TAG,
      access: ROOT,
      body: z.object({
        orderNo: orderNoInput,
        // Null is no wish for everything: a client that has lost its amount is refused.
        amount: moneyInput
          .refine((amount) => amount > 0n, 'must be above zero')
          .optional()
          .describe('Exactly this part; all that is left of the order, at most what is available, when it is left out'),
        reason: shownText(255).min(1).describe('Why; the user can read it'),
      }),
      success: orderSchema,
      idempotent: true,
      handler: async (input) => {
        const { orderNo, amount, reason } = input.body;
        if (amount === undefined) return answerOf(await orders.refund(orderNo, reason, by(input), input.log));
        const key = idempotencyKey(input.ctx.get(KEY_HEADER), true) ?? '';
        return answerOf(await orders.refundPart(orderNo, { amount, key }, reason, by(input), input.log));
      },
    }),
  ];
}
