/** Webhooks: signing secrets, the log of deliveries, sending one again. */
import { z } from 'zod';
import { DELIVERY_STATUSES, type Delivery } from '../../activities/webhooks/delivery.ts';
import type { DeliveryStore } from '../../activities/webhooks/delivery-store.ts';
import type { Webhooks } from '../../activities/webhooks/webhooks.ts';
import type { UserList } from '../../core/accounts/user-list.ts';
import type { Config } from '../../infra/config.ts';
import { addressWithoutSecrets } from '../../infra/secrets.ts';
import { optionalText, textIdInput, uuidInput } from '../http/fields.ts';
import { cursorPage, cursorPageOf, cursorQuery, page, pageOf, pageQuery } from '../http/paging.ts';
import { type Route, route } from '../http/route.ts';
import { by } from '../http/route-input.ts';
import { isoTime, recordTimes, timeOutput } from '../http/times.ts';
import { userFilter, userIdOf } from './user-filter.ts';

const TAG = 'Webhooks';
const DESCRIPTION =
  'Messages are signed in the form of Standard Webhooks 1.0.0 (webhook-id, webhook-timestamp, webhook-signature).';

const deliveryFields = {
  id: z.string().describe('Id of the delivery'),
  jobId: z.string().describe('The job that ended'),
  url: z.string().describe('Where it goes'),
  status: z.enum(DELIVERY_STATUSES).describe('How far it is'),
  attempts: z.number().describe('How often it was sent'),
  redeliveries: z.number().describe('How often it was asked to be sent again'),
  lastStatus: z.number().nullable().describe('HTTP status of the last answer; null without an answer'),
  lastError: z.string().nullable().describe('Why it was not accepted last; null when it was'),
  ...recordTimes,
};
const deliverySchema = z.object(deliveryFields).meta({ id: 'WebhookDelivery' });
const ownedDelivery = z.object({
  ...deliveryFields,
  url: z.string().describe('Where it goes, without what is secret: credentials, query, tokens in the path'),
  userId: z.number().int().describe('Id of its owner'),
  username: z.string().describe('Name of its owner'),
});

const secretSchema = z.object({
  id: z.number().describe('Id of the secret'),
  createdAt: timeOutput.describe('When it was made'),
  retiresAt: timeOutput.nullable().describe('When it stops signing; null for the present one'),
});

export interface WebhookServices {
  readonly webhooks: Webhooks;
  readonly webhookDeliveries: Pick<DeliveryStore, 'listAll'>;
  readonly userList: Pick<UserList, 'names' | 'idOf'>;
}

