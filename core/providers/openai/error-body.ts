/** The forms in which vendors of OpenAI's interface write an error (PROVIDERS.md, 1.7, 3.3 and 4.3). Pure. */
import { isJsonObject, textOf } from '../../../infra/json-object.ts';
import { type HeaderReader, type Refusal, retryAfterMs } from '../failure.ts';

/** Ark ends its messages so. */
const REQUEST_ID_IN_MESSAGE = /request id:\s*([\w-]+)/i;

/**
 * `{"error":{…}}`, `{"error":"text"}`, a flat `{"code","message"}`, or text that is no JSON (`body` undefined).
 * @param text what stands in the answer when `body` is no JSON.
 */
export function refusalOf(status: number, body: unknown, headers?: HeaderReader, text = ''): Refusal {
  const outer = isJsonObject(body) ? body : {};
  const inner = isJsonObject(outer.error) ? outer.error : outer;
  const message =
    textOf(inner.message) ?? textOf(outer.error) ?? textOf(body) ?? readableText(text) ?? unreadable(status);
  const requestId = headers?.get('x-request-id') ?? textOf(outer.request_id) ?? textOf(inner.request_id);
  return {
    status,
    code: textOf(inner.code),
    type: textOf(inner.type),
    param: textOf(inner.param),
    message,
    requestId: requestId ?? REQUEST_ID_IN_MESSAGE.exec(message)?.[1],
    retryAfterMs: headers && retryAfterMs(headers, Date.now()),
  };
}

/** An object that is an error and no answer, though it came with a good status. */
export function isErrorBody(body: unknown): boolean {
  if (!isJsonObject(body)) return false;
  if (body.error !== undefined && body.error !== null) return true;
  return body.choices === undefined && textOf(body.code) !== undefined && textOf(body.message) !== undefined;
}

/** A page of a proxy in between tells a caller nothing. */
function readableText(text: string): string | undefined {
  return text.trimStart().startsWith('<') ? undefined : textOf(text);
}

function unreadable(status: number): string {
  return `the provider answered ${status} without a readable reason`;
}
