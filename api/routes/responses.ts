/** Responses, as OpenAI's clients speak them by default, and Codex: asked for, kept, asked for again. */
import { z } from 'zod';
import { type ChatOutcome, saidOf } from '../../activities/inference/chat.ts';
import type { CountTokens } from '../../activities/inference/messages/count.ts';
import { type CostShown, chunkInOpenAiWords } from '../../activities/inference/openai-words.ts';
import {
  EventTexts,
  ResponseAnswer,
  responseIdOf,
  responseUsage,
} from '../../activities/inference/responses/answer.ts';
import { askedResponse, messagesOfResponse } from '../../activities/inference/responses/asked.ts';
import { PassedOnResponse } from '../../activities/inference/responses/passed-on.ts';
import { beginningOf, restOf } from '../../activities/inference/responses/replay.ts';
import { type ResponsesInput, responsesInput } from '../../activities/inference/responses/request.ts';
import { inputOf, type Responses, responseOf } from '../../activities/inference/responses/responses.ts';
import { costComment } from '../../activities/inference/stream-events.ts';
import type { ResponseJobs } from '../../activities/jobs/response-jobs.ts';
import { askedInMessages, tellsHistory } from '../../core/conversations/turn.ts';
import type { OpenTurn, Turns } from '../../core/conversations/turns.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import { errorText, openAiCodeOf } from '../../infra/error-answers.ts';
import { invalid } from '../../infra/errors.ts';
import { isJsonObject, parseJson } from '../../infra/json-object.ts';
import { tagsOf } from '../http/attribution.ts';
import { OPENAI } from '../http/forms.ts';
import { keyedRequest } from '../http/idempotency.ts';
import { type InferenceInput, type InferenceServices, type WholeCall, watched } from '../http/inference-call.ts';
import { inferenceRoute } from '../http/inference-route.ts';
import type { EventWriter, ServedStream } from '../http/inference-stream.ts';
import { JsonText } from '../http/large-answers.ts';
import { ANSWERED, IMAGE_BODY_BYTES, type Route, route } from '../http/route.ts';
import type { ApiContext } from '../http/route-input.ts';
import { EventStream } from '../http/sse.ts';
import { type Authenticator, isStillAdmitted, whileAdmitted } from '../middleware/caller.ts';
import { MOST_CHARACTERS, MOST_MESSAGES, modelNameInput, openAiRequestIdInput } from './chat.ts';
import { DEFAULT_PRIORITY, submittedOnce } from './job-submissions.ts';
import { MOST_TOOLS } from './openai-chat.ts';

const LONGEST_ID = 200;
const responseIdInput = z.string().max(LONGEST_ID);
const objects = z.looseObject({});
/** OpenAI takes as much. */
const metadataInput = z.record(z.string().max(64), z.string().max(512)).meta({ maxProperties: 16 });

const body = z
  .looseObject({
    model: modelNameInput.nullish().describe('Identifier of the model; the gateway chooses when left out'),
    input: z
      .union([z.string().max(MOST_CHARACTERS), z.array(z.unknown()).max(MOST_MESSAGES)])
      .nullish()
      .describe('A text, or the items of the conversation that are new'),
    instructions: z.string().max(MOST_CHARACTERS).nullish().describe('Instructions before everything else'),
    previous_response_id: responseIdInput.nullish().describe('The kept response that this one goes on from'),
    conversation: z
      .union([responseIdInput, z.looseObject({ id: responseIdInput.describe('Its id') })])
      .nullish()
      .describe('The kept conversation that the texts are added to'),
    store: z.boolean().nullish().describe('Keep the response for 30 days, unless false'),
    stream: z.boolean().nullish().describe('Answer as server-sent events'),
    background: z
      .boolean()
      .nullish()
      .describe('Answer at once; the response is made by a job, and is to be asked for until it has ended'),
    tools: z.array(z.unknown()).max(MOST_TOOLS).nullish().describe('Tools of the client that the model may call'),
    include: z.array(z.string().max(100)).max(50).nullish().describe('What the answer is to have beside its items'),
    reasoning: objects.nullish().describe('effort, and summary where thoughts are to be summarized'),
    text: objects.nullish().describe('format and verbosity of the answer'),
    metadata: metadataInput.nullish().describe('Repeated in the response'),
    request_id: openAiRequestIdInput,
  })
  .meta({ description: 'OpenAI responses; fields that are not listed pass to the provider.' });

