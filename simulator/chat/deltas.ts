/** An answer cut into the deltas of a stream. */
import { streamPieces } from '../content/answer-text.ts';
import type { Choice } from './answer.ts';

export interface Delta {
  fields: Record<string, unknown>;
  /** The text this delta continues and its piece, for counting what was delivered. */
  text?: { of: string; piece: string };
  finishReason?: string;
}

/** The deltas of several choices in turn, as vendors send them. */
export function* interleave(choices: Choice[]): Generator<{ delta: Delta; index: number }> {
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
