/** Synchronous chat in the gateway's own form. */
import { z } from 'zod';
import { type ChatOutcome, type ChatService, chatReply, saidOf } from '../../activities/inference/chat.ts';
import { chatBodyOf } from '../../activities/inference/chat-request.ts';
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { askedInChat } from '../../core/conversations/turn.ts';
import type { OpenTurn, Turns } from '../../core/conversations/turns.ts';
import { claimRequest, type IdempotentRequests } from '../../core/ledger/idempotency.ts';
import type { Config } from '../../infra/config.ts';
import { newId } from '../../infra/ids.ts';
import { callHeaders, keptCall, replayCall } from '../http/call-answer.ts';
import { successTextOf } from '../http/envelope.ts';
import { keyedRequest, MAX_REQUEST_ID } from '../http/keyed.ts';
import { idInput, optional, switchInput } from '../http/lenient.ts';
import { decimalOutput } from '../http/money.ts';
import { tellLimits } from '../http/rate-limit-headers.ts';
import { ANSWERED, IMAGE_BODY_BYTES, type Route, route } from '../http/route.ts';

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

interface Services {
  readonly chat: ChatService;
  readonly turns: Turns;
  readonly idempotency: Pick<IdempotentRequests, 'orAnsweredBefore'>;
}

export function chatRoutes(services: Services, config: Config): Route[] {
  return [
    route({
      method: 'post',
      path: '/v1/chat',
      summary: 'Chat, answered when the model has finished',
      tag: 'Inference',
      access: 'access-key',
      claimsKey: true,
      body: chatBody,
      bodyLimitBytes: IMAGE_BODY_BYTES,
      unknownFields: 'ignored',
      success: chatReplySchema,
      handler: async ({ ctx, caller, body, rawBody, traceId, log }) => {
        const requestId = newId();
        const keyed = keyedRequest(ctx, caller, rawBody, body.requestId);
        const claim = keyed && claimRequest(keyed.scope, keyed.key, keyed.fingerprint, requestId);
        const chatRequest = chatBodyOf(body);
        const opened: { turn?: OpenTurn } = {};
        const answerText = (outcome: ChatOutcome) => {
          const { turn } = opened;
          const keptAs = turn && { conversationId: turn.turn.conversationId, messageId: turn.answerId(requestId) };
          return JSON.stringify(chatReply(outcome, keptAs));
        };
        const reply = await services.idempotency.orAnsweredBefore(claim, async () => {
          const turn = body.persistHistory ? await openTurn(services.turns, caller, body) : undefined;
          if (turn) opened.turn = turn;
          return services.chat.complete(
            {
              caller,
              model: modelNameOf(body),
              body: turn ? { ...chatRequest, messages: turn.tell(chatRequest.messages) } : chatRequest,
              traceId,
              onLimits: tellLimits(ctx),
              ...(claim ? { claim, keep: (outcome: ChatOutcome) => keptCall(outcome, answerText(outcome)) } : {}),
            },
            // A client that leaves does not end its call: what the provider does is charged all the same.
            { signal: AbortSignal.timeout(config.UPSTREAM_TOTAL_TIMEOUT), heartbeat: () => undefined, log, requestId },
          );
        });
        if (reply.kind === 'answered-now') {
          ctx.set(callHeaders(reply.outcome));
          await opened.turn?.keep(requestId, saidOf(reply.outcome));
        }
        const dataText =
          reply.kind === 'answered-now' ? answerText(reply.outcome) : replayCall(ctx, reply.answer).toString();
        ctx.type = 'application/json; charset=utf-8';
        ctx.body = successTextOf(dataText, traceId);
        return ANSWERED;
      },
    }),
  ];
}
