/**
 * Chat over OpenAI's interface, whole and streamed; a vendor that speaks it with an accent gives a dialect. Chunks of a
 * stream are looked at, never written anew.
 */

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { isJsonObject, type JsonObject, parseJson } from '../../../infra/json-object.ts';
import { type Classify, refused, UpstreamFailure } from '../failure.ts';
import type { ChatAdapter } from '../provider.ts';
import { usageOfAnswer } from '../usage.ts';
import { type Call, callFailure, type OpenAiClient, readText } from './client.ts';
import { isErrorBody, refusalOf } from './errors.ts';

export interface ChatDialect {
  /** The base that has /chat/completions, from the provider's base. */
  readonly base: (urlBase: string) => string;
  readonly classify: Classify;
}

const PATH = '/chat/completions';

export function createChatAdapter(client: OpenAiClient, dialect: ChatDialect): ChatAdapter {
  const callOf = (target: { urlBase: string; apiKey: string }, signal: AbortSignal): Call => ({
    urlBase: dialect.base(target.urlBase),
    apiKey: target.apiKey,
    signal,
    classify: dialect.classify,
  });

  return {
    complete: async (target, body, { signal }) => {
      const call = callOf(target, signal);
      const response = await client.post(call, PATH, { ...body, model: target.model });
      const completion = completionOf(await readText(response, call), response, call);
      return { completion, usage: usageOfAnswer(completion) };
    },

    stream: async (target, body, { signal }) => {
      const call = callOf(target, signal);
      const response = await client.post(call, PATH, {
        ...body,
        model: target.model,
        stream: true,
        stream_options: { ...(isJsonObject(body.stream_options) ? body.stream_options : {}), include_usage: true },
      });
      if (response.body === null || isWholeObject(response)) throw await unstreamed(response, call);
      return chunksOf(response.body, call);
    },
  };
}

/** @throws {UpstreamFailure} for an answer that is none: an error under 200, no JSON, no choices. */
function completionOf(text: string, response: Response, call: Call): JsonObject {
  const body = parseJson(text);
  if (isErrorBody(body)) {
    throw refused(refusalOf(response.status, body, response.headers), call.classify, call.apiKey);
  }
  if (!isJsonObject(body)) throw senseless("the provider's answer is no JSON object", response);
  const [first] = Array.isArray(body.choices) ? body.choices : [];
  if (!isJsonObject(first)) throw senseless("the provider's answer has no choices", response);
  return body;
}

/** Where a stream was asked for, a refusal may come as one object under 200. */
async function unstreamed(response: Response, call: Call): Promise<UpstreamFailure> {
  const body = parseJson(await readText(response, call));
  if (!isErrorBody(body)) return senseless('the provider did not answer with a stream', response);
  return refused(refusalOf(response.status, body, response.headers), call.classify, call.apiKey);
}

function isWholeObject(response: Response): boolean {
  return response.headers.get('content-type')?.includes('json') ?? false;
}

function senseless(message: string, { status, headers }: Response): UpstreamFailure {
  const requestId = headers.get('x-request-id');
  const details = { status, ...(requestId === null ? {} : { upstreamRequestId: requestId }) };
  return new UpstreamFailure('transient', message, details);
}

/** Inside a text quotes are escaped, so this finds a member of the chunk only. */
const FINISHED = /"finish_reason"\s*:\s*"/;

/**
 * A chunk that is no JSON object ends the stream: a client's SDK could not read it. What came before it stands.
 * A stream that ends with neither `[DONE]` nor a finish_reason was cut.
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

/** No event is longer; one may hold an image as base64. */
const LONGEST_EVENT = 32 * 1024 * 1024;

const DONE = '[DONE]';

/**
 * Events that say something, in order. A last one without its blank line counts when it is whole: some proxies drop the
 * line, while a cut stream ends in half an object.
 */
async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<EventSourceMessage, void> {
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
