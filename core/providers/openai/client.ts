/** Calls through the `openai` package, which adds the vendor's headers and reads its refusals. */
import OpenAI, { APIError, type ClientOptions } from 'openai';
import type { Fetch } from '../../../infra/outbound/fetch.ts';
import { type Classify, type Refusal, refused, transportFailure, UpstreamFailure } from '../failure.ts';
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
  post(call: Call, path: string, body: object): Promise<Response>;
}

/** Keys are few, but they are replaced now and then. */
const MAX_CLIENTS = 1_000;
/** The refusal with everything that stood in the answer; the package alone keeps only a part of the body. */
class RefusedCall extends APIError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.status, undefined, refusal.message, undefined);
    this.refusal = refusal;
  }
}

type Building = Parameters<OpenAI['buildRequest']>;
type BuiltRequest = Awaited<ReturnType<OpenAI['buildRequest']>>;
type Sending = Parameters<OpenAI['fetchWithTimeout']>;

/**
 * The package's client without what took most of its time (measured: 42 µs a call, 16 without): the same headers put
 * together for every call, and signals and timers of its own around a `fetch` that ends every call in time.
 */
class ProviderClient extends OpenAI {
  readonly #fetch: Fetch;
  readonly #urls = new Map<string, string>();
  /** Of JSON bodies, as the package has built them. */
  #headers: Headers | undefined;
  #plainHeaders: Record<string, string> = {};

  constructor(options: ClientOptions & { readonly fetch: Fetch }) {
    super(options);
    this.#fetch = options.fetch;
  }

  override async buildRequest(...[options, context]: Building): Promise<BuiltRequest> {
    const { path, body, signal } = options;
    if (body instanceof FormData) return super.buildRequest(options, context);
    const headers = this.#headers ?? (await this.#buildHeaders(options, context));
    const req = { method: 'post', headers, body: JSON.stringify(body), ...(signal ? { signal } : {}) };
    return { req, url: this.#urlOf(path), timeout: this.timeout };
  }

  override fetchWithTimeout(...[url, init = {}]: Sending): Promise<Response> {
    const headers = init.headers === this.#headers ? { headers: this.#plainHeaders } : {};
    return this.#fetch(String(url), { ...init, method: 'POST', ...headers });
  }

  async #buildHeaders(...[options, context]: Building): Promise<Headers> {
    const { headers } = (await super.buildRequest(options, context)).req;
    this.#headers = headers;
    this.#plainHeaders = Object.fromEntries(headers);
    return headers;
  }

  #urlOf(path: string): string {
    const known = this.#urls.get(path) ?? this.buildURL(path, undefined);
    this.#urls.set(path, known);
    return known;
  }

  protected override makeStatusError(status: number, body: object, text: string | undefined, headers: Headers) {
    return new RefusedCall(refusalOf(status, body, headers, text));
  }
}

export function createOpenAiClient(fetch: Fetch): OpenAiClient {
  const clients = new Map<string, OpenAI>();

  const clientFor = ({ urlBase, apiKey }: Call): OpenAI => {
    const name = `${urlBase}\n${apiKey}`;
    const known = clients.get(name);
    if (known) return known;
    if (clients.size >= MAX_CLIENTS) clients.clear();
    const client = new ProviderClient({
      baseURL: urlBase,
      apiKey,
      // Everything that the package would read from the environment is set here.
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      logLevel: 'off',
      maxRetries: 0,
      fetch,
    });
    clients.set(name, client);
    return client;
  };

  return {
    post: async (call, path, body) => {
      try {
        return await clientFor(call).post(path, { body, signal: call.signal }).asResponse();
      } catch (error) {
        throw callFailure(error, call);
      }
    },
  };
}

/** Reads the answer to its end. @throws {UpstreamFailure} */
export async function readText(response: Response, call: Call): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw callFailure(error, call);
  }
}

/** Whatever a call or the reading of its answer throws, in the gateway's classes. */
export function callFailure(error: unknown, call: Call): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  if (error instanceof RefusedCall) return refused(error.refusal, call.classify, call.apiKey);
  return transportFailure(error, call.signal);
}
