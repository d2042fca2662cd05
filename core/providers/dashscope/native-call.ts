/**
 * DashScope's two interfaces stand side by side on one host, and a provider's base may name either. Here: both bases, one
 * call of the native interface, and the error codes of both (docs/providers.md), which
 * may stand in either envelope.
 */
import { isJsonObject, type JsonObject, parseJson } from '../../../infra/json-object.ts';
import type { CallLimits, Outbound } from '../../../infra/outbound.ts';
import { classifier, refused, transportFailure, type UpstreamFailure } from '../failure.ts';
import { refusalOf } from '../openai/errors.ts';

const EITHER = /\/(api|compatible-mode|compatible-api)\/v1$/;

/** Tasks and images. */
export function nativeBase(urlBase: string): string {
  return `${host(urlBase)}/api/v1`;
}

/** Chat as OpenAI's interface has it. */
export function compatibleBase(urlBase: string): string {
  return `${host(urlBase)}/compatible-mode/v1`;
}

export function host(urlBase: string): string {
  return urlBase.replace(/\/+$/, '').replace(EITHER, '');
}

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
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const NOT_SERVED = /model not exist|url error/i;
const FREE_QUOTA = /free allocated quota/i;

export const classifyDashScope = classifier([
  // Media that could not be fetched for the inspection, not media that was refused.
  { code: /^invalidparameterdatainspection$/, failure: 'bad-request' },
  { code: /^(datainspectionfailed|ipinfringementsuspect)/, failure: 'content' },
  { code: /^invalidparameter/, message: NOT_SERVED, failure: 'model' },
  { code: /^(invalidparameter|badrequest|invalidurl|invalidimage|unsupportedoperation)/, failure: 'bad-request' },
  { code: /^(arrearage|invalidapikey)$/, failure: 'account' },
  { code: /^(accessdeniedunpurchased|workspaceaccessdenied|allocationquotafreetieronly)$/, failure: 'account' },
  { code: /^(commoditynotpurchased|prepaidbilloverdue|postpaidbilloverdue)$/, failure: 'account' },
  // A call that the model does not know, or a model that the key's workspace does not have: the key serves others.
  { code: /^(accessdenied|modelaccessdenied)$/, failure: 'model' },
  { code: /^(modelnotfound|modelnotsupported|workspacenotfound|notfound)$/, failure: 'model' },
  // One code for tokens a minute, which come back, and for the free quota, which does not.
  { code: /^(throttlingallocationquota|insufficientquota)$/, message: FREE_QUOTA, failure: 'account' },
  { code: /^(throttling|limitrequests|limitburstrate|insufficientquota)/, failure: 'rate' },
  { code: /^(internalerror|systemerror|modelservicefailed|rewritefailed|requesttimeout)/, failure: 'transient' },
  { code: /^(modelservingerror|modelunavailable)$/, failure: 'transient' },
]);

/** An error inside an answer with a good status. */
export function refusedInside(body: JsonObject, apiKey: string): UpstreamFailure {
  return refused(refusalOf(200, body), classifyDashScope, apiKey);
}
