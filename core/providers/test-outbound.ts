/** The way out in tests: what is sent is kept, and what is answered was written down before. No sockets. */

import { withoutMark } from '../../infra/json-object.ts';
import type { Outbound, OutboundAnswer, OutboundCall } from '../../infra/outbound.ts';

export interface SentCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface WrittenAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** Bytes of each chunk; otherwise the body comes in one. */
  readonly chunkBytes?: number;
  /** Breaks the connection after the body. */
  readonly breaksWith?: Error;
}

export interface TestOutbound {
  readonly outbound: Outbound;
  readonly sent: SentCall[];
}

/** Answers in the order of the calls; an Error in an answer's place is a call that found no connection. */
export function testOutbound(answers: readonly (WrittenAnswer | Error)[]): TestOutbound {
  const sent: SentCall[] = [];
  const request = async (url: string, call: OutboundCall): Promise<OutboundAnswer> => {
    const answer = answers[sent.length];
    sent.push(sentCall(url, call));
    if (answer === undefined) throw new Error(`call ${sent.length} to ${url} is one too many`);
    if (call.signal?.aborted) throw new DOMException('aborted', 'AbortError');
    if (answer instanceof Error) throw answer;
    return outboundAnswer(answer);
  };
  const outbound = {
    request,
    close: async () => undefined,
  };
  return { outbound, sent };
}

/** The body of a sent call as the JSON it is. */
export function sentJson(call: SentCall | undefined): unknown {
  return JSON.parse(new TextDecoder().decode(call?.body));
}

function sentCall(url: string, { method = 'GET', headers = {}, body = '' }: OutboundCall): SentCall {
  const { pathname, search } = new URL(url);
  const flat = Array.isArray(headers) ? headers : Object.entries(headers).flat();
  const pairs = flat.flatMap((name, index) =>
    index % 2 === 0 ? [[name, flat[index + 1] ?? ''] as [string, string]] : [],
  );
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return { method, path: pathname + search, headers: new Headers(pairs), body: bytes };
}

function outboundAnswer({ status = 200, headers = {}, body, chunkBytes, breaksWith }: WrittenAnswer): OutboundAnswer {
  const bytes = new TextEncoder().encode(body);
  async function* stream(): AsyncGenerator<Uint8Array> {
    const step = chunkBytes ?? Math.max(bytes.length, 1);
    for (let start = 0; start < bytes.length; start += step) yield bytes.slice(start, start + step);
    if (breaksWith) throw breaksWith;
  }
  return {
    status,
    headers,
    stream: stream(),
    text: async () => {
      if (breaksWith) throw breaksWith;
      return withoutMark(body);
    },
    bytes: async () => bytes,
    discard: () => undefined,
  };
}
