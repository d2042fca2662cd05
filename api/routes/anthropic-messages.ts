/** Chat as Anthropic's clients speak it. */
import { z } from 'zod';
import type { ChatOutcome, ChatService } from '../../activities/inference/chat.ts';
import { messageOf } from '../../activities/inference/messages/answer.ts';
import type { CountTokens } from '../../activities/inference/messages/count.ts';
import { passedOn, WrittenAnew } from '../../activities/inference/messages/events.ts';
import { type MessagesInput, messagesInput } from '../../activities/inference/messages/request.ts';
import type { CostShown } from '../../activities/inference/openai-words.ts';
import type { ChatStreams, StreamEnd } from '../../activities/inference/stream.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import { withMember } from '../../infra/json-member.ts';
import { ANTHROPIC } from '../http/anthropic-form.ts';
import type { InferenceServices, WholeCall } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import type { EventWriter, ServedStream } from '../http/inference-stream.ts';
import { IMAGE_BODY_BYTES, type Route, route } from '../http/route.ts';
import { MOST_MESSAGES, modelNameInput } from './chat.ts';

/** Of agents with many servers of tools. */
const MOST_TOOLS = 1_000;
const MOST_STOPS = 1_000;
/** Characters of a prompt are about so many to a token. */
const CHARACTERS_PER_TOKEN = 4;

const prompt = {
  model: modelNameInput.nullish().describe('Identifier of the model; the gateway chooses when left out'),
  messages: z.array(z.unknown()).max(MOST_MESSAGES).describe('The conversation so far, oldest first'),
  system: z.unknown().optional().describe('Instructions before the messages, as text or a list of blocks'),
  tools: z.array(z.looseObject({})).max(MOST_TOOLS).nullish().describe('Tools that the model may call'),
};

const messagesBody = z
  .looseObject({
    ...prompt,
    max_tokens: z.unknown().describe('The most tokens of the answer; required'),
    stream: z.boolean().nullish().describe('Answer as server-sent events'),
    stop_sequences: z
      .array(z.string().max(1_000))
      .max(MOST_STOPS)
      .nullish()
      .describe('The answer ends before any of these texts'),
  })
  .meta({ description: "Anthropic's Messages; fields that are not listed pass to a provider that speaks them." });

const message = z
  .looseObject({
    content: z.array(z.looseObject({})).describe('The blocks of the answer'),
    stop_reason: z.string().nullish().describe('Why it ended'),
    usage: z.looseObject({}).describe('Tokens; those of the cache stand beside input_tokens'),
  })
  .meta({ description: "Anthropic's message" });

const events = {
  status: 200,
  description: 'With stream: true',
  mediaType: 'text/event-stream',
  schema: z.string().meta({ description: 'message_start, content blocks, message_delta, message_stop; or error' }),
};

interface Services extends InferenceServices {
  readonly chat: ChatService;
  readonly chatStreams: ChatStreams;
  readonly countTokens: CountTokens;
}

export function anthropicMessageRoutes(services: Services): Route[] {
  return [
    inferenceRoute(services, {
      path: '/v1/messages',
      operationId: 'createMessage',
      summary: 'Chat, as Anthropic’s clients ask for it',
      description:
        'Where the provider speaks Messages, request and answer pass as they are; otherwise both are translated.',
      body: messagesBody,
      success: message,
      otherAnswers: [events],
      form: ANTHROPIC,
      parse: ({ body, ctx }) => messagesInput(body, ctx.req.headers),
      run: (asked, { request, context }: WholeCall<ChatOutcome>) =>
        services.chat.complete({ ...request, ...askedOf(asked, request.session) }, context),
      render: (outcome, { model }: MessagesInput) =>
        messageOf(outcome, model ?? outcome.modelIdentifier, services.costShown),
      text: ({ native, modelIdentifier }, { model }) =>
        native === undefined ? undefined : withMember(native, 'model', model ?? modelIdentifier),
      stream: {
        isAsked: ({ stream }) => stream,
        run: (asked, { request, context }) =>
          services.chatStreams.open({ ...request, ...askedOf(asked, request.session) }, context),
        writer: (asked, _turn, served) => writerOf(asked, served, services.costShown),
      },
    }),
    route({
      method: 'post',
      path: '/v1/messages/count_tokens',
      operationId: 'countMessageTokens',
      summary: 'Tokens of a prompt; free, and outside of the limits of keys',
      tag: 'Inference',
      access: 'access-key',
      body: z.looseObject(prompt).meta({ description: 'A request of POST /v1/messages' }),
      bodyLimitBytes: IMAGE_BODY_BYTES,
      unknownFields: 'ignored',
      form: ANTHROPIC,
      success: z.object({ input_tokens: z.number().int().describe('Tokens of the prompt, those of tools among them') }),
      handler: async ({ body, ctx, caller, log }) => ({
        input_tokens: await services.countTokens(messagesInput(body, ctx.req.headers), caller, log),
      }),
    }),
  ];
}

function askedOf({ model, body, native, user }: MessagesInput, session: string | undefined) {
  return {
    ...{ body, native, session: session ?? user },
    model: model === undefined ? {} : { identifier: model },
  };
}

function writerOf(
  { model: asked, native }: MessagesInput,
  served: ServedStream,
  shown: CostShown | undefined,
): EventWriter {
  const model = asked ?? served.modelIdentifier;
  const promptTokens = Math.ceil(native.size.textBytes / CHARACTERS_PER_TOKEN);
  const writer = served.native
    ? passedOn(model)
    : new WrittenAnew({ requestId: served.requestId, model, promptTokens }, shown);
  return {
    events: (chunk) => writer.events(chunk),
    end: (end: StreamEnd) => {
      const rule = end.priceRule === null ? '' : ` x-price-rule=${end.priceRule}`;
      return `: x-cost=${formatMoney(end.cost)} x-request-id=${end.requestId}${rule}\n\n${writer.end(end)}`;
    },
  };
}
