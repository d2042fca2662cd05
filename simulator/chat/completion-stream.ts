/** A chat completion as server-sent events: role, pieces, finish reason, usage where it was asked for, [DONE]. */
import type { Call } from '../call.ts';
import { EventStream } from '../event-stream.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import type { ChatAnswer } from './answer.ts';
import { interleave } from './deltas.ts';
import type { ChatDialect } from './dialect.ts';
import { logprobsOf } from './logprobs.ts';
import type { ChatRequest } from './request.ts';

const DONE = 'data: [DONE]\n\n';

export async function streamCompletion(
  call: Call,
  request: ChatRequest,
  answer: ChatAnswer,
  dialect: ChatDialect,
): Promise<void> {
  const stream = new EventStream(call, answer.usage, () =>
    event(call.vendor.errorBody(call.vendor.error('server_error'), call.requestId)),
  );
  const withUsage = request.stream_options?.include_usage === true;
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
    const usageSoFar = usageOfChunk(request, dialect, answer, stream);
    await stream.send(event({ ...head, choices: [choice], ...usageSoFar }), { text: delta.text });
  }
  const usage = reportedUsage(dialect.usage(answer.usage), call.faults);
  if (withUsage && usage) await stream.send(event({ ...head, choices: [], usage }));
  await stream.finish(answer.usage, DONE);
}

/** `usage` of a chunk that is not the last: missing, null, or (Ark, if asked) what has been counted so far. */
function usageOfChunk(
  request: ChatRequest,
  dialect: ChatDialect,
  answer: ChatAnswer,
  stream: EventStream,
): Record<string, unknown> {
  if (dialect.usageOnChunks === 'cumulative-if-asked' && request.stream_options?.chunk_include_usage) {
    const completionTokens = stream.deliveredTokens();
    const reasoningTokens = Math.min(completionTokens, answer.usage.reasoningTokens);
    return { usage: dialect.usage({ ...answer.usage, completionTokens, reasoningTokens }) };
  }
  const asked = request.stream_options?.include_usage === true;
  return dialect.usageOnChunks === 'null-if-asked' && !asked ? {} : { usage: null };
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
