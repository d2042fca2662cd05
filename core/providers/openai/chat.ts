/** Chat over OpenAI's interface. Vendors that speak it with an accent give a dialect. */
import { isJsonObject, type JsonObject, parseJson } from '../../../infra/json-object.ts';
import { type Classify, refused, UpstreamFailure } from '../failure.ts';
import type { ChatAdapter, ChatBody } from '../provider.ts';
import { chunksOf } from './chat-stream.ts';
import { type Call, type OpenAiClient, readText } from './client.ts';
import { isErrorBody, refusalOf } from './error-body.ts';
import { reportedUsage } from './usage.ts';

export interface ChatDialect {
  /** The base that has /chat/completions, from the provider's base. */
  readonly base: (urlBase: string) => string;
  /** What the vendor takes of a body. */
  readonly body: (body: ChatBody) => ChatBody;
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
      const response = await client.post(call, PATH, { ...dialect.body(body), model: target.model });
      const completion = completionOf(await readText(response, call), response, call);
      return { completion, usage: reportedUsage(completion.usage) };
    },

    stream: async (target, body, { signal }) => {
      const call = callOf(target, signal);
      const response = await client.post(call, PATH, {
        ...dialect.body(body),
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
