/** Calls of the Messages interface: at Anthropic, and at vendors that offer it beside OpenAI's. */
import { parseJson } from '../../../infra/json-object.ts';
import type { OutboundAnswer } from '../../../infra/outbound.ts';
import {
  type AnswerHeaders,
  type Classify,
  classifier,
  headerIn,
  type Refusal,
  refused,
  transportFailure,
  UpstreamFailure,
} from '../failure.ts';
import { refusalOf } from '../openai/errors.ts';
import type { UpstreamTarget, VendorClients } from '../provider.ts';

/** Of requests that we write ourselves; those of clients keep their own. */
export const VERSION = '2023-06-01';

/** Without the version that Anthropic's own paths have; some people copy it along. */
export function baseOf(urlBase: string): string {
  return urlBase.replace(/\/v1$/, '');
}

/** The base below which /v1/messages stands. */
function messagesBase({ kind, urlBase, messagesPath }: UpstreamTarget): string {
  return kind === 'anthropic' ? baseOf(urlBase) : new URL(urlBase).origin + (messagesPath ?? '');
}

/**
 * Posts a body of Messages. @param path below the base. @returns the answer with its body unread; its status is good.
 * @throws {UpstreamFailure}
 */
export async function postMessages(
  sendFor: VendorClients['send'],
  target: UpstreamTarget,
  path: string,
  sent: { readonly body: object; readonly headers: Readonly<Record<string, string>>; readonly signal: AbortSignal },
): Promise<OutboundAnswer> {
  const { apiKey, kind } = target;
  const headers = {
    'anthropic-version': VERSION,
    ...sent.headers,
    'content-type': 'application/json',
    'x-api-key': apiKey,
    // The others document one or the other. Anthropic itself would take a bearer for a token of another kind.
    ...(kind === 'anthropic' ? {} : { authorization: `Bearer ${apiKey}` }),
  };
  try {
    const call = { method: 'POST', headers, body: JSON.stringify(sent.body), signal: sent.signal };
    const answer = await sendFor(target)(messagesBase(target) + path, call);
    if (answer.status >= 200 && answer.status < 300) return answer;
    const text = await answer.text();
    const refusal = messagesRefusal(answer.status, parseJson(text), answer.headers, text);
    throw refused(refusal, classifyAnthropic, apiKey);
  } catch (error) {
    throw error instanceof UpstreamFailure ? error : transportFailure(error, sent.signal);
  }
}

/** Reads the answer to its end. @throws {UpstreamFailure} */
export async function readAnswer(answer: OutboundAnswer, signal: AbortSignal): Promise<string> {
  try {
    return await answer.text();
  } catch (error) {
    throw transportFailure(error, signal);
  }
}

/** The form has no code: its `type` is the only word for what went wrong. */
export function messagesRefusal(status: number, body: unknown, headers?: AnswerHeaders, text = ''): Refusal {
  const refusal = refusalOf(status, body, headers, text);
  const requestId = (headers && headerIn(headers, 'request-id')) ?? refusal.requestId;
  return { ...refusal, code: refusal.code ?? refusal.type, requestId };
}

export const classifyAnthropic: Classify = classifier([
  // Told as an invalid request.
  { code: /^invalidrequesterror$/, message: /credit balance|billing|api usage limits/i, failure: 'account' },
  { code: /^invalidrequesterror$/, message: /content filtering policy|usage policy/i, failure: 'content' },
  { code: /^(authenticationerror|permissionerror|billingerror)$/, failure: 'account' },
  { code: /^notfounderror$/, failure: 'model' },
  { code: /^(invalidrequesterror|requesttoolarge)$/, failure: 'bad-request' },
  { code: /^ratelimiterror$/, failure: 'rate' },
  { code: /^timeouterror$/, failure: 'timeout' },
  { code: /^(overloadederror|apierror)$/, failure: 'transient' },
]);
