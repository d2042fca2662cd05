/** A chat completion as server-sent events: role, pieces, finish reason, usage where it was asked for, [DONE]. */
import type { Call } from '../call.ts';
import { streamPieces } from '../content/answer-text.ts';
import { EventStream } from '../event-stream.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import type { ChatAnswer, Choice } from './answer.ts';
import type { ChatDialect } from './dialect.ts';
import { logprobsOf } from './logprobs.ts';
import type { ChatRequest } from './request.ts';

interface Delta {
  fields: Record<string, unknown>;
  /** The text this delta continues and its piece, for counting what was delivered. */
  text?: { of: string; piece: string };
  finishReason?: string;
}

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
  const chunk = (choices: unknown[]) => event({ ...head, choices, ...(withUsage ? { usage: null } : {}) });

  for (const { delta, index } of call.faults.has('no-choices') ? [] : interleave(answer.choices)) {
    const logprobs =
      request.logprobs && delta.fields.content
        ? logprobsOf(String(delta.fields.content), request.top_logprobs ?? 0)
        : null;
    const choice = { index, delta: delta.fields, logprobs, finish_reason: delta.finishReason ?? null };
    await stream.send(chunk([choice]), { text: delta.text });
  }
  const usage = reportedUsage(dialect.usage(answer.usage), call.faults);
  if (withUsage && usage) await stream.send(event({ ...head, choices: [], usage }));
  await stream.finish(answer.usage, DONE);
}

function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** The deltas of several choices in turn, as vendors send them. */
function* interleave(choices: Choice[]): Generator<{ delta: Delta; index: number }> {
  const sources = choices.map((choice, index) => deltas(choice, index));
  for (let open = sources.length; open > 0; ) {
    open = 0;
    for (const [index, source] of sources.entries()) {
      const next = source.next();
      if (next.done) continue;
      open += 1;
      yield { delta: next.value, index };
    }
  }
}

function* deltas(choice: Choice, index: number): Generator<Delta> {
  const called = choice.toolCalls.length > 0;
  const opening = choice.reasoning === '' && !called ? '' : null;
  yield { fields: { role: 'assistant', content: opening, ...(choice.reasoning === '' ? { refusal: null } : {}) } };
  for (const piece of streamPieces(choice.reasoning)) {
    yield { fields: { content: null, reasoning_content: piece }, text: { of: `${index} reasoning`, piece } };
  }
  for (const piece of streamPieces(choice.content)) {
    yield { fields: { content: piece }, text: { of: `${index} content`, piece } };
  }
  for (const [position, call] of choice.toolCalls.entries()) {
    yield {
      fields: {
        tool_calls: [{ index: position, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }],
      },
      text: { of: `${index} tool ${position} name`, piece: call.name },
    };
    for (const piece of streamPieces(call.arguments)) {
      yield {
        fields: { tool_calls: [{ index: position, function: { arguments: piece } }] },
        text: { of: `${index} tool ${position} arguments`, piece },
      };
    }
  }
  yield { fields: {}, finishReason: choice.finishReason };
}
