/** Chat as OpenAI's clients speak it, under OpenAI's own path and the gateway's. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import type { AccessKeyCaller } from '../../activities/accounts/caller.ts';
import { claimRequest, keptAnswer, storedAnswer } from '../../activities/billing/idempotency.ts';
import { formatMoney } from '../../activities/billing/money.ts';
import type { ChatOutcome, ChatService } from '../../activities/inference/chat.ts';
import type { ChatStreams, OpenStream, StreamReply } from '../../activities/inference/chat-streams.ts';
import { type OpenAiChatInput, openAiChatInput } from '../../activities/inference/openai-input.ts';
import { chunkForClient, dataEvent, endOfStream, errorEvent } from '../../activities/inference/stream-text.ts';
import type { Config } from '../../infra/config.ts';
import { AppError } from '../../infra/errors.ts';
import { newId } from '../../infra/ids.ts';
import { keyedRequest } from '../keyed.ts';
import { openAiErrorText } from '../openai-error.ts';
import { tellLimits } from '../rate-limit-headers.ts';
import { ANSWERED, type Route, route } from '../route.ts';
import type { ApiContext, RouteInput } from '../route-input.ts';
import { EventStream } from '../sse.ts';
import { setCallHeaders } from './chat.ts';

const TAG = 'Inference';
/** A provider that is slower with its first token than this gets its client a head and keep-alive comments first. */
const HEAD_WITHOUT_TOKEN_MS = 8_000;

const chatBody = z
  .looseObject({
    model: z.string().nullish(),
    messages: z.array(z.unknown()),
    stream: z.boolean().nullish(),
    conversation_id: z.string().nullish(),
    persist_history: z.boolean().nullish(),
    request_id: z.string().nullish(),
    extra_params: z.record(z.string(), z.unknown()).nullish(),
  })
  .meta({ description: 'OpenAI chat.completions; fields that are not listed pass to the provider.' });

const completion = z.looseObject({}).meta({ description: 'OpenAI chat.completion, or its chunks as events' });

interface Services {
  readonly chat: ChatService;
  readonly chatStreams: ChatStreams;
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
      body: chatBody,
      success: completion,
      answer: 'openai',
      handler: async (input) => {
        const parsed = openAiChatInput(input.body);
        if (streamed || parsed.stream) await answerStream(services.chatStreams, input, parsed, config);
        else await answerWhole(services.chat, input, parsed, config);
        return ANSWERED;
      },
    });
  return [
    chat('/v1/chat/completions', 'Chat, under OpenAI’s own path', false),
    chat('/v2/chat', 'Chat in OpenAI’s form; a stream with stream: true', false),
    chat('/v2/chat/stream', 'The same as server-sent events', true),
  ];
}

function commandOf(input: Input, parsed: OpenAiChatInput, requestId: string) {
  const keyed = keyedRequest(input.ctx, input.caller, input.rawBody, parsed.requestId);
  return {
    caller: input.caller,
    model: parsed.model === undefined ? {} : { identifier: parsed.model },
    body: parsed.body,
    traceId: input.traceId,
    onLimits: tellLimits(input.ctx),
    ...(keyed ? { claim: claimRequest(keyed.scope, keyed.key, keyed.fingerprint, requestId) } : {}),
  };
}

/** A client that leaves does not end its call: what the provider does is charged all the same. */
function contextOf(input: Input, requestId: string, config: Config) {
  const signal = AbortSignal.timeout(config.UPSTREAM_TOTAL_TIMEOUT);
  return { signal, heartbeat: () => undefined, log: input.log, requestId };
}

async function answerWhole(chat: ChatService, input: Input, parsed: OpenAiChatInput, config: Config): Promise<void> {
  const { ctx } = input;
  const requestId = newId();
  const textOf = (outcome: ChatOutcome) => JSON.stringify(outcome.completion);
  const keep = (outcome: ChatOutcome) => storedAnswer({ status: 200, dataText: textOf(outcome) });
  const command = { ...commandOf(input, parsed, requestId), keep };
  const reply = await chat.complete(command, contextOf(input, requestId, config));
  if (reply.kind === 'answered-now') setCallHeaders(ctx, reply.outcome);
  ctx.type = 'application/json; charset=utf-8';
  ctx.body = reply.kind === 'answered-now' ? textOf(reply.outcome) : keptAnswer(reply.answer).dataText;
}

async function answerStream(
  streams: ChatStreams,
  input: Input,
  parsed: OpenAiChatInput,
  config: Config,
): Promise<void> {
  const { ctx } = input;
  const requestId = newId();
  const eventsOf = (chunks: readonly string[]) =>
    chunks.flatMap((data) => {
      const chunk = chunkForClient(data, parsed.wantsUsage);
      return chunk === undefined ? [] : [dataEvent(chunk)];
    });
  const opening = streams.open(
    {
      ...commandOf(input, parsed, requestId),
      keep: (chunks, { cost }) => ({
        status: 200,
        body: zstdCompressSync([...eventsOf(chunks), endOfStream(formatMoney(cost), requestId)].join('')),
      }),
    },
    contextOf(input, requestId, config),
  );
  const early = await first(opening, HEAD_WITHOUT_TOKEN_MS);
  if (early) setStreamHeaders(ctx, early);
  const events = new EventStream(ctx);
  try {
    await relay(events, ctx, await opening, parsed.wantsUsage);
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
  if (reply.kind !== 'streaming') return;
  ctx.set({
    'x-request-id': reply.requestId,
    'x-model': encodeURIComponent(reply.modelIdentifier),
    'x-provider': encodeURIComponent(reply.providerName),
    'x-attempts': String(reply.attempts),
  });
  if (reply.clampedTo !== undefined) ctx.set('x-max-tokens', String(reply.clampedTo));
}

async function relay(events: EventStream, ctx: ApiContext, reply: StreamReply, wantsUsage: boolean): Promise<void> {
  if (reply.kind === 'answered-before') {
    await events.write(zstdDecompressSync(reply.answer.body).toString());
    return events.end();
  }
  const leave = () => reply.leave();
  ctx.res.once('close', leave);
  await relayChunks(events, reply, wantsUsage);
  const { cost } = await reply.ended;
  ctx.res.off('close', leave);
  events.end(endOfStream(formatMoney(cost), reply.requestId));
}

async function relayChunks(events: EventStream, reply: OpenStream, wantsUsage: boolean): Promise<void> {
  for await (const data of reply.chunks) {
    const chunk = chunkForClient(data, wantsUsage);
    if (chunk !== undefined) await events.write(dataEvent(chunk));
  }
}
