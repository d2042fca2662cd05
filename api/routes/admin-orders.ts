/** One order as ROOT looks at it: what payment providers said of it, and what was given back. */
import { z } from 'zod';
import type { Orders } from '../../activities/orders/orders.ts';
import { PAYMENT_EVENT_OUTCOMES } from '../../activities/orders/payment-event-table.ts';
import { PAYMENT_NOTICE_KINDS } from '../../activities/orders/providers/payment-provider.ts';
import type { OrderStore } from '../../activities/orders/store.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import type { Config } from '../../infra/config.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { isoTime, timeOutput } from '../http/times.ts';
import { orderAnswer, orderNoInput, ownedOrderSchema } from './orders.ts';
import { workflowLink } from './workflow-link.ts';

const OUTCOMES = `paid: credited by it; paid_late: credited after the order had been cancelled; already_paid: another event had paid
it; chargeback: taken back; chargeback_rest: it named more than was left, which was taken back; already_taken: nothing was left to
take back; ignored: moves no money. Refused, and decided again when it comes again: amount_mismatch and currency_mismatch (not the
order's), not_paid (a chargeback before the payment), balance_limit (the balance would be too large), unknown_order.`;

const orderView = z.object({
  order: ownedOrderSchema.describe('The order'),
  paymentEvents: z
    .array(
      z.object({
        provider: z.string().describe('Who sent it'),
        eventId: z.string().describe("The provider's own id of it"),
        kind: z.enum(PAYMENT_NOTICE_KINDS).nullable().describe('What it was about; null for events of early versions'),
        amount: decimalOutput.nullable().describe('What it named, also where that was refused; null for nothing'),
        currency: z.string().nullable().describe('Currency of the amount; null for none'),
        outcome: z.enum(PAYMENT_EVENT_OUTCOMES).describe(OUTCOMES),
        receivedAt: timeOutput.describe('When it came first'),
      }),
    )
    .describe('What payment providers said of it, oldest first'),
  refunds: z
    .array(
      z.object({
        transferId: z.string().describe('Id of its transfer'),
        amount: decimalOutput.describe('What was given back'),
        createdAt: timeOutput.describe('When it was given back'),
      }),
    )
    .describe('Refunds, oldest first'),
  temporalUrl: z.string().describe('Its workflow in Temporal UI (TEMPORAL_UI_URL)'),
});

type AdminOrderConfig = Pick<Config, 'APP_TIME_ZONE' | 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>;

interface AdminOrderServices {
  readonly orders: Pick<Orders, 'get'>;
  readonly orderStore: OrderStore;
  readonly userList: Pick<UserList, 'names'>;
}

export function adminOrderRoutes(
  { orders, orderStore, userList }: AdminOrderServices,
  config: AdminOrderConfig,
): Route[] {
  const { APP_TIME_ZONE: zone } = config;
  return [
    route({
      method: 'get',
      path: '/v1/admin/orders/{orderNo}',
      operationId: 'getAnyOrder',
      summary: 'One order of any user with its payment events and refunds',
      tag: 'Orders',
      access: { roles: ['ROLE_ROOT_ADMIN'] },
      params: z.object({ orderNo: orderNoInput }),
      success: orderView,
      handler: async ({ params: { orderNo } }) => {
        const order = await orders.get(orderNo);
        const [events, refunds, names] = await Promise.all([
          orderStore.events(orderNo),
          orderStore.refunds(orderNo),
          userList.names([order.userId]),
        ]);
        return {
          order: { ...orderAnswer(order, zone), username: names.get(order.userId) ?? '' },
          paymentEvents: events.map(({ amount, receivedAt, ...event }) => ({
            ...{ ...event, amount: amount === null ? null : money(amount), receivedAt: isoTime(receivedAt, zone) },
          })),
          refunds: refunds.map((one) => ({
            ...{ transferId: one.transferId, amount: money(one.amount), createdAt: isoTime(one.createdAt, zone) },
          })),
          temporalUrl: workflowLink(config, order.workflowId),
        };
      },
    }),
  ];
}
