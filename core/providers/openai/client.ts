/** Calls that the `openai` package writes (address, vendor's headers, forms), and that go the one way out. */
import OpenAI from 'openai';
import { parseJson } from '../../../infra/json-object.ts';
import type { OutboundAnswer, Send } from '../../../infra/outbound.ts';
import { type Classify, refused, transportFailure, UpstreamFailure } from '../failure.ts';
import { refusalOf } from './errors.ts';

export interface Call {
  readonly urlBase: string;
  readonly apiKey: string;
  readonly signal: AbortSignal;
  readonly classify: Classify;
}

export interface OpenAiClient {
  /**
   * Posts an object as JSON, or a form. @returns the answer with its body unread; its status is good.
   * @throws {UpstreamFailure}
   */
  post(call: Call, path: string, body: object): Promise<OutboundAnswer>;
}

/** Keys are few, but they are replaced now and then. */
const MAX_WRITERS = 1_000;

interface WrittenHead {
  readonly url: string;
  /** Name, value, name, value. */
  readonly headers: string[];
}

interface WrittenRequest extends WrittenHead {
  readonly body: string | Uint8Array;
}

/**
 * Of one provider key. The package writes the same head for every JSON body, which took twice as long as the rest of the
 * call; its own sending (signals, timers and log texts a call) took as long again, and ours ends every call in time.
 */
class RequestWriter {
  readonly #openai: OpenAI;
  readonly #jsonHeads = new Map<string, WrittenHead>();

  constructor({ urlBase, apiKey }: Call) {
    this.#openai = new OpenAI({
      baseURL: urlBase,
      apiKey,
      // Everything that the package would read from the environment is set here.
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      logLevel: 'off',
      maxRetries: 0,
      fetch: () => Promise.reject(new Error('the package only writes requests')),
    });
  }

  async write(path: string, body: object): Promise<WrittenRequest> {
    if (body instanceof FormData) return this.#form(path, body);
    const head = this.#jsonHeads.get(path) ?? (await this.#jsonHead(path, body));
    return { url: head.url, headers: head.headers, body: JSON.stringify(body) };
  }

  async #jsonHead(path: string, body: object): Promise<WrittenHead> {
    const { req, url } = await this.#openai.buildRequest({ method: 'post', path, body });
    const head = { url, headers: [...req.headers].flat() };
    this.#jsonHeads.set(path, head);
    return head;
  }

  /** As bytes, because only then its boundary is known. */
  async #form(path: string, form: FormData): Promise<WrittenRequest> {
    const { req, url } = await this.#openai.buildRequest({ method: 'post', path, body: form });
    const encoded = new Response(form);
    req.headers.set('content-type', encoded.headers.get('content-type') ?? '');
    return { url, headers: [...req.headers].flat(), body: await encoded.bytes() };
  }
}

export function createOpenAiClient(send: Send): OpenAiClient {
  const writers = new Map<string, RequestWriter>();

  const writerOf = (call: Call): RequestWriter => {
    const name = `${call.urlBase}\n${call.apiKey}`;
    const known = writers.get(name);
    if (known) return known;
    if (writers.size >= MAX_WRITERS) writers.clear();
    const writer = new RequestWriter(call);
    writers.set(name, writer);
    return writer;
  };

  return {
    post: async (call, path, content) => {
      const { url, headers, body } = await writerOf(call).write(path, content);
      const { signal } = call;
      let answer: OutboundAnswer;
      try {
        answer = await send(url, { method: 'POST', headers, body, signal });
      } catch (error) {
        throw callFailure(error, call);
      }
      if (answer.status >= 200 && answer.status < 300) return answer;
      throw await refusedCall(answer, call);
    },
  };
}

async function refusedCall(answer: OutboundAnswer, call: Call): Promise<UpstreamFailure> {
  // The status says enough where the rest is cut off.
  const text = await answer.text().catch(() => '');
  const refusal = refusalOf(answer.status, parseJson(text), answer.headers, text);
  return refused(refusal, call.classify, call.apiKey);
}

/** Reads the answer to its end. @throws {UpstreamFailure} */
export async function readText(answer: OutboundAnswer, call: Call): Promise<string> {
  try {
    return await answer.text();
  } catch (error) {
    throw callFailure(error, call);
  }
}

/** Whatever a call or the reading of its answer throws, in the gateway's classes. */
export function callFailure(error: unknown, call: Call): UpstreamFailure {
  return error instanceof UpstreamFailure ? error : transportFailure(error, call.signal);
}
