/** The chunks of a chat stream as the provider wrote them: looked at, never written anew. */
import type { EventSourceMessage } from 'eventsource-parser';
import { isJsonObject, parseJson } from '../../../infra/json-object.ts';
import { refused, UpstreamFailure } from '../failure.ts';
import { type Call, callFailure } from './client.ts';
import { refusalOf } from './error-body.ts';
import { DONE, readEvents } from './events.ts';

/** Inside a text quotes are escaped, so this finds a member of the chunk only. */
const FINISHED = /"finish_reason"\s*:\s*"/;

/**
 * A chunk that is no JSON object ends the stream: a client's SDK could not read it. What came before it stands.
 * A stream that ends with neither `[DONE]` nor a finish_reason was cut (PROVIDERS.md, 4.2).
 * @throws {UpstreamFailure}
 */
export async function* chunksOf(bytes: AsyncIterable<Uint8Array>, call: Call): AsyncGenerator<string, void> {
  const events = readEvents(bytes);
  let chunks = 0;
  let finished = false;
  let abandoned = true;
  try {
    for (let next = await events.next(); !next.done; next = await events.next()) {
      const { event, data } = next.value;
      if (data === DONE) {
        finished = true;
        break;
      }
      check(event, data, call);
      chunks += 1;
      finished ||= FINISHED.test(data);
      yield data;
    }
    abandoned = false;
  } catch (error) {
    throw callFailure(error, call);
  } finally {
    if (abandoned) await events.return();
  }
  // Not waited for: the end of the body only gives the connection back.
  readToEnd(events).catch(() => undefined);
  if (chunks === 0) throw new UpstreamFailure('transient', "the provider's stream is empty", { status: 200 });
  if (!finished) throw new UpstreamFailure('transient', "the provider's stream was cut off", { status: 200 });
}

/** `data: {"error":…}`, or `event: error` whose data may be any form of error. Parsing takes 1 µs a chunk. */
function check(event: string | undefined, data: string, call: Call): void {
  const body = parseJson(data);
  const isError = event === 'error' || (isJsonObject(body) && body.error !== undefined && body.error !== null);
  if (isError) throw refused(refusalOf(200, body, undefined, data), call.classify, call.apiKey);
  if (isJsonObject(body)) return;
  throw new UpstreamFailure('transient', 'the provider sent a chunk that is no JSON object', { status: 200 });
}

async function readToEnd(events: AsyncGenerator<EventSourceMessage, void>): Promise<void> {
  for await (const _ of events);
}
