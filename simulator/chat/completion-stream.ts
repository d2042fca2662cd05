/** A chat completion as server-sent events: role, pieces, finish reason, usage where it was asked for, [DONE]. */
import { type Call, CallEnded, waitForClientToLeave, waitMs } from '../call.ts';
import { EventStream } from '../event-stream.ts';
import { DONE, type Json, type StreamItem } from '../faults/fault.ts';
import { played } from '../faults/fault-table.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import type { ChatAnswer } from './answer.ts';
import { type Delta, interleave } from './deltas.ts';
import type { ChatDialect } from './dialect.ts';
import { logprobsOf } from './logprobs.ts';
import type { ChatRequest } from './request.ts';

export async function streamCompletion(
  call: Call,
  request: ChatRequest,
  answer: ChatAnswer,
  dialect: ChatDialect,
): Promise<void> {
  const stream = new EventStream(call, answer.usage, () =>
    eventOf(call.vendor.errorBody(call.vendor.error('server_error'), call.requestId)),
  );
  const items = itemsOf(call, request, answer, dialect, () => stream.deliveredTokens());
  for (const { item, text } of isRewritten(call) ? rewritten(call, items) : items) {
    if (item === DONE) return stream.finish(answer.usage, DONE.raw);
    if ('pauseMs' in item) await waitMs(call, item.pauseMs);
    else if ('connection' in item) await leaveOff(call, item.connection);
    else await stream.send('raw' in item ? item.raw : eventOf(item.chunk), text === undefined ? undefined : { text });
  }
  await stream.finish(answer.usage);
}

/** The whole stream as the text of its events. */
export function streamText(call: Call, request: ChatRequest, answer: ChatAnswer, dialect: ChatDialect): string {
  const items = rewritten(
    call,
    itemsOf(call, request, answer, dialect, () => 0),
  );
  return [...items].map(({ item }) => ('raw' in item ? item.raw : 'chunk' in item ? eventOf(item.chunk) : '')).join('');
}

/** The text that an item delivers, for the journal. */
interface Sent {
  readonly item: StreamItem;
  readonly text?: Delta['text'];
}

function isRewritten(call: Call): boolean {
  return [...played(call.faults)].some(({ fault }) => fault.stream !== undefined);
}

function* rewritten(call: Call, sent: Iterable<Sent>): Generator<Sent> {
  let items: readonly StreamItem[] = [...sent].map(({ item }) => item);
  for (const { fault, value } of played(call.faults)) {
    if (fault.stream) items = fault.stream(items, value);
  }
  for (const item of items) yield { item };
}

function* itemsOf(
  call: Call,
  request: ChatRequest,
  answer: ChatAnswer,
  dialect: ChatDialect,
  deliveredTokens: () => number,
): Generator<Sent> {
  const head = {
    id: dialect.completionId(answer.seed),
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1_000),
    model: call.modelAsked,
    ...dialect.extraFields,
  };
  for (const { delta, index } of call.faults.has('no-choices') ? [] : interleave(answer.choices)) {
    const fields = delta.finishReason ? dialect.finalDelta : { ...dialect.everyDelta, ...delta.fields };
    const logprobs =
      request.logprobs && delta.fields.content
        ? logprobsOf(String(delta.fields.content), request.top_logprobs ?? 0)
        : null;
    const choice = { index, delta: fields, logprobs, finish_reason: delta.finishReason ?? null };
    const usageSoFar = usageOfChunk(request, dialect, answer, deliveredTokens);
    const chunk = { ...head, choices: [choice], ...usageSoFar };
    yield { item: { chunk }, ...(delta.text ? { text: delta.text } : {}) };
  }
  const usage = reportedUsage(dialect.usage(answer.usage), answer.usage, call.faults);
  const asked = request.stream_options?.include_usage === true;
  if (asked && usage) yield { item: { chunk: { ...head, choices: [], usage } } };
  yield { item: DONE };
}

/** `usage` of a chunk that is not the last: missing, null, or (Ark, if asked) what has been counted so far. */
function usageOfChunk(
  request: ChatRequest,
  dialect: ChatDialect,
  answer: ChatAnswer,
  deliveredTokens: () => number,
): Json {
  if (dialect.usageOnChunks === 'cumulative-if-asked' && request.stream_options?.chunk_include_usage) {
    const completionTokens = deliveredTokens();
    const reasoningTokens = Math.min(completionTokens, answer.usage.reasoningTokens);
    return { usage: dialect.usage({ ...answer.usage, completionTokens, reasoningTokens }) };
  }
  const asked = request.stream_options?.include_usage === true;
  return dialect.usageOnChunks === 'null-if-asked' && !asked ? {} : { usage: null };
}

async function leaveOff(call: Call, connection: 'breaks' | 'stays open'): Promise<never> {
  if (connection === 'stays open') return waitForClientToLeave(call);
  // Once what was sent so far is out, so that the caller sees exactly that.
  await new Promise<void>((resolve) => call.response.write('', () => resolve()));
  call.cut();
  throw new CallEnded();
}

function eventOf(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
