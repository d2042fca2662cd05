/**
 * The forms in which vendors of OpenAI's interface write an error, and the codes of OpenAI and of those who copied its
 * interface without codes of their own. Pure.
 */
import { isJsonObject, type JsonObject, textOf } from '../../../infra/json-object.ts';
import { type AnswerHeaders, type Classify, classifier, headerIn, type Refusal, retryAfterMs } from '../failure.ts';

/** Ark ends its messages so. */
const REQUEST_ID_IN_MESSAGE = /request id:\s*([\w-]+)/i;

/** Where vendors put what they say of an error: the name of the text, and that of its code. */
const MESSAGES = ['message', 'msg', 'detail', 'error_msg', 'errmsg', 'error_message', 'status_msg'] as const;
const CODES = ['code', 'error_code', 'errcode'] as const;
/** Codes that say that all is well. */
const GOOD_CODES = new Set(['0', '200', 'success', 'ok']);
/** Finish reasons that say that the answer was broken off. */
const BROKEN_OFF = new Set(['error', 'network_error', 'insufficient_system_resource', 'model_error']);

/**
 * `{"error":{…}}`, the same in a list (Google), `{"error":"text"}`, a flat `{"code","message"}` under any of their names,
 * `base_resp`, an error of a choice, or text that is no JSON (`body` undefined).
 * @param text what stands in the answer when `body` is no JSON.
 */
export function refusalOf(status: number, body: unknown, headers?: AnswerHeaders, text = ''): Refusal {
  const whole: unknown = Array.isArray(body) ? body[0] : body;
  const outer = isJsonObject(whole) ? whole : {};
  const inner = innerError(outer);
  const code = firstText(inner, CODES) ?? textOf(inner.status_code);
  const message =
    firstText(inner, MESSAGES) ?? textOf(outer.error) ?? textOf(body) ?? readableText(text) ?? unreadable(status);
  const requestId =
    (headers && headerIn(headers, 'x-request-id')) ?? textOf(outer.request_id) ?? textOf(inner.request_id);
  return {
    status: status === 200 ? statusOf(code) : status,
    code,
    // MiniMax numbers its codes as others do, with other meanings.
    type: isJsonObject(outer.base_resp) && code !== undefined ? `base_resp_${code}` : textOf(inner.type),
    param: textOf(inner.param),
    message,
    requestId: requestId ?? REQUEST_ID_IN_MESSAGE.exec(message)?.[1],
    retryAfterMs: headers && retryAfterMs(headers, Date.now()),
  };
}

function innerError(outer: JsonObject): JsonObject {
  if (isJsonObject(outer.error)) return outer.error;
  if (isJsonObject(outer.base_resp) && isBadResponse(outer.base_resp)) return outer.base_resp;
  return choiceError(outer.choices) ?? outer;
}

/** A code may be the HTTP status that the error would have had outside of an answer. */
function statusOf(code: string | undefined): number {
  return code !== undefined && /^[45]\d\d$/.test(code) ? Number(code) : 200;
}

function firstText(fields: JsonObject, names: readonly string[]): string | undefined {
  for (const name of names) {
    const text = textOf(fields[name]);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** An object that is an error and no answer, though it came with a good status. */
export function isErrorBody(body: unknown): boolean {
  if (Array.isArray(body)) return isErrorBody(body[0]);
  if (!isJsonObject(body)) return false;
  if (isErrorValue(body.error)) return true;
  if (isJsonObject(body.base_resp) && isBadResponse(body.base_resp)) return true;
  if (Array.isArray(body.choices)) return choiceError(body.choices) !== undefined;
  if (body.object === 'error' || body.type === 'error') return true;
  const code = firstText(body, CODES)?.toLowerCase();
  return firstText(body, MESSAGES) !== undefined && (code === undefined || !GOOD_CODES.has(code));
}

function isErrorValue(error: unknown): boolean {
  if (error === undefined || error === null || error === '' || error === false) return false;
  return !isJsonObject(error) || Object.keys(error).length > 0;
}

function isBadResponse({ status_code: code }: JsonObject): boolean {
  return code !== undefined && code !== null && Number(code) !== 0;
}

/** The error of a choice, or the choice that says no more than that there was one. */
function choiceError(choices: unknown): JsonObject | undefined {
  if (!Array.isArray(choices)) return undefined;
  for (const choice of choices) {
    if (!isJsonObject(choice)) continue;
    if (isErrorValue(choice.error)) return isJsonObject(choice.error) ? choice.error : { message: choice.error };
    const { finish_reason: reason } = choice;
    if (typeof reason === 'string' && BROKEN_OFF.has(reason)) {
      return { code: reason, message: `the provider broke the answer off: ${reason}` };
    }
  }
  return undefined;
}

/** A page of a proxy in between helps no caller. */
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
  // An empty account is reported with 429: waiting does not help.
  // MiniMax: of the account, too many requests, content, the request.
  { code: /^baseresp(1004|1008|2049)$/, failure: 'account' },
  { code: /^baseresp(1002|1041|2045)$/, failure: 'rate' },
  { code: /^baseresp(1026|1027)$/, failure: 'content' },
  { code: /^baseresp(1039|2013)$/, failure: 'bad-request' },
  // Zhipu: an account without money, content.
  { code: /^1113$/, failure: 'account' },
  { code: /^1301$/, failure: 'content' },
  { code: /^(insufficientquota|billinghardlimitreached|billingnotactive)$/, failure: 'account' },
  { code: /^(invalidapikey|accountdeactivated|accessterminated|invalidorganization)$/, failure: 'account' },
  { code: /^(modelnotfound|modelnotsupported|deploymentnotfound)$/, failure: 'model' },
  { code: /^(contextlengthexceeded|stringabovemaxlength)$/, failure: 'bad-request' },
  { code: /^(ratelimitexceeded|ratelimiterror)$/, failure: 'rate' },
  { code: /^(servererror|internalerror|internalservererror|overloadederror|engineoverloaded)$/, failure: 'transient' },
]);
