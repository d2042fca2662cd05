/** Chat as OpenAI's clients speak it, under OpenAI's own path and the gateway's. */
import { z } from 'zod';
import { type ChatOutcome, type ChatService, saidOf } from '../../activities/inference/chat.ts';
import { type OpenAiChatInput, openAiChatInput } from '../../activities/inference/chat-request.ts';
import {
  type CostShown,
  chunkInOpenAiWords,
  completionInOpenAiWords,
  usageChunk,
  usageInOpenAiWords,
} from '../../activities/inference/openai-words.ts';
import type { ChatStreams } from '../../activities/inference/stream.ts';
import { ClientStream, endOfStream, RepeatedEvents } from '../../activities/inference/stream-events.ts';
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { askedInMessages, tellsHistory } from '../../core/conversations/turn.ts';
import type { OpenTurn, Turns } from '../../core/conversations/turns.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import { OPENAI } from '../http/forms.ts';
import type { InferenceServices, WholeCall } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import type { EventWriter } from '../http/inference-stream.ts';
import type { Route } from '../http/route.ts';
import { MOST_MESSAGES, modelNameInput, openAiRequestIdInput, optionsInput } from './chat.ts';

/** Of agents with many servers of tools; OpenAI itself takes 128. */
export const MOST_TOOLS = 1_000;
/** OpenAI takes 4. */
const MOST_STOPS = 50;
const stopText = z.string().max(1_000);

const chatBody = z
  .looseObject({
    model: modelNameInput.nullish().describe('Identifier of the model; the gateway chooses when left out'),
    messages: z.array(z.unknown()).max(MOST_MESSAGES).describe('The conversation so far, oldest first'),
    stream: z.boolean().nullish().describe('Answer as server-sent events'),
    tools: z.array(z.unknown()).max(MOST_TOOLS).nullish().describe('Functions that the model may call'),
    functions: z.array(z.unknown()).max(MOST_TOOLS).nullish().describe('The older form of tools'),
    stop: z
      .union([stopText, z.array(stopText).max(MOST_STOPS)])
      .nullish()
      .describe('The answer ends before any of these texts'),
    conversation_id: z
      .string()
      .max(100)
      .nullish()
      .describe('The conversation to keep the messages in; a new one when left out'),
    persist_history: z.boolean().nullish().describe('Keep the messages in a conversation'),
    request_id: openAiRequestIdInput,
    extra_params: optionsInput.nullish().describe("Fields for the provider's request, as they are"),
  })
  .meta({ description: 'OpenAI chat.completions; fields that are not listed pass to the provider.' });

/** A provider's own answer goes through with all that it has. */
const completion = z
  .looseObject({
    choices: z.array(z.looseObject({})).min(1).describe('The answers, each with a message and a finish_reason'),
    conversation_id: z.string().optional().describe('The conversation that keeps the messages'),
  })
  .meta({ description: 'OpenAI chat.completion' });
const events = {
  status: 200,
  description: 'With stream: true',
  mediaType: 'text/event-stream',
  schema: z
    .string()
    .meta({ description: 'OpenAI chat.completion.chunk as events; an `error` event ends a failed one' }),
};

interface Services extends InferenceServices {
  readonly chat: ChatService;
  readonly chatStreams: ChatStreams;
  readonly turns: Turns;
}

export function openAiChatRoutes(services: Services): Route[] {
  const chat = (operationId: string, path: string, summary: string, streamed: boolean): Route =>
    inferenceRoute(services, {
      path,
      operationId,
      summary,
      body: chatBody,
      success: streamed ? events.schema : completion,
      mediaType: streamed ? events.mediaType : 'application/json',
      otherAnswers: streamed ? [] : [events],
      form: OPENAI,
      parse: ({ body }) => openAiChatInput(body),
      requestId: ({ requestId }) => requestId,
      conversation: { open: (asked, caller) => openTurn(services.turns, caller, asked) },
      run: (asked, { request, context, turn }: WholeCall<ChatOutcome>) =>
        services.chat.complete({ ...request, ...askedOf(asked, turn) }, context),
      render: (outcome, { model }: OpenAiChatInput, turn) => {
        const usage = usageInOpenAiWords(outcome.completion.usage, outcome, services.costShown);
        const whole = completionInOpenAiWords(outcome.completion, model ?? outcome.modelIdentifier, usage);
        return turn ? { ...whole, conversation_id: turn.turn.conversationId } : whole;
      },
      said: (outcome) => saidOf(outcome),
      stream: {
        isAsked: ({ stream }) => streamed || stream,
        run: (asked, { request, context, turn }) =>
          services.chatStreams.open({ ...request, ...askedOf(asked, turn) }, context),
        writer: (asked, turn, { modelIdentifier }) => eventsOf(asked, turn, modelIdentifier, services.costShown),
        said: saidOf,
      },
    });
  return [
    chat('createChatCompletion', '/v1/chat/completions', 'Chat, under OpenAI’s own path', false),
    chat('createChat', '/v2/chat', 'Chat in OpenAI’s form; a stream with stream: true', false),
    chat('streamChat', '/v2/chat/stream', 'The same as server-sent events', true),
  ];
}

/** The turn of a kept conversation, where a request asks for one. @throws {AppError} as `Turns.begin`. */
async function openTurn(
  turns: Turns,
  { userId }: AccessKeyCaller,
  { conversationId, body, persistHistory }: OpenAiChatInput,
): Promise<OpenTurn | undefined> {
  if (!persistHistory) return undefined;
  const asked = askedInMessages(body.messages);
  return turns.begin({ userId, conversationId, asked, hasHistory: tellsHistory(body.messages) });
}

function askedOf({ model, body }: OpenAiChatInput, turn: OpenTurn | undefined) {
  return {
    model: model === undefined ? {} : { identifier: model },
    ...(turn
      ? { body: { ...body, messages: turn.withHistory(body.messages) }, session: turn.turn.conversationId }
      : { body }),
  };
}

function eventsOf(
  { model, wantsUsage }: OpenAiChatInput,
  turn: OpenTurn | undefined,
  served: string,
  shown: CostShown | undefined,
): EventWriter {
  const client = new ClientStream(wantsUsage, turn?.turn.conversationId);
  const named = model ?? served;
  const repeated = new RepeatedEvents((chunk) => client.eventOf(chunkInOpenAiWords(chunk, named)));
  return {
    events: (chunk) => client.events(chunkInOpenAiWords(chunk, named)),
    repeated: (text) => repeated.event(text),
    end: (end) => {
      const last = client.lastEvents({
        usage: (said) => usageInOpenAiWords(said, end, shown),
        usageChunk: (usage) => usageChunk(end.completion, named, usage),
      });
      return last + endOfStream(formatMoney(end.cost), end.requestId, end.priceRule);
    },
  };
}
