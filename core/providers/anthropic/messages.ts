/** Messages for clients that speak them: requests and answers pass as they are, and are read along. */
import { isJsonObject, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';
import type { OutboundAnswer } from '../../../infra/outbound.ts';
import { headerIn, refused, UpstreamFailure } from '../failure.ts';
import type { Fit } from '../fit.ts';
import type { FittedTo, NativeAdapter, NativeRequest } from '../native.ts';
import { isErrorBody } from '../openai/errors.ts';
import type { AnswerHead } from '../openai/readable-chunks.ts';
import { readStream, type StreamReading } from '../openai/stream.ts';
import type { CallContext, ChatChunk, UpstreamTarget, VendorClients } from '../provider.ts';
import { usageOfAnswer } from '../usage.ts';
import { classifyAnthropic, messagesRefusal, postMessages, readAnswer } from './client.ts';
import { completionOf, MessagesReader } from './read-along.ts';

const PATH = '/v1/messages';
const COUNT_PATH = '/v1/messages/count_tokens';
/** Anthropic's least budget of thought, which must be below the limit of the whole answer. */
const LEAST_BUDGET = 1_024;

export function createMessagesAdapter(sendFor: VendorClients['send']): NativeAdapter {
  return {
    fitted: limited,
    complete: async (target, request, context) => {
      const answer = await post(sendFor, target, request, context);
      const text = await readAnswer(answer, context.signal);
      const message = readMessage(text, answer, target);
      const completion = completionOf(message, headOf(target, context));
      return { completion, usage: usageOfAnswer(message), native: text };
    },
    stream: async (target, request, context) => {
      const answer = await post(sendFor, target, request, context);
      const reader = new MessagesReader(headOf(target, context), false);
      return readMessages(answer, target, context.signal, (event, name) => ({
        data: `event: ${name}\ndata: ${event.data}\n\n`,
        body: reader.chunkOf(event.body),
      }));
    },
    count: async (target, { body, headers }, signal) => {
      const sent = { body: { ...body, model: target.model }, headers, signal };
      const answer = await postMessages(sendFor, target, COUNT_PATH, sent);
      const counted = parseJson(await readAnswer(answer, signal));
      const tokens = isJsonObject(counted) ? counted.input_tokens : undefined;
      if (typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0) return tokens;
      throw senseless('the provider did not answer with a count', answer);
    },
  };
}

function limited(
  body: Json,
  { limit }: Pick<FittedTo, 'limit'>,
): { readonly body: Json; readonly fits: readonly Fit[] } {
  if (limit === undefined || limit === body.max_tokens) return { body, fits: [] };
  const { thinking, ...others } = body;
  const budget = isJsonObject(thinking) ? thinking.budget_tokens : undefined;
  if (typeof budget !== 'number' || budget < limit) return { body: { ...body, max_tokens: limit }, fits: [] };
  const least = limit > LEAST_BUDGET;
  const fitting = least ? { thinking: { ...(isJsonObject(thinking) ? thinking : {}), budget_tokens: limit - 1 } } : {};
  return { body: { ...others, ...fitting, max_tokens: limit }, fits: [least ? 'bounded:thinking' : 'thinking-off'] };
}

function post(
  sendFor: VendorClients['send'],
  target: UpstreamTarget,
  { body, headers }: Pick<NativeRequest, 'body' | 'headers'>,
  { signal }: CallContext,
): Promise<OutboundAnswer> {
  return postMessages(sendFor, target, PATH, { body: { ...body, model: target.model }, headers, signal });
}

export function headOf({ model }: UpstreamTarget, { requestId }: CallContext): AnswerHead {
  return { id: `msg_${requestId}`, created: Math.floor(Date.now() / 1000), model };
}

/** @throws {UpstreamFailure} for an answer that is none: an error under 200, a page, no JSON, no content. */
export function readMessage(text: string, answer: OutboundAnswer, { apiKey }: UpstreamTarget): Json {
  const body = parseJson(text);
  if (isErrorBody(body)) {
    throw refused(messagesRefusal(answer.status, body, answer.headers), classifyAnthropic, apiKey);
  }
  if (isJsonObject(body) && Array.isArray(body.content)) return body;
  throw senseless("the provider's answer is no message", answer);
}

function senseless(message: string, { status, headers }: OutboundAnswer): UpstreamFailure {
  const requestId = headerIn(headers, 'request-id');
  return new UpstreamFailure('transient', message, {
    status,
    ...(requestId === undefined ? {} : { upstreamRequestId: requestId }),
  });
}

/** One event, its data as text and read. */
export interface MessagesEvent {
  readonly data: string;
  readonly body: Json;
}

/** @param chunkOf of every event but errors. @throws {UpstreamFailure} */
export function readMessages(
  answer: OutboundAnswer,
  target: UpstreamTarget,
  signal: AbortSignal,
  chunkOf: (event: MessagesEvent, name: string) => ChatChunk | undefined,
): AsyncIterableIterator<ChatChunk, void> {
  return readStream(answer.stream, signal, new MessagesReading(target.apiKey, chunkOf), answer.discard);
}

/** A stream has ended with its stop reason or its last event; otherwise it was cut. */
class MessagesReading implements StreamReading {
  readonly #apiKey: string;
  readonly #chunkOf: (event: MessagesEvent, name: string) => ChatChunk | undefined;
  #hasBegun = false;
  hasFinished = false;

  constructor(apiKey: string, chunkOf: (event: MessagesEvent, name: string) => ChatChunk | undefined) {
    this.#apiKey = apiKey;
    this.#chunkOf = chunkOf;
  }

  take(event: string | undefined, data: string): ChatChunk | undefined {
    const body = parseJson(data);
    if (event === 'error' || isErrorBody(body)) {
      if (this.hasFinished) return undefined;
      throw refused(messagesRefusal(200, body, undefined, data), classifyAnthropic, this.#apiKey);
    }
    if (!isJsonObject(body)) {
      if (this.hasFinished || !data.trimStart().startsWith('{')) return undefined;
      throw new UpstreamFailure('transient', 'the provider sent an event that is no JSON object', { status: 200 });
    }
    // Clients skip an event without its name, which some servers leave out.
    const name = typeof body.type === 'string' ? body.type : event;
    if (name === undefined) return undefined;
    this.#hasBegun = true;
    this.hasFinished ||= name === 'message_stop' || (name === 'message_delta' && hasStopReason(body));
    return this.#chunkOf({ data, body }, name);
  }

  end(): undefined {
    if (!this.#hasBegun) throw new UpstreamFailure('transient', "the provider's stream is empty", { status: 200 });
    if (!this.hasFinished) {
      throw new UpstreamFailure('transient', "the provider's stream was cut off", { status: 200 });
    }
  }
}

function hasStopReason({ delta }: Json): boolean {
  return isJsonObject(delta) && typeof delta.stop_reason === 'string';
}
