/** Kept conversations. They stand in MongoDB: while it is away these routes answer 503, everything else goes on. */
import { z } from 'zod';
import { type Conversation, inOneLine, type Message } from '../../core/conversations/conversation.ts';
import type { Conversations } from '../../core/conversations/conversations.ts';
import type { Config } from '../../infra/config.ts';
import { integerInput, optional, optionalText, switchInput } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { isoTime, timeInput, timeOutput } from '../http/times.ts';

const TAG = 'Conversations';
const MAX_TITLE_CHARACTERS = 200;
const DEFAULT_RECENT = 20;
const MAX_RECENT = 100;
const DEFAULT_MESSAGES = 50;
const MAX_MESSAGES = 200;

const conversationSchema = z.object({
  conversationId: z.string(),
  title: z.string(),
  pinned: z.boolean(),
  lastModelIdentifier: z.string().nullable(),
  lastMessageSummary: z.string().nullable(),
  messageCount: z.number(),
  lastActiveAt: timeOutput,
  createdAt: timeOutput,
  updatedAt: timeOutput,
});

const messageSchema = z.object({
  messageId: z.string(),
  conversationId: z.string(),
  role: z.string(),
  content: z.string(),
  reasoningContent: z.string().optional(),
  imageUrls: z.array(z.string()).readonly(),
  modelIdentifier: z.string().nullable(),
  promptTokens: z.number().nullable(),
  completionTokens: z.number().nullable(),
  cost: decimalOutput.nullable(),
  createdAt: timeOutput,
});

/** An id of any form that no conversation has is told as not found. */
const params = z.object({ id: z.string().max(100) });
/** An empty title is no title. */
const titleInput = z
  .string()
  .max(MAX_TITLE_CHARACTERS)
  .transform((text) => inOneLine(text) || undefined);

const limitInput = (fallback: number, highest: number) =>
  optionalText(integerInput).transform((value) => Math.min(Math.max(value ?? fallback, 1), highest));

export function conversationRoutes(
  { conversations }: { readonly conversations: Conversations },
  { APP_TIME_ZONE: zone }: Pick<Config, 'APP_TIME_ZONE'>,
): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/conversations',
      summary: 'Begin a conversation',
      tag: TAG,
      access: 'access-key',
      body: z.object({ title: optional(titleInput) }),
      success: conversationSchema,
      idempotent: true,
      handler: async ({ caller, body, operationId }) =>
        answerOf(await conversations.create(caller.userId, operationId, body.title), zone),
    }),
    route({
      method: 'get',
      path: '/v1/conversations/recent',
      summary: 'Pinned conversations, then the newest',
      tag: TAG,
      access: 'access-key',
      query: z.object({ limit: limitInput(DEFAULT_RECENT, MAX_RECENT) }),
      success: z.array(conversationSchema),
      handler: async ({ caller, query }) =>
        (await conversations.recent(caller.userId, query.limit)).map((conversation) => answerOf(conversation, zone)),
    }),
    route({
      method: 'get',
      path: '/v1/conversations/{id}/messages',
      summary: 'The newest messages, or the newest before a time; oldest first',
      tag: TAG,
      access: 'access-key',
      params,
      query: z.object({ limit: limitInput(DEFAULT_MESSAGES, MAX_MESSAGES), before: optionalText(timeInput(zone)) }),
      success: z.array(messageSchema),
      handler: async ({ caller, params: { id }, query: { limit, before } }) =>
        (await conversations.messages(caller.userId, id, limit, before)).map((message) => messageAnswer(message, zone)),
    }),
    route({
      method: 'patch',
      path: '/v1/conversations/{id}',
      summary: 'Rename or pin a conversation',
      tag: TAG,
      access: 'access-key',
      params,
      body: z.object({ title: optional(titleInput), pinned: optional(switchInput) }),
      success: conversationSchema,
      handler: async ({ caller, params: { id }, body: { title, pinned } }) => {
        const change = { ...(title === undefined ? {} : { title }), ...(pinned === undefined ? {} : { pinned }) };
        return answerOf(await conversations.change(caller.userId, id, change), zone);
      },
    }),
    route({
      method: 'delete',
      path: '/v1/conversations/{id}',
      summary: 'Delete a conversation',
      tag: TAG,
      access: 'access-key',
      params,
      success: z.null(),
      handler: async ({ caller, params: { id } }) => {
        await conversations.delete(caller.userId, id);
        return null;
      },
    }),
  ];
}

function answerOf(conversation: Conversation, zone: string): z.input<typeof conversationSchema> {
  return {
    ...conversation,
    lastActiveAt: isoTime(conversation.lastActiveAt, zone),
    createdAt: isoTime(conversation.createdAt, zone),
    updatedAt: isoTime(conversation.updatedAt, zone),
  };
}

function messageAnswer({ reasoningContent, ...message }: Message, zone: string): z.input<typeof messageSchema> {
  return {
    ...message,
    ...(reasoningContent === null ? {} : { reasoningContent }),
    cost: message.cost === null ? null : money(message.cost),
    createdAt: isoTime(message.createdAt, zone),
  };
}
