/** Sends a chat's answer in the form that was asked for, or in the one that a fault of the wire chooses. */
import type { Call } from '../call.ts';
import type { Wire } from '../faults/fault.ts';
import { played } from '../faults/fault-table.ts';
import { replyJson, replyOnWire } from '../reply.ts';
import type { ChatAnswer } from './answer.ts';
import { completionOf } from './completion.ts';
import { streamCompletion, streamText } from './completion-stream.ts';
import type { ChatDialect } from './dialect.ts';
import type { ChatRequest } from './request.ts';

export async function replyChat(
  call: Call,
  request: ChatRequest,
  answer: ChatAnswer,
  dialect: ChatDialect,
): Promise<void> {
  const delivery = { usage: answer.usage, tokens: answer.usage.completionTokens, images: 0 };
  const wire = wireOf(call);
  if (wire === undefined && request.stream) return streamCompletion(call, request, answer, dialect);
  if (wire === undefined) return replyJson(call, completionOf(call, request, answer, dialect), delivery);
  const as = wire.as ?? (request.stream ? 'stream' : 'whole');
  const streamed = { ...request, stream: true, stream_options: { include_usage: true } };
  const text =
    as === 'whole'
      ? JSON.stringify(completionOf(call, request, answer, dialect))
      : streamText(call, streamed, answer, dialect);
  const contentType = as === 'whole' ? 'application/json' : 'text/event-stream; charset=utf-8';
  replyOnWire(call, wire, as === 'lines' ? linesOf(text) : text, contentType, delivery);
}

/** One object a line, as Ollama's own interface streams. */
function linesOf(events: string): string {
  return [...events.matchAll(/^data: (\{.*)$/gm)].map(([, chunk]) => `${chunk}\n`).join('');
}

function wireOf(call: Call): Wire | undefined {
  const wires = [...played(call.faults)].flatMap(({ fault }) => (fault.wire ? [fault.wire] : []));
  return wires.length === 0 ? undefined : Object.assign({}, ...wires);
}
