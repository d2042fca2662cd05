/** The calls of the demonstration, over HTTP only, as any client makes them. */
import { z } from 'zod';
import { parseExact } from './exact-json.ts';

const envelopeSchema = z.object({ code: z.string(), message: z.string(), data: z.unknown() });
const CALL_WITHIN_MS = 60_000;

export interface ApiAnswer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Numbers are their text. */
  readonly data: unknown;
}

export interface Credentials {
  readonly token?: string;
  readonly accessKey?: string;
}

/** A call that was answered with an error. */
export class DemoCallFailed extends Error {
  override readonly name = 'DemoCallFailed';
  readonly answer: ApiAnswer;
  constructor(call: string, answer: ApiAnswer) {
    super(`${call} answered ${answer.status} ${answer.code}: ${answer.message}`);
    this.answer = answer;
  }
}

export class DemoClient {
  readonly #baseUrl: string;
  readonly #signal: AbortSignal;

  constructor(baseUrl: string, signal: AbortSignal) {
    this.#baseUrl = baseUrl;
    this.#signal = signal;
  }

  /** `data` of an enveloped answer, read by its schema. @throws {DemoCallFailed} on any error. */
  async call<T>(
    method: 'GET' | 'POST',
    path: string,
    options: { credentials?: Credentials; headers?: Record<string, string>; body?: object; data: z.ZodType<T> },
  ): Promise<T> {
    const { status, json } = await this.#fetch(method, path, options);
    const envelope = envelopeSchema.safeParse(json);
    const answer = envelope.success
      ? { status, ...envelope.data }
      : { status, code: '', message: JSON.stringify(json), data: undefined };
    if (status >= 400 || !envelope.success) throw new DemoCallFailed(`${method} ${path}`, answer);
    return options.data.parse(answer.data);
  }

  /** The raw answer of an address, numbers as text. */
  async #fetch(
    method: 'GET' | 'POST',
    path: string,
    {
      credentials = {},
      headers: more,
      body,
    }: { credentials?: Credentials; headers?: Record<string, string>; body?: object },
  ) {
    const headers: Record<string, string> = { 'content-type': 'application/json', ...more };
    if (credentials.token) headers.authorization = `Bearer ${credentials.token}`;
    if (credentials.accessKey) headers['access-key'] = credentials.accessKey;
    const answer = await fetch(`${this.#baseUrl}${path}`, {
      method,
      headers,
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(CALL_WITHIN_MS)]),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: answer.status, json: parseExact(await answer.text()) };
  }
}
