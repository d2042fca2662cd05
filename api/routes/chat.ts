/** Synchronous chat in the gateway's own form. */
import { z } from 'zod';
import { type ChatOutcome, type ChatService, chatReply, saidOf } from '../../activities/inference/chat.ts';
import { chatBodyOf } from '../../activities/inference/chat-request.ts';
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { askedInChat } from '../../core/conversations/turn.ts';
import type { OpenTurn, Turns } from '../../core/conversations/turns.ts';
import { idInput, optional, switchInput } from '../http/fields.ts';
import { ENVELOPE } from '../http/forms.ts';
import { MAX_REQUEST_ID } from '../http/idempotency.ts';
import type { InferenceServices, WholeCall } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import { decimalOutput } from '../http/money.ts';
import { IMAGE_BODY_BYTES, type Route } from '../http/route.ts';

/** Characters of a text or of an image in base64; a body is not larger. */
export const MOST_CHARACTERS = IMAGE_BODY_BYTES;
export const MOST_MESSAGES = 10_000;
const MOST_IMAGES = 500;
export const modelNameInput = z
  .string()
  .max(150)
  .describe('Identifier of the model; the gateway chooses when left out');
/** Of a request in OpenAI's form. */
export const openAiRequestIdInput = z
  .string()
  .max(MAX_REQUEST_ID)
  .nullish()
  .describe('Of the caller: the same id and body get the first answer again, and one charge');
/** Of a request in the gateway's own form. */
export const requestIdInput = optional(z.string().max(MAX_REQUEST_ID)).describe(
  'Of the caller: the same id and body get the first answer again, and one charge',
);
export const modelFields = {
  modelInternalId: optional(idInput).describe('Id of the model; this or its identifier'),
  modelIdentifier: optional(modelNameInput).describe('Identifier of the model; the gateway chooses when left out'),
};

const imageSchema = z.object({
  base64: optional(z.string().max(MOST_CHARACTERS)).describe(
    'The image in base64, with or without the head of a data URL',
  ),
  url: optional(z.string().max(MOST_CHARACTERS)).describe('Its address, or a data URL; this or base64'),
});

/** Request fields in the words of providers. */
export const optionsInput = z.record(z.string().max(100), z.unknown()).meta({ maxProperties: 200 });

/** What chat requests in the gateway's own form have in common, synchronous or not. */
export const chatFields = {
  userMessage: optional(z.string().max(MOST_CHARACTERS)).describe('What the user says now'),
  ...modelFields,
  history: optional(
    z
      .array(
        z.object({
          role: z.string().max(50).describe('system, user or assistant'),
          content: z.string().max(MOST_CHARACTERS).describe('The text'),
        }),
      )
      .max(MOST_MESSAGES),
  ).describe('What was said before, oldest first'),
  options: optional(optionsInput).describe('temperature, top_p, max_tokens and the like; others pass to the provider'),
  images: optional(z.array(imageSchema).max(MOST_IMAGES)).describe('Images that the user shows with the message'),
  persistHistory: optional(switchInput).describe(
    'Keep the messages in a conversation; without history, its last ones are sent along',
  ),
  conversationId: optional(z.string().max(100)).describe('The conversation to keep them in; a new one when left out'),
  requestId: requestIdInput,
};

const chatBody = z.object(chatFields);
type ChatFields = z.output<typeof chatBody>;

const chatReplySchema = z.object({
  assistantMessage: z.string().describe('What the model says'),
  reasoningContent: z.string().optional().describe('What it thought before, where it shows its thoughts'),
  refusal: z.string().optional().describe('Why the model does not answer'),
  toolCalls: z
    .array(z.looseObject({}))
    .optional()
    .describe('Calls of tools in OpenAI’s form, with whatever the provider adds'),
  functionCall: z.looseObject({}).optional().describe('The older form of one call'),
  contentParts: z
    .array(z.unknown())
    .optional()
    .describe('The parts of a content that is more than one text; assistantMessage is their text'),
  annotations: z.array(z.unknown()).optional().describe('Such as the sources of a search'),
  images: z.array(z.unknown()).optional().describe('Images beside the text, as the provider gives them'),
  audio: z.looseObject({}).optional().describe('Speech in OpenAI’s form'),
  finishReason: z.string().nullable().describe('stop, length, tool_calls …; null when none was given'),
  choices: z.array(z.looseObject({})).optional().describe('All choices, where there are several'),
  usedModelIdentifier: z.string().describe('The model that answered'),
  inputTokensCount: z.number().describe('Tokens that were sent'),
  outputTokensCount: z.number().describe('Tokens that were generated'),
  cost: decimalOutput.describe('What the call cost'),
  priceRule: z.string().optional().describe('The rule of the price that was applied; absent for none'),
  conversationId: z.string().optional().describe('The conversation that keeps the messages'),
  messageId: z.string().optional().describe('Id of the answer in it'),
  requestId: z.string().describe('Id of the call, for the usage log'),
});

/** The model a request names, if it names one. */
export function modelNameOf(body: { modelInternalId?: number | undefined; modelIdentifier?: string | undefined }) {
  return {
    ...(body.modelInternalId === undefined ? {} : { id: body.modelInternalId }),
    ...(body.modelIdentifier === undefined || body.modelIdentifier === '' ? {} : { identifier: body.modelIdentifier }),
  };
}

/** The turn of a kept conversation that a request asks for. @throws {AppError} as `Turns.begin`. */
export function openTurn(turns: Turns, { userId }: AccessKeyCaller, body: ChatFields): Promise<OpenTurn> {
  const conversationId = body.conversationId === '' ? undefined : body.conversationId;
  const hasHistory = body.history !== undefined && body.history.length > 0;
  return turns.begin({ userId, conversationId, asked: askedInChat(body), hasHistory });
}

interface Services extends InferenceServices {
  readonly chat: ChatService;
  readonly turns: Turns;
}

export function chatRoutes(services: Services): Route[] {
  return [
    inferenceRoute(services, {
      path: '/v1/chat',
      operationId: 'chat',
      summary: 'Chat, answered when the model has finished',
      body: chatBody,
      success: chatReplySchema,
      form: ENVELOPE,
      parse: ({ body }) => ({ fields: body, request: chatBodyOf(body) }),
      requestId: ({ fields }) => fields.requestId,
      conversation: {
        open: async ({ fields }, caller) =>
          fields.persistHistory ? openTurn(services.turns, caller, fields) : undefined,
      },
      run: ({ fields, request: asked }, { request, context, turn }: WholeCall<ChatOutcome>) => {
        const history = turn
          ? { body: { ...asked, messages: turn.withHistory(asked.messages) }, session: turn.turn.conversationId }
          : { body: asked };
        return services.chat.complete({ ...request, model: modelNameOf(fields), ...history }, context);
      },
      render: (outcome, _asked, turn) => {
        const keptAs = turn && {
          conversationId: turn.turn.conversationId,
          messageId: turn.answerId(outcome.requestId),
        };
        return chatReply(outcome, keptAs);
      },
      said: (outcome) => saidOf(outcome),
    }),
  ];
}
