/** Synchronous chat in the gateway's own form. */
import { z } from 'zod';
import { type ChatOutcome, type ChatService, chatReply, saidOf } from '../../activities/inference/chat.ts';
import { chatBodyOf } from '../../activities/inference/chat-request.ts';
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { askedInChat } from '../../core/conversations/turn.ts';
import type { OpenTurn, Turns } from '../../core/conversations/turns.ts';
import type { Config } from '../../infra/config.ts';
import { idInput, optional, switchInput } from '../http/fields.ts';
import { ENVELOPE } from '../http/forms.ts';
import { MAX_REQUEST_ID } from '../http/idempotency.ts';
import type { InferenceServices, WholeCall } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import { decimalOutput } from '../http/money.ts';
import { IMAGE_BODY_BYTES, type Route } from '../http/route.ts';

/** Characters of a text or of a picture in base64; a body is not larger. */
export const MOST_CHARACTERS = IMAGE_BODY_BYTES;
export const MOST_MESSAGES = 10_000;
const MOST_IMAGES = 500;
export const modelNameInput = z.string().max(150);

const imageSchema = z.object({
  base64: optional(z.string().max(MOST_CHARACTERS)).meta({ description: 'With or without a data URL prefix.' }),
  url: optional(z.string().max(MOST_CHARACTERS)),
});

/** Request fields in the words of providers. */
export const optionsInput = z.record(z.string().max(100), z.unknown()).meta({ maxProperties: 200 });

/** What chat requests in the gateway's own form have in common, synchronous or not. */
export const chatFields = {
  userMessage: optional(z.string().max(MOST_CHARACTERS)),
  modelInternalId: optional(idInput),
  modelIdentifier: optional(modelNameInput),
  history: optional(
    z.array(z.object({ role: z.string().max(50), content: z.string().max(MOST_CHARACTERS) })).max(MOST_MESSAGES),
  ),
  options: optional(optionsInput),
  images: optional(z.array(imageSchema).max(MOST_IMAGES)),
  persistHistory: optional(switchInput).meta({ description: 'Keep the messages; without history, tell the last ones' }),
  conversationId: optional(z.string().max(100)),
  requestId: optional(z.string().max(MAX_REQUEST_ID)),
};

const chatBody = z.object(chatFields);
type ChatFields = z.output<typeof chatBody>;

const chatReplySchema = z.object({
  assistantMessage: z.string(),
  reasoningContent: z.string().optional(),
  usedModelIdentifier: z.string(),
  inputTokensCount: z.number(),
  outputTokensCount: z.number(),
  cost: decimalOutput,
  conversationId: z.string().optional(),
  messageId: z.string().optional(),
  requestId: z.string(),
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

export function chatRoutes(services: Services, config: Config): Route[] {
  return [
    inferenceRoute(services, config.UPSTREAM_TOTAL_TIMEOUT, {
      path: '/v1/chat',
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
        const body = turn ? { ...asked, messages: turn.tell(asked.messages) } : asked;
        return services.chat.complete({ ...request, model: modelNameOf(fields), body }, context);
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