const answer = z
  .looseObject({
    id: z.string().describe('Its id, to be asked for again and gone on from'),
    object: z.literal('response').describe('Always response'),
    status: z.string().describe('completed, incomplete, failed, in_progress, queued or cancelled'),
    output: z.array(z.looseObject({})).describe('Its items: thoughts, messages, calls of tools'),
  })
  .meta({ description: 'OpenAI response' });
const events = {
  status: 200,
  description: 'With stream: true',
  mediaType: 'text/event-stream',
  schema: z.string().meta({ description: 'OpenAI’s events of a response; response.failed ends a failed one' }),
};
const params = z.object({ responseId: responseIdInput.describe('Id of the response') });

interface Followed {
  readonly userId: number;
  readonly responseId: string;
  readonly signal: AbortSignal;
  /** Number of the last event that the client knows; -1: none. */
  readonly after: number;
}

function isLive({ status }: { readonly status?: unknown }): boolean {
  return status === 'queued' || status === 'in_progress';
}

const jsonObject = z.record(z.string(), z.unknown());

interface Services extends InferenceServices {
  readonly authenticator: Authenticator;
  readonly responses: Responses;
  readonly responseJobs: ResponseJobs;
  readonly countTokens: CountTokens;
  readonly turns: Turns;
}

export function responseRoutes(services: Services): Route[] {
  const { responses, responseJobs, turns } = services;
  const textOf = async (userId: number, responseId: string): Promise<string> => {
    const kept = await responses.find(userId, responseId);
    return kept?.response ?? JSON.stringify(await responseJobs.find(userId, responseId));
  };
  const inputItems = async (userId: number, responseId: string): Promise<readonly unknown[]> => {
    const kept = await responses.find(userId, responseId);
    return kept ? inputOf(kept) : responseJobs.inputItems(userId, responseId);
  };
  /** The events of a response behind the last that is known, until it has ended. */
  const follow = async (ctx: ApiContext, followed: Followed): Promise<void> => {
    const { userId, responseId, signal, after } = followed;
    const read = async () => jsonObject.parse(JSON.parse(await textOf(userId, responseId)));
    const first = await read();
    const texts = new EventTexts(after);
    const stream = new EventStream(ctx);
    const pending = { ...first, status: 'queued', output: [], usage: null, error: null, incomplete_details: null };
    await stream.write(texts.of(beginningOf(pending)));
    const isAdmitted = () => isStillAdmitted(shared.access, ctx, services.authenticator);
    const afterEnd = async () => {
      await whileAdmitted(isAdmitted, signal, (admitted) => responseJobs.ended(userId, responseId, admitted));
      return read();
    };
    const last = isLive(first) ? await afterEnd() : first;
    if (!isLive(last) && !stream.gone) await stream.write(texts.of(restOf(last)));
    stream.end();
  };
  const turnOf = async (asked: ResponsesInput, userId: number): Promise<OpenTurn | undefined> => {
    const { conversationId } = asked;
    if (conversationId === undefined) return undefined;
    const messages = messagesOfResponse(asked);
    const hasHistory = tellsHistory(messages);
    return turns.begin({ userId, conversationId, asked: askedInMessages(messages), hasHistory });
  };
  const submit = async (asked: ResponsesInput, input: InferenceInput<unknown>): Promise<void> => {
    const { ctx, caller, rawBody, traceId, signal } = input;
    const keyed = keyedRequest(ctx, caller, rawBody, asked.requestId);
    const submission = {
      ...{ caller, traceId, priority: DEFAULT_PRIORITY, metadata: null, webhookUrl: null },
      ...{ ...watched(ctx), tags: tagsOf(ctx.req.headers) },
      ...(keyed ? { keyed } : {}),
    };
    const send = () => responseJobs.submit(asked, submission);
    const jobId = await submittedOnce(services.idempotency, keyed, send);
    ctx.set('x-request-id', jobId);
    const responseId = responseIdOf(jobId);
    if (asked.stream) return follow(ctx, { userId: caller.userId, responseId, signal, after: -1 });
    ctx.type = 'application/json; charset=utf-8';
    ctx.body = await textOf(caller.userId, responseId);
  };
  const shared = { tag: 'Inference', access: 'access-key', form: OPENAI, params } as const;
  return [
    inferenceRoute(services, {
      path: '/v1/responses',
      operationId: 'createResponse',
      summary: 'A response, under OpenAI’s own path; a stream with stream: true',
      body,
      success: answer,
      otherAnswers: [events],
      form: OPENAI,
      parse: ({ body: asked }): ResponsesInput => responsesInput(asked, Date.now()),
      requestId: ({ requestId }) => requestId,
      conversation: { open: (asked, { userId }) => turnOf(asked, userId) },
      run: (asked, { request, context, turn }: WholeCall<ChatOutcome>) =>
        responses.complete(asked, request, context, turn),
      render: (outcome, asked) => responseOf(asked, outcome, services.costShown),
      said: (outcome) => saidOf(outcome),
      background: { isAsked: ({ background }) => background, answer: (asked, input) => submit(asked, input) },
      stream: {
        isAsked: ({ stream }) => stream,
        run: (asked, { request, context, turn }) => responses.open(asked, request, context, turn),
        writer: (asked, _turn: OpenTurn | undefined, served) => eventsOf(asked, served, services.costShown),
        said: saidOf,
      },
    }),
    route({
      ...{ tag: 'Inference', access: 'access-key', form: OPENAI },
      method: 'post',
      path: '/v1/responses/input_tokens',
      operationId: 'countResponseInputTokens',
      summary: 'Tokens that a response would read; an estimate, free, and outside of the limits of keys',
      body,
      bodyLimitBytes: IMAGE_BODY_BYTES,
      unknownFields: 'ignored',
      success: z.object({
        object: z.literal('response.input_tokens').describe('Always response.input_tokens'),
        input_tokens: z
          .number()
          .int()
          .describe('Tokens of instructions, items and tools, with those of what it goes on from'),
      }),
      handler: async ({ body: given, caller, log }) => {
        const asked = responsesInput(given, Date.now());
        const turn = await turnOf(asked, caller.userId);
        const tokens = await responses.prepared(caller, asked, ({ items }) =>
          services.countTokens({ model: asked.model, ...askedResponse(asked, items, turn?.turn.context) }, caller, log),
        );
        return { object: 'response.input_tokens' as const, input_tokens: tokens };
      },
    }),
    route({
      ...shared,
      method: 'get',
      path: '/v1/responses/{responseId}',
      operationId: 'getResponse',
      summary: 'A kept response, or one that is being made in the background; its events with stream=true',
      unknownFields: 'ignored',
      query: z.object({
        stream: z.enum(['true', 'false']).optional().describe('Answer as server-sent events, until it has ended'),
        starting_after: z.coerce
          .number()
          .int()
          .min(0)
          .optional()
          .describe('Number of the last event that is known; with stream'),
      }),
      success: answer,
      otherAnswers: [events],
      handler: async ({ ctx, caller, params: { responseId }, query, signal }) => {
        const { userId } = caller;
        if (query.stream !== 'true') return new JsonText(await textOf(userId, responseId));
        await follow(ctx, { userId, responseId, signal, after: query.starting_after ?? -1 });
        return ANSWERED;
      },
    }),
    route({
      ...shared,
      method: 'post',
      path: '/v1/responses/{responseId}/cancel',
      operationId: 'cancelResponse',
      summary: 'Cancel a response that is made in the background; what its provider is paid for by then is charged',
      unknownFields: 'ignored',
      success: answer,
      handler: async ({ caller, params: { responseId }, log }) =>
        new JsonText(JSON.stringify(await responseJobs.cancel(caller.userId, responseId, log))),
    }),
    route({
      ...shared,
      method: 'delete',
      path: '/v1/responses/{responseId}',
      operationId: 'deleteResponse',
      summary: 'Delete a kept response',
      success: z.object({
        id: z.string().describe('Its id'),
        object: z.literal('response').describe('Always response'),
        deleted: z.literal(true).describe('Always true'),
      }),
      handler: async ({ caller: { userId }, params: { responseId } }) => {
        if (!(await responses.remove(userId, responseId))) await responseJobs.remove(userId, responseId);
        return { id: responseId, object: 'response' as const, deleted: true as const };
      },
    }),
    route({
      ...shared,
      method: 'get',
      path: '/v1/responses/{responseId}/input_items',
      operationId: 'listResponseInputItems',
      summary: 'The items that a kept response was asked with, newest first unless asked otherwise',
      unknownFields: 'ignored',
      query: z.object({
        limit: z.coerce.number().int().min(1).max(100).default(20).describe('How many at most'),
        order: z.enum(['asc', 'desc']).default('desc').describe('asc: as they were asked with'),
        after: z.string().max(LONGEST_ID).optional().describe('The id of the item that they follow'),
      }),
      success: z.object({
        object: z.literal('list').describe('Always list'),
        data: z.array(z.looseObject({})).describe('The items'),
        first_id: z.string().nullable().describe('Id of the first'),
        last_id: z.string().nullable().describe('Id of the last'),
        has_more: z.boolean().describe('Whether others follow'),
      }),
      handler: async ({ caller, params: { responseId }, query }) => {
        const items = (await inputItems(caller.userId, responseId)).filter(isJsonObject);
        const ordered = query.order === 'asc' ? items : items.toReversed();
        // An item without an id is not one that was asked for.
        const place = query.after === undefined ? -1 : ordered.findIndex(({ id }) => id === query.after);
        if (query.after !== undefined && place < 0) {
          throw invalid([{ path: 'after', message: 'there is no item with this id' }]);
        }
        const from = place + 1;
        const data = ordered.slice(from, from + query.limit).map((item) => ({ ...item }));
        const idOf = (item: (typeof data)[number] | undefined) =>
          item !== undefined && 'id' in item && typeof item.id === 'string' ? item.id : null;
        return {
          ...{ object: 'list' as const, data, has_more: from + data.length < ordered.length },
          ...{ first_id: idOf(data[0]), last_id: idOf(data.at(-1)) },
        };
      },
    }),
  ];
}

function eventsOf(
  asked: ResponsesInput,
  { requestId, modelIdentifier, native }: ServedStream,
  shown: CostShown | undefined,
): EventWriter {
  const model = asked.model ?? modelIdentifier;
  const response = new (native ? PassedOnResponse : ResponseAnswer)(asked, requestId, model);
  const texts = new EventTexts();
  return {
    events: (data) => {
      const chunk = parseJson(native ? data : chunkInOpenAiWords(data, model));
      return isJsonObject(chunk) ? texts.of(response.add(chunk)) : '';
    },
    end: (end) =>
      costComment(formatMoney(end.cost), end.requestId, end.priceRule) +
      texts.of(response.end(responseUsage(end, shown)).events),
    failed: (error) => {
      const message = errorText(error, (visible) => visible.message);
      return texts.of(response.fail({ code: openAiCodeOf(error) ?? 'server_error', message }).events);
    },
  };
}
