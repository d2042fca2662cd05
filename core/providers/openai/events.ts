/** Server-sent events out of bytes, however the bytes are cut. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { parseJson } from '../../../infra/json-object.ts';

/** No event is longer; one may hold a picture as base64. */
const LONGEST_EVENT = 32 * 1024 * 1024;

export const DONE = '[DONE]';

/**
 * Events that say something, in order. A last one without its blank line counts when it is whole: some proxies drop the
 * line, while a cut stream ends in half an object.
 */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<EventSourceMessage, void> {
  const ready: EventSourceMessage[] = [];
  const state: { problem?: Error } = {};
  const parser = createParser({
    onEvent: (event) => {
      if (event.data !== '') ready.push(event);
    },
    onError: (error) => {
      // Unknown fields are no concern of ours.
      if (error.type === 'max-buffer-size-exceeded') state.problem = error;
    },
    maxBufferSize: LONGEST_EVENT,
  });
  const decoder = new TextDecoder();
  for await (const chunk of bytes) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (ready.length > 0) yield* ready.splice(0);
    if (state.problem) throw state.problem;
  }
  parser.feed(`${decoder.decode()}\n\n`);
  for (const event of ready) if (event.data === DONE || parseJson(event.data) !== undefined) yield event;
}
