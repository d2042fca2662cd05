/** An inference answer as bytes of the provider: whole, with what it cost in its head, or as they come. */
import { Readable } from 'node:stream';
import type { BytesReply, OpenBytes } from '../../activities/inference/byte-stream.ts';
import type { CallOutcome } from '../../activities/inference/charge.ts';
import { costComment, errorEvent } from '../../activities/inference/stream-events.ts';
import { formatMoney } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import { EVENTS } from '../../core/providers/provider.ts';
import { toAppError } from './errors.ts';
import type { AnswerForm } from './forms.ts';
import {
  callHeaders,
  type InferenceCall,
  type InferenceInput,
  type InferenceServices,
  keptCall,
  type RunningCall,
  replayCall,
  servedHeaders,
} from './inference-call.ts';
import type { ApiContext } from './route-input.ts';

export interface BytesDeclaration<Asked> {
  readonly run: (
    asked: Asked,
    call: RunningCall<(body: Buffer, mediaType: string, end: CallOutcome) => StoredAnswer>,
  ) => Promise<BytesReply>;
  /** Waits for the end of the provider's answer. */
  readonly isWhole: (asked: Asked) => boolean;
  /** A whole answer with what is only known at its end. */
  readonly finish?: (body: Buffer, mediaType: string, end: CallOutcome) => Buffer;
}

interface BytesCall {
  readonly form: AnswerForm;
  readonly input: InferenceInput<unknown>;
  readonly call: InferenceCall;
}

export async function answerBytes<Asked>(
  { idempotency }: InferenceServices,
  { run, isWhole, finish }: BytesDeclaration<Asked>,
  asked: Asked,
  { form, input, call: { request, context } }: BytesCall,
): Promise<void> {
  const { ctx } = input;
  const whole = isWhole(asked);
  const finished = (body: Buffer, mediaType: string, end: CallOutcome) =>
    whole && finish ? finish(body, mediaType, end) : body;
  const keep = (body: Buffer, mediaType: string, end: CallOutcome) =>
    keptCall(end, finished(body, mediaType, end), { 'content-type': mediaType });
  let reply: BytesReply;
  try {
    reply = await run(asked, { request: request.claim ? { ...request, keep } : request, context, turn: undefined });
  } catch (error) {
    reply = await idempotency.answeredBefore(request.claim, error);
  }
  if (reply.kind === 'answered-before') {
    const body = replayCall(ctx, reply.answer);
    ctx.body = body;
    return;
  }
  // A client that leaves does not end the call; it may have left before the first byte.
  if (ctx.res.closed || ctx.res.destroyed) reply.leave();
  else ctx.res.once('close', reply.leave);
  if (whole) {
    const { body, end } = await all(reply);
    ctx.res.off('close', reply.leave);
    send(ctx, reply.mediaType, callHeaders(end), finished(body, reply.mediaType, end));
    return;
  }
  const bytes = untilCharged(reply, (error) => inEvents(error, reply, form, input));
  // What fails before anything can be sent is an error with a status.
  const first = await bytes.next();
  const parts = first.done ? [] : withFirst(first.value, bytes, ctx);
  send(ctx, reply.mediaType, servedHeaders(reply), Readable.from(parts));
}

function send(ctx: ApiContext, mediaType: string, headers: Record<string, string>, body: Buffer | Readable): void {
  ctx.set(headers);
  ctx.body = body;
  ctx.set('Content-Type', mediaType);
}

async function all(reply: OpenBytes): Promise<{ readonly body: Buffer; readonly end: CallOutcome }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reply.chunks) chunks.push(chunk);
  return { body: Buffer.concat(chunks), end: await reply.ended };
}

/**
 * The last bytes go out after the COMMIT of their charge; before the last event a comment says its cost.
 * @param failed what a client is still sent of an error; undefined where it can be told in no words.
 */
async function* untilCharged(
  reply: OpenBytes,
  failed: (error: unknown) => Uint8Array | undefined,
): AsyncGenerator<Uint8Array, void> {
  let held: Uint8Array | undefined;
  try {
    for await (const chunk of reply.chunks) {
      if (held !== undefined) yield held;
      held = chunk;
    }
    const { cost, requestId, priceRule } = await reply.ended;
    if (reply.mediaType === EVENTS && held !== undefined) {
      yield Buffer.from(costComment(formatMoney(cost), requestId, priceRule));
    }
  } catch (error) {
    const last = held && failed(error);
    if (held === undefined || last === undefined) throw error;
    yield held;
    held = last;
  }
  if (held !== undefined) yield held;
}

function inEvents(
  thrown: unknown,
  { mediaType }: OpenBytes,
  form: AnswerForm,
  { traceId, log }: InferenceInput<unknown>,
) {
  if (mediaType !== EVENTS) return undefined;
  const error = toAppError(thrown);
  if (error !== thrown) log.error({ err: thrown }, 'a stream failed');
  return Buffer.from(errorEvent(form.error(error, traceId)));
}

async function* withFirst(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
  ctx: ApiContext,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield first;
    yield* rest;
  } catch (error) {
    // Past the head only a broken connection can say it.
    ctx.res.destroy();
    ctx.app.emit('error', error);
  }
}
