/** An inference answer as server-sent events, at the client's own pace; an error after the head is an event. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { CallOutcome } from '../../activities/inference/charge.ts';
import type { OpenStream, StreamEnd, StreamReply } from '../../activities/inference/stream.ts';
import { costComment, errorEvent } from '../../activities/inference/stream-events.ts';
import type { Said } from '../../core/conversations/turn.ts';
import type { OpenTurn } from '../../core/conversations/turns.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { RepeatedText } from '../../core/providers/provider.ts';
import type { AppError } from '../../infra/errors.ts';
import { toAppError } from './errors.ts';
import type { AnswerForm } from './forms.ts';
import {
  type InferenceCall,
  type InferenceInput,
  type InferenceServices,
  keptCall,
  loggedCall,
  type RunningCall,
  replayCall,
  servedHeaders,
} from './inference-call.ts';
import type { ApiContext } from './route-input.ts';
import { EventStream } from './sse.ts';

/** Writes the events that one client gets. */
export interface EventWriter {
  /** For a chunk of the provider; empty when there is nothing for this client. */
  events(chunk: string): string;
  /** The same for a chunk that is like one before, if the writer knows how; otherwise `events` is asked. */
  repeated?(text: RepeatedText): string | undefined;
  /** The last events of a stream that has ended well. */
  end(end: StreamEnd): string;
  /** Instead of an `error` event, where the form reports a failure in another way. */
  failed?(error: AppError): string;
}

/** What is known of a stream when it begins: the model that serves, and whether it is in the client's own form already. */
export type ServedStream = Pick<OpenStream, 'requestId' | 'modelIdentifier' | 'native'>;

export interface StreamDeclaration<Asked> {
  readonly isAsked: (asked: Asked) => boolean;
  readonly run: (
    asked: Asked,
    call: RunningCall<(chunks: readonly string[], end: StreamEnd) => StoredAnswer>,
  ) => Promise<StreamReply>;
  /** `served`: as much as is known; a failure may come before a model serves. */
  readonly writer: (asked: Asked, turn: OpenTurn | undefined, served: ServedStream) => EventWriter;
  /** What a kept conversation remembers; on routes that keep none unset. */
  readonly said?: (end: StreamEnd) => Said;
}

interface StreamCall<Asked> {
  readonly services: InferenceServices;
  readonly stream: StreamDeclaration<Asked>;
  readonly form: AnswerForm;
  readonly input: InferenceInput<unknown>;
  readonly asked: Asked;
  readonly call: InferenceCall;
  readonly openTurn: () => Promise<OpenTurn | undefined>;
}

/** What a client is sent: an open stream with the turn that it belongs to, or what was kept. */
type Opened =
  | (OpenStream & { readonly turn: OpenTurn | undefined })
  | Extract<StreamReply, { readonly kind: 'answered-before' }>;

/** When the first token of a provider takes longer than this, its client gets the head and keep-alive comments first. */
const HEAD_WITHOUT_TOKEN_MS = 8_000;

export async function answerStream<Asked>(streamCall: StreamCall<Asked>): Promise<void> {
  const { input, form, stream, asked, call } = streamCall;
  const { ctx } = input;
  const opening = open(streamCall);
  const early = await first(opening, HEAD_WITHOUT_TOKEN_MS);
  if (early) setHeaders(ctx, early);
  const events = new EventStream(ctx);
  if (!early) events.keepAlive();
  let writer = stream.writer(asked, undefined, {
    ...{ requestId: call.context.requestId, modelIdentifier: '', native: false },
  });
  let charged: () => CallOutcome | undefined = () => undefined;
  try {
    const opened = await opening;
    if (opened.kind === 'streaming') {
      charged = opened.charged;
      writer = stream.writer(asked, opened.turn, opened);
      const { end, text } = await relay(events, ctx, opened, writer);
      if (stream.said) await opened.turn?.keep(opened.requestId, stream.said(end));
      return events.end(text);
    }
    await events.write(zstdDecompressSync(replayCall(ctx, opened.answer)).toString());
    events.end();
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error !== thrown) input.log.error({ err: thrown }, 'a stream failed');
    const paid = charged();
    if (paid) ctx.state.call = loggedCall(paid, paid.cost);
    const cost = paid ? costComment(formatMoney(paid.cost), paid.requestId, paid.priceRule) : '';
    events.end(cost + (writer.failed?.(error) ?? errorEvent(form.error(error, input.traceId))));
  }
}

async function open<Asked>({ services, stream, asked, call, openTurn }: StreamCall<Asked>): Promise<Opened> {
  const { request, context } = call;
  try {
    const turn = await openTurn();
    const keep = (chunks: readonly string[], end: StreamEnd) =>
      keptCall(end, zstdCompressSync(wholeStream(stream.writer(asked, turn, end), chunks, end)));
    const reply = await stream.run(asked, { request: { ...request, keep }, context, turn });
    return reply.kind === 'streaming' ? { ...reply, turn } : reply;
  } catch (error) {
    return services.idempotency.answeredBefore(request.claim, error);
  }
}

/** The reply when it comes in time; its rejection too. */
async function first(opening: Promise<Opened>, withinMs: number): Promise<Opened | undefined> {
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

function setHeaders(ctx: ApiContext, opened: Opened): void {
  if (opened.kind === 'streaming') ctx.set(servedHeaders(opened));
  else replayCall(ctx, opened.answer);
}

/** @returns the end of the stream, and its last events, which are not written yet. */
async function relay(
  events: EventStream,
  ctx: ApiContext,
  stream: OpenStream,
  writer: EventWriter,
): Promise<{ readonly end: StreamEnd; readonly text: string }> {
  const leave = () => stream.leave();
  ctx.state.call = loggedCall(stream);
  if (events.gone) leave();
  else ctx.res.once('close', leave);
  await stream.chunks.each((chunk) => {
    const text = (chunk.repeated && writer.repeated?.(chunk.repeated)) ?? writer.events(chunk.data);
    return text === '' ? undefined : events.write(text);
  });
  const end = await stream.ended;
  ctx.state.call = loggedCall(end, end.cost);
  ctx.res.off('close', leave);
  return { end, text: writer.end(end) };
}

function wholeStream(writer: EventWriter, chunks: readonly string[], end: StreamEnd): string {
  return chunks.map((chunk) => writer.events(chunk)).join('') + writer.end(end);
}
