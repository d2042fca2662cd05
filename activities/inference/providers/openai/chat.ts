/** Chat with any OpenAI-compatible provider, through the `openai` package on the gateway's own connections. */
import OpenAI from 'openai';
import type { Fetch } from '../../../../infra/outbound/fetch.ts';
import type { CallContext } from '../../context.ts';
import { UpstreamFailure } from '../failure.ts';
import type { ChatAdapter, ChatAnswer, ChatBody, UpstreamTarget } from '../provider.ts';
import { eventsOf } from './event-data.ts';
import { failureInBody, failureOf } from './openai-error.ts';
import { reportedUsage } from './usage.ts';

/** Clients are cheap to keep and not to make; more keys than this in use at once start afresh. */
const MOST_CLIENTS = 1_000;
const PATH = '/chat/completions';

type Json = Readonly<Record<string, unknown>>;

export class OpenAiChat implements ChatAdapter {
  readonly #fetch: Fetch;
  readonly #clients = new Map<string, OpenAI>();

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  async complete(target: UpstreamTarget, body: ChatBody, context: CallContext): Promise<ChatAnswer> {
    let answer: unknown;
    try {
      answer = await this.#client(target).post(PATH, {
        body: { ...body, model: target.model },
        signal: context.signal,
      });
    } catch (error) {
      throw failureOf(error, context.signal);
    }
    return checkedAnswer(answer);
  }

  async stream(target: UpstreamTarget, body: ChatBody, context: CallContext): Promise<AsyncIterable<string>> {
    const streamed = { ...body, model: target.model, stream: true, stream_options: { include_usage: true } };
    try {
      const response = await this.#client(target).post(PATH, { body: streamed, signal: context.signal }).asResponse();
      if (!response.body)
        throw new UpstreamFailure('transient', 'the provider answered without a body', { status: 200 });
      return chunksOf(response.body, context.signal);
    } catch (error) {
      throw failureOf(error, context.signal);
    }
  }

  #client(target: UpstreamTarget): OpenAI {
    const name = `${target.urlBase} ${target.apiKey}`;
    const known = this.#clients.get(name);
    if (known) return known;
    if (this.#clients.size >= MOST_CLIENTS) this.#clients.clear();
    const client = new OpenAI({
      baseURL: target.urlBase,
      apiKey: target.apiKey,
      maxRetries: 0,
      fetch: this.#fetch,
      // The gateway's own deadlines end a call; this one only must not be shorter.
      timeout: 3_600_000,
    });
    this.#clients.set(name, client);
    return client;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Some providers answer 200 with an error inside, or with nothing. */
function checkedAnswer(answer: unknown): ChatAnswer {
  if (!isObject(answer))
    throw new UpstreamFailure('transient', 'the provider answered no JSON object', { status: 200 });
  if (answer.error) throw failureInBody(answer.error);
  if (!Array.isArray(answer.choices) || answer.choices.length === 0) {
    throw new UpstreamFailure('transient', 'the provider answered without a choice', { status: 200 });
  }
  return { completion: answer, usage: reportedUsage(answer.usage) };
}

/** The data of each chunk. A stream that ends before every choice has its finish reason, and without [DONE], was cut. */
async function* chunksOf(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
  let finished = false;
  try {
    for await (const { event, data } of eventsOf(bytes)) {
      if (data === '[DONE]') {
        finished = true;
        continue;
      }
      if (data === '') continue;
      if (event === 'error' || data.startsWith('{"error"')) throw failureInBody(errorOf(data));
      if (data.includes('"finish_reason":"')) finished = true;
      yield data;
    }
  } catch (error) {
    throw failureOf(error, signal);
  }
  if (!finished) throw new UpstreamFailure('transient', 'the provider ended the stream in the middle', { status: 200 });
}

function errorOf(data: string): unknown {
  try {
    const parsed: unknown = JSON.parse(data);
    return isObject(parsed) ? (parsed.error ?? parsed) : parsed;
  } catch {
    return data;
  }
}
