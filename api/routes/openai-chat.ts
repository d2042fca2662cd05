/** Chat as OpenAI's clients speak it, under OpenAI's own path and the gateway's. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { type ChatOutcome, type ChatService, saidOf } from '../../activities/inference/chat.ts';
import { type OpenAiChatInput, openAiChatInput } from '../../activities/inference/chat-request.ts';
import type { ChatStreams, StreamEnd, StreamReply } from '../../activities/inference/stream.ts';
import { ClientStream, endOfStream, errorEvent } from '../../activities/inference/stream-events.ts';
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { askedInMessages, tellsHistory } from '../../core/conversations/turn.ts';
import type { OpenTurn, Turns } from '../../core/conversations/turns.ts';
import { claimRequest, type IdempotentRequests } from '../../core/ledger/idempotency.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import type { ClaimRequest } from '../../core/ledger/operations/claim.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { callHeaders, keptCall, replayCall, servedHeaders } from '../http/call-answer.ts';
import { keyedRequest, MAX_REQUEST_ID } from '../http/keyed.ts';
import { openAiErrorText } from '../http/openai-error.ts';
import { tellLimits } from '../http/rate-limit-headers.ts';
import { ANSWERED, IMAGE_BODY_BYTES, type Route, route } from '../http/route.ts';
import type { ApiContext, RouteInput } from '../http/route-input.ts';
import { EventStream } from '../http/sse.ts';
import { MOST_MESSAGES, modelNameInput, optionsInput } from './chat.ts';

const TAG = 'Inference';
/** A provider that is slower with its first token than this gets its client a head and keep-alive comments first. */
const HEAD_WITHOUT_TOKEN_MS = 8_000;

/** Of agents with many servers of tools; OpenAI itself takes 128. */
const MOST_TOOLS = 1_000;
/** OpenAI takes 4. */
const MOST_STOPS = 50;
const stopText = z.string().max(1_000);

const chatBody = z
  .looseObject({
    model: modelNameInput.nullish(),
    messages: z.array(z.unknown()).max(MOST_MESSAGES),
    stream: z.boolean().nullish(),
    tools: z.array(z.unknown()).max(MOST_TOOLS).nullish(),
    functions: z.array(z.unknown()).max(MOST_TOOLS).nullish(),
    stop: z.union([stopText, z.array(stopText).max(MOST_STOPS)]).nullish(),
    conversation_id: z.string().max(100).nullish(),
    persist_history: z.boolean().nullish(),
    request_id: z.string().max(MAX_REQUEST_ID).nullish(),
    extra_params: optionsInput.nullish(),
  })
  .meta({ description: 'OpenAI chat.completions; fields that are not listed pass to the provider.' });

