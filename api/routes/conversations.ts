/** Kept conversations. They stand in MongoDB: while it is away these routes answer 503, everything else goes on. */
import { z } from 'zod';
import { type Conversation, inOneLine, type Message } from '../../core/conversations/conversation.ts';
import type { Conversations } from '../../core/conversations/conversations.ts';
import type { Config } from '../../infra/config.ts';
import { integerInput, optional, optionalText, switchInput } from '../http/fields.ts';
import { decimalOutput, money } from '../http/money.ts';
import { type Route, route } from '../http/route.ts';
import { isoTime, recordTimes, timeInput, timeOutput } from '../http/times.ts';

const TAG = 'Conversations';
const MAX_TITLE_CHARACTERS = 200;
const DEFAULT_RECENT = 20;
const MAX_RECENT = 100;
const DEFAULT_MESSAGES = 50;
const MAX_MESSAGES = 200;

const conversationIdOutput = z.string().describe('Id of the conversation: c_ and 32 hex digits');

const conversationSchema = z
  .object({
    conversationId: conversationIdOutput,
    title: z.string().describe('Its title; 新会话 without another'),
    pinned: z.boolean().describe('Whether it comes first in the list'),
    lastModelIdentifier: z.string().nullable().describe('The model that answered last; null before the first answer'),
    lastMessageSummary: z.string().nullable().describe('The beginning of the last message; null before the first'),
    messageCount: z.number().describe('How many messages it has'),
    lastActiveAt: timeOutput.describe('When its last message came'),
    ...recordTimes,
  })
  .meta({ id: 'Conversation' });

const messageSchema = z
  .object({
    messageId: z.string().describe('Id of the message'),
    conversationId: conversationIdOutput,
    role: z.string().describe('Who said it: user or assistant'),
    content: z.string().describe('The text'),
    reasoningContent: z.string().optional().describe('What the model thought before its answer'),
    imageUrls: z.array(z.string()).readonly().describe('Addresses of the images that came with it'),
    modelIdentifier: z.string().nullable().describe('The model that answered; null in what the user said'),
    promptTokens: z.number().nullable().describe('Tokens that were sent for this answer'),
    completionTokens: z.number().nullable().describe('Tokens of this answer'),
    cost: decimalOutput.nullable().describe('What this answer cost'),
    createdAt: timeOutput.describe('When it was said'),
  })
  .meta({ id: 'Message' });

/** An unknown id of any form is answered as not found. */
const params = z.object({ id: z.string().max(100).describe('Id of the conversation') });
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
      operationId: 'createConversation',
      summary: 'Begin a conversation',
      tag: TAG,
      access: 'access-key',
      body: z.object({ title: optional(titleInput).describe('Its title; an empty one is none') }),
      success: conversationSchema,
      idempotent: true,
      handler: async ({ caller, body, operationId }) =>
        answerOf(await conversations.create(caller.userId, operationId, body.title), zone),
    }),
    route({
      method: 'get',
      path: '/v1/conversations/recent',
      operationId: 'listConversations',
      summary: 'Pinned conversations, then the newest',
      tag: TAG,
      access: 'jwt-or-access-key',
      query: z.object({
        limit: limitInput(DEFAULT_RECENT, MAX_RECENT).describe(
          `How many; ${DEFAULT_RECENT} by default, at most ${MAX_RECENT}`,
        ),
        before: optionalText(timeInput(zone)).describe(
          'Only those that are not pinned and were last active before this time: the list goes on with that of the last',
        ),
      }),
      success: z.array(conversationSchema),
      handler: async ({ caller, query: { limit, before } }) =>
        (await conversations.recent(caller.userId, limit, before)).map((one) => answerOf(one, zone)),
    }),
    route({
      method: 'get',
      path: '/v1/conversations/{id}/messages',
      operationId: 'listMessages',
      summary: 'The newest messages, or the newest before a time; oldest first',
      tag: TAG,
      access: 'jwt-or-access-key',
      params,
      query: z.object({
        limit: limitInput(DEFAULT_MESSAGES, MAX_MESSAGES).describe(
          `How many; ${DEFAULT_MESSAGES} by default, at most ${MAX_MESSAGES}`,
        ),
        before: optionalText(timeInput(zone)).describe('Only messages from before this time'),
      }),
      success: z.array(messageSchema),
      handler: async ({ caller, params: { id }, query: { limit, before } }) =>
        (await conversations.messages(caller.userId, id, limit, before)).map((message) => messageAnswer(message, zone)),
    }),
    route({
      method: 'patch',
      path: '/v1/conversations/{id}',
      operationId: 'updateConversation',
      summary: 'Rename or pin a conversation',
      tag: TAG,
      access: 'jwt-or-access-key',
      params,
      body: z.object({
        title: optional(titleInput).describe('Another title'),
        pinned: optional(switchInput).describe('Whether it comes first in the list'),
      }),
      success: conversationSchema,
      handler: async ({ caller, params: { id }, body: { title, pinned } }) => {
        const change = { ...(title === undefined ? {} : { title }), ...(pinned === undefined ? {} : { pinned }) };
        return answerOf(await conversations.change(caller.userId, id, change), zone);
      },
    }),
    route({
      method: 'delete',
      path: '/v1/conversations/{id}',
      operationId: 'deleteConversation',
      summary: 'Delete a conversation',
      tag: TAG,
      access: 'jwt-or-access-key',
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