export function webhookRoutes(services: WebhookServices, config: Config): Route[] {
  const { webhooks, webhookDeliveries, userList } = services;
  const time = (date: Date) => isoTime(date, config.APP_TIME_ZONE);
  const answerOf = ({ userId: _, createdAt, updatedAt, ...delivery }: Delivery): z.input<typeof deliverySchema> => ({
    ...delivery,
    createdAt: time(createdAt),
    updatedAt: time(updatedAt),
  });
  const ownedAnswer = (one: Delivery, names: ReadonlyMap<number, string>) => ({
    ...{ ...answerOf(one), url: addressWithoutSecrets(one.url) },
    ...{ userId: one.userId, username: names.get(one.userId) ?? '' },
  });
  return [
    route({
      method: 'get',
      path: '/v1/webhooks/deliveries',
      operationId: 'listDeliveries',
      summary: 'Own deliveries, newest first unless asked otherwise',
      tag: TAG,
      access: 'jwt-or-access-key',
      query: pageQuery(['createdAt']).extend({
        jobId: optionalText(textIdInput).describe('Only deliveries of this job'),
        status: optionalText(z.enum(DELIVERY_STATUSES)).describe('Only deliveries in this status'),
      }),
      success: pageOf(deliverySchema),
      handler: async ({ caller, query }) => {
        const { pageNum, pageSize, jobId, status, sortOrder } = query;
        const range = { oldestFirst: sortOrder === 'asc', limit: pageSize, offset: (pageNum - 1) * pageSize };
        const found = await webhooks.deliveries({ userId: caller.userId, jobId, status, ...range });
        return page(found.deliveries.map(answerOf), found.total, query);
      },
    }),
    route({
      method: 'get',
      path: '/v1/admin/webhook-deliveries',
      operationId: 'listAllDeliveries',
      summary: 'Deliveries of all users, newest first',
      tag: TAG,
      access: { roles: ['ROLE_ROOT_ADMIN'] },
      query: cursorQuery(uuidInput).extend({
        ...userFilter('deliveries'),
        jobId: optionalText(textIdInput).describe('Only deliveries of this job'),
        status: optionalText(z.enum(DELIVERY_STATUSES)).describe('Only deliveries in this status'),
      }),
      success: cursorPageOf(ownedDelivery),
      handler: async ({ caller, query: { cursor, pageSize, user, ...filter } }) => {
        const userId = await userIdOf(userList, { ...filter, user }, caller.role);
        const found = await webhookDeliveries.listAll({ ...filter, userId, before: cursor, limit: pageSize + 1 });
        const names = await userList.names(found.map(({ userId }) => userId));
        return cursorPage(
          found,
          pageSize,
          ({ id }) => id,
          (one) => ownedAnswer(one, names),
        );
      },
    }),
    route({
      method: 'post',
      path: '/v1/admin/webhook-deliveries/{id}/redeliver',
      operationId: 'redeliverAny',
      summary: 'Send one of any user again, with all its tries',
      tag: TAG,
      access: { roles: ['ROLE_ROOT_ADMIN'] },
      params: z.object({ id: textIdInput.describe('Id of the delivery') }),
      success: ownedDelivery,
      status: 202,
      handler: async (input) => {
        const delivery = await webhooks.redeliver(input.params.id, by(input));
        return ownedAnswer(delivery, await userList.names([delivery.userId]));
      },
    }),
    route({
      method: 'post',
      path: '/v1/webhooks/deliveries/{id}/redeliver',
      operationId: 'redeliver',
      summary: 'Send one again, with all its tries',
      description: 'The message keeps its webhook-id. An address that answered 410 is used again once one is taken.',
      tag: TAG,
      access: 'jwt-or-access-key',
      params: z.object({ id: textIdInput.describe('Id of the delivery') }),
      success: deliverySchema,
      status: 202,
      handler: async ({ caller, params }) => answerOf(await webhooks.redeliver(params.id, caller.userId)),
    }),
    route({
      method: 'get',
      path: '/v1/webhooks/secrets',
      operationId: 'listWebhookSecrets',
      summary: 'The secrets that sign: the present one, and its predecessor until it retires',
      description: DESCRIPTION,
      tag: TAG,
      access: 'jwt',
      success: z.array(secretSchema),
      handler: async ({ caller }) => {
        const secrets = await webhooks.secrets(caller.userId);
        return secrets.map(({ id, createdAt, retiresAt }) => ({
          id,
          createdAt: time(createdAt),
          retiresAt: retiresAt && time(retiresAt),
        }));
      },
    }),
    route({
      method: 'post',
      path: '/v1/webhooks/secrets',
      operationId: 'createWebhookSecret',
      summary: 'Make or replace the signing secret; shown only here',
      description: `${DESCRIPTION} The secret before signs beside the new one for 24 hours. Who has lost this answer
makes another secret, under another Idempotency-Key.`,
      tag: TAG,
      access: 'jwt',
      success: z.object({
        id: z.number().describe('Id of the secret'),
        secret: z.string().optional().describe('Shown this once; absent in a repeated answer'),
      }),
      status: 201,
      idempotent: true,
      kept: ({ secret: _, ...rest }) => rest,
      handler: ({ caller }) => webhooks.rotateSecret(caller.userId),
    }),
  ];
}
