/** One call of DashScope's native interface: JSON both ways, refusals read. */
import { isJsonObject, type JsonObject, parseJson } from '../../../infra/json-object.ts';
import type { CallLimits, Outbound } from '../../../infra/outbound.ts';
import { type HeaderReader, refused, transportFailure } from '../failure.ts';
import { refusalOf } from '../openai/error-body.ts';
import { nativeBase } from './bases.ts';
import { classifyDashScope } from './errors.ts';

export interface NativeCall {
  readonly method: 'GET' | 'POST';
  /** Below the native base, with its first slash. */
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly limits: CallLimits;
}

export interface NativeTarget {
  readonly urlBase: string;
  readonly apiKey: string;
}

export type SendNative = (target: NativeTarget, call: NativeCall, signal?: AbortSignal) => Promise<JsonObject>;

/** @returns an answer with a good status. Throws UpstreamFailure for every other outcome. */
export function createNativeCalls(outbound: Outbound): SendNative {
  return async (target, call, signal = new AbortController().signal) => {
    const { status, text, headers } = await exchange(outbound, target, call, signal).catch((error: unknown) => {
      throw transportFailure(error, signal);
    });
    const body = parseJson(text);
    if (status >= 200 && status < 300 && isJsonObject(body)) return body;
    throw refused(refusalOf(status, body, headers, text), classifyDashScope, target.apiKey);
  };
}

async function exchange(outbound: Outbound, target: NativeTarget, call: NativeCall, signal: AbortSignal) {
  const json = call.body === undefined ? undefined : JSON.stringify(call.body);
  const answer = await outbound.request(nativeBase(target.urlBase) + call.path, {
    method: call.method,
    headers: {
      authorization: `Bearer ${target.apiKey}`,
      accept: 'application/json',
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    },
    ...(json === undefined ? {} : { body: json }),
    signal,
    limits: call.limits,
  });
  const headers: HeaderReader = {
    get: (name) => {
      const value = answer.headers[name];
      return value === undefined ? null : String(value);
    },
  };
  return { status: answer.status, headers, text: await answer.text() };
}
