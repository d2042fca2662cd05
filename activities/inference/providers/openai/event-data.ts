/** The data of server-sent events from the bytes of an answer, wherever the network cut them. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';

/** Yields each event; one that the end of the answer leaves without its blank line is yielded too. */
export async function* eventsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<EventSourceMessage> {
  const ready: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => ready.push(event) });
  const decoder = new TextDecoder();
  for await (const chunk of bytes) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* ready.splice(0);
  }
  parser.feed(`${decoder.decode()}\n\n`);
  yield* ready;
}
