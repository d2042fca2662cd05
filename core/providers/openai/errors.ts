/**
 * The forms in which vendors of OpenAI's interface write an error, and the codes of OpenAI and of those who copied its
 * interface without codes of their own. Pure.
 */
import { isJsonObject, textOf } from '../../../infra/json-object.ts';
import { type Classify, classifier, type HeaderReader, type Refusal, retryAfterMs } from '../failure.ts';

/** Ark ends its messages so. */
const REQUEST_ID_IN_MESSAGE = /request id:\s*([\w-]+)/i;

/**
 * `{"error":{…}}`, the same in a list (Google), `{"error":"text"}`, a flat `{"code","message"}`, or text that is no JSON (`body` undefined).
 * @param text what stands in the answer when `body` is no JSON.
 */
export function refusalOf(status: number, body: unknown, headers?: HeaderReader, text = ''): Refusal {
  const whole: unknown = Array.isArray(body) ? body[0] : body;
  const outer = isJsonObject(whole) ? whole : {};
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

/** OpenRouter and its like answer 403 with no code but the status. */
const FLAGGED = /requires moderation|\b(input|prompt|content|request|message)s?\b.{0,40}\bflagged\b|content policy/i;
/** Google answers so with 400. */
const UNKNOWN_KEY = /^api key not valid\b/i;
/** More than the account's whole limit for a minute; OpenAI says it with the code of a rate limit, waiting does not help. */
const TOO_LARGE = /^request too large\b/i;

export const classifyOpenAi: Classify = (refusal) => {
  const { status, message } = refusal;
  if ((status === 400 || status === 403) && FLAGGED.test(message)) return 'content';
  if (status === 400 && UNKNOWN_KEY.test(message)) return 'account';
  if ((status === 413 || status === 429) && TOO_LARGE.test(message)) return 'bad-request';
  return byCode(refusal);
};

const byCode = classifier([
  {
    code: /^(contentpolicyviolation|contentfilter|moderationblocked|responsibleaipolicyviolation)$/,
    failure: 'content',
  },
  // An empty account is told with 429: waiting does not help.
  { code: /^(insufficientquota|billinghardlimitreached|billingnotactive)$/, failure: 'account' },
  { code: /^(invalidapikey|accountdeactivated|accessterminated|invalidorganization)$/, failure: 'account' },
  { code: /^(modelnotfound|modelnotsupported|deploymentnotfound)$/, failure: 'model' },
  { code: /^(contextlengthexceeded|stringabovemaxlength)$/, failure: 'bad-request' },
  { code: /^(ratelimitexceeded|ratelimiterror)$/, failure: 'rate' },
  { code: /^(servererror|internalerror|internalservererror|overloadederror|engineoverloaded)$/, failure: 'transient' },
]);