/** A provider's own answer goes through with all that it has. */
const completion = z
  .looseObject({
    choices: z.array(z.looseObject({})).min(1),
    conversation_id: z.string().optional().meta({ description: 'Of the kept conversation' }),
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

interface Services {
  readonly chat: ChatService;
  readonly chatStreams: ChatStreams;
  readonly turns: Turns;
  readonly idempotency: Pick<IdempotentRequests, 'orAnsweredBefore'>;
}

type Input = RouteInput<undefined, undefined, z.output<typeof chatBody>, AccessKeyCaller>;

export function openAiChatRoutes(services: Services, config: Config): Route[] {
  const chat = (path: string, summary: string, streamed: boolean): Route =>
    route({
      method: 'post',
      path,
      summary,
      tag: TAG,
      access: 'access-key',
      claimsKey: true,
      body: chatBody,
      bodyLimitBytes: IMAGE_BODY_BYTES,
      unknownFields: 'ignored',
      success: streamed ? events.schema : completion,
      mediaType: streamed ? events.mediaType : 'application/json',
      otherAnswers: streamed ? [] : [events],
      answer: 'openai',
      handler: async (input) => {
        const parsed = openAiChatInput(input.body);
        if (streamed || parsed.stream) await answerStream(services, input, parsed, config);
        else await answerWhole(services, input, parsed, config);
        return ANSWERED;
      },
    });
  return [
    chat('/v1/chat/completions', 'Chat, under OpenAI’s own path', false),
    chat('/v2/chat', 'Chat in OpenAI’s form; a stream with stream: true', false),
    chat('/v2/chat/stream', 'The same as server-sent events', true),
  ];
}

/** The turn of a kept conversation, where a request asks for one. @throws {AppError} as `Turns.begin`. */
async function openTurn(
  turns: Turns,
  { userId }: AccessKeyCaller,
  parsed: OpenAiChatInput,
): Promise<OpenTurn | undefined> {
  const { conversationId, body, persistHistory } = parsed;
  if (!persistHistory) return undefined;
  const asked = askedInMessages(body.messages);
  return turns.begin({ userId, conversationId, asked, hasHistory: tellsHistory(body.messages) });
}

function claimOf(input: Input, parsed: OpenAiChatInput, requestId: string): ClaimRequest | undefined {
  const keyed = keyedRequest(input.ctx, input.caller, input.rawBody, parsed.requestId);
  return keyed && claimRequest(keyed.scope, keyed.key, keyed.fingerprint, requestId);
}

function commandOf(input: Input, parsed: OpenAiChatInput, turn: OpenTurn | undefined, claim: ClaimRequest | undefined) {
  return {
    caller: input.caller,
    model: parsed.model === undefined ? {} : { identifier: parsed.model },
    body: turn ? { ...parsed.body, messages: turn.tell(parsed.body.messages) } : parsed.body,
    traceId: input.traceId,
    onLimits: tellLimits(input.ctx),
    ...(claim ? { claim } : {}),
  };
}

/** A client that leaves does not end its call: what the provider does is charged all the same. */
function contextOf(input: Input, requestId: string, config: Config) {
  const signal = AbortSignal.timeout(config.UPSTREAM_TOTAL_TIMEOUT);
  return { signal, heartbeat: () => undefined, log: input.log, requestId };
}

async function answerWhole(
  { chat, turns, idempotency }: Services,
  input: Input,
  parsed: OpenAiChatInput,
  config: Config,
): Promise<void> {
  const { ctx } = input;
  const requestId = newId();
  const claim = claimOf(input, parsed, requestId);
  const opened: { turn?: OpenTurn | undefined } = {};
  const textOf = ({ completion: whole }: ChatOutcome) =>
    JSON.stringify(opened.turn ? { ...whole, conversation_id: opened.turn.turn.conversationId } : whole);
  const keep = (outcome: ChatOutcome) => keptCall(outcome, textOf(outcome));
  const reply = await idempotency.orAnsweredBefore(claim, async () => {
    const turn = await openTurn(turns, input.caller, parsed);
    opened.turn = turn;
    return chat.complete({ ...commandOf(input, parsed, turn, claim), keep }, contextOf(input, requestId, config));
  });
  if (reply.kind === 'answered-now') {
    ctx.set(callHeaders(reply.outcome));
    await opened.turn?.keep(requestId, saidOf(reply.outcome));
  }
  ctx.type = 'application/json; charset=utf-8';
  ctx.body = reply.kind === 'answered-now' ? textOf(reply.outcome) : replayCall(ctx, reply.answer);
}

async function answerStream(
  { chatStreams, turns, idempotency }: Services,
  input: Input,
  parsed: OpenAiChatInput,
  config: Config,
): Promise<void> {
  const { ctx } = input;
  const requestId = newId();
  const claim = claimOf(input, parsed, requestId);
  const opened: { turn?: OpenTurn | undefined } = {};
  const client = () => new ClientStream(parsed.wantsUsage, opened.turn?.turn.conversationId);
  const opening = idempotency.orAnsweredBefore(claim, async (): Promise<StreamReply> => {
    const turn = await openTurn(turns, input.caller, parsed);
    opened.turn = turn;
    return chatStreams.open(
      {
        ...commandOf(input, parsed, turn, claim),
        keep: (chunks, end) => keptCall(end, zstdCompressSync(wholeStream(client(), chunks, end))),
      },
      contextOf(input, requestId, config),
    );
  });
  const early = await first(opening, HEAD_WITHOUT_TOKEN_MS);
  if (early) setStreamHeaders(ctx, early);
  const events = new EventStream(ctx);
  try {
    const reply = await opening;
    await relay(events, ctx, reply, client(), opened.turn);
  } catch (error) {
    const known = error instanceof AppError ? error : new AppError('internal', 'internal error');
    if (known !== error) input.log.error({ err: error }, 'a stream failed');
    events.end(errorEvent(openAiErrorText(known)));
  }
}

/** The reply when it comes in time; its rejection too. */
async function first(opening: Promise<StreamReply>, withinMs: number): Promise<StreamReply | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), withinMs);
  });
  try {
    return await Promise.race([opening, late]);
  } finally {
    clearTimeout(timer);
  }
}

function setStreamHeaders(ctx: ApiContext, reply: StreamReply): void {
  if (reply.kind === 'streaming') ctx.set(servedHeaders(reply));
  else replayCall(ctx, reply.answer);
}

async function relay(
  events: EventStream,
  ctx: ApiContext,
  reply: StreamReply,
  client: ClientStream,
  turn: OpenTurn | undefined,
): Promise<void> {
  if (reply.kind === 'answered-before') {
    await events.write(zstdDecompressSync(replayCall(ctx, reply.answer)).toString());
    return events.end();
  }
  const leave = () => reply.leave();
  if (events.gone) leave();
  else ctx.res.once('close', leave);
  for await (const data of reply.chunks) {
    const text = client.events(data);
    if (text !== '') await events.write(text);
  }
  const end = await reply.ended;
  ctx.res.off('close', leave);
  if (turn) await turn.keep(reply.requestId, saidOf(end));
  events.end(client.lastEvents() + endOfStream(formatMoney(end.cost), reply.requestId));
}

function wholeStream(client: ClientStream, chunks: readonly string[], { cost, requestId }: StreamEnd): string {
  const events = chunks.map((data) => client.events(data)).join('');
  return events + client.lastEvents() + endOfStream(formatMoney(cost), requestId);
}
