/** The form in which Anthropic's clients read answers and errors. They decide by the words of some of them. */
import { z } from 'zod';
import { UpstreamFailure } from '../../core/providers/failure.ts';
import { errorText, statusOf } from '../../infra/error-answers.ts';
import type { AppError } from '../../infra/errors.ts';
import type { AnswerForm } from './forms.ts';
import type { ApiContext } from './route-input.ts';

/** Every client of Anthropic's sends it. */
export function isAnthropicClient({ req }: Pick<ApiContext, 'req'>): boolean {
  return req.headers['anthropic-version'] !== undefined;
}

const anthropicError = z
  .object({
    type: z.literal('error').describe('Always error'),
    error: z
      .object({
        type: z.string().describe("The kind of failure in Anthropic's words, such as invalid_request_error"),
        message: z.string().describe('What went wrong, in words'),
      })
      .describe('The failure'),
    request_id: z
      .string()
      .describe('Id of this request in logs and traces; also in the headers request-id and X-Trace-Id'),
  })
  .meta({ id: 'AnthropicError' });

const OVERLOADED = 529;

/** Clients wait and ask again where a provider, or all of our keys of it, can take no more. */
function isOverload({ kind, details: { cause, retryAfterSeconds } }: AppError): boolean {
  if (kind === 'modelOffline' && retryAfterSeconds !== undefined) return true;
  return (
    cause instanceof UpstreamFailure &&
    (cause.details.status === OVERLOADED || cause.details.code === 'overloaded_error')
  );
}

function anthropicStatus(error: AppError): number {
  if (isOverload(error)) return OVERLOADED;
  const status = statusOf(error.kind);
  // Known as errors of the request everywhere; these two Anthropic does not have.
  return status === 422 || status === 415 ? 400 : status;
}

function typeOf(error: AppError): string {
  const status = anthropicStatus(error);
  switch (status) {
    case 401:
      return 'authentication_error';
    case 402:
      return 'billing_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 504:
      return 'timeout_error';
    case OVERLOADED:
      return 'overloaded_error';
    default:
      return status >= 500 ? 'api_error' : 'invalid_request_error';
  }
}

const TOO_LONG = /prompt is too long/i;
const CONTEXT_CODES = new Set(['context_length_exceeded', 'string_above_max_length']);
/** As the vendors of OpenAI's interface say it. */
const CONTEXT_WORDS =
  /(maximum|max) context length|context[_ ](length|window)|input (length|tokens?).{0,40}(exceed|too long)|exceed.{0,40}(context|input length)|too many (input )?tokens/i;
const LIMIT = /(?:maximum|max|limit|exceeds?)[^0-9]{0,60}(\d{3,})/i;
const ASKED = /(?:requested|resulted in|messages? (?:has|have)|contains?|input of|prompt of)[^0-9]{0,40}(\d{3,})/i;

/** Claude Code shortens the conversation when it reads this, and reads the two numbers. */
function wordsOf({ kind, details }: AppError, message: string): string {
  const isRefusal = kind === 'invalidParameter' && details.cause instanceof UpstreamFailure;
  const isTooLong = CONTEXT_CODES.has(details.providerCode ?? '') || CONTEXT_WORDS.test(message);
  if (!isRefusal || !isTooLong || TOO_LONG.test(message)) return message;
  const asked = ASKED.exec(message)?.[1];
  const limit = LIMIT.exec(message)?.[1];
  const counts = asked !== undefined && limit !== undefined ? `${asked} tokens > ${limit} maximum. ` : '';
  return `prompt is too long: ${counts}${message}`;
}

export const ANTHROPIC: AnswerForm = {
  success: (dataText) => dataText,
  error: (error, traceId) =>
    errorText(error, ({ message }) =>
      JSON.stringify({
        type: 'error',
        error: { type: typeOf(error), message: wordsOf(error, message) },
        request_id: traceId,
      }),
    ),
  statusOf: anthropicStatus,
  requestIdHeader: 'request-id',
  successSchema: (data) => data,
  errorSchema: anthropicError,
  wrongField: 'error.message',
};
