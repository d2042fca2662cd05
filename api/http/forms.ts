/** The forms in which routes answer. A route declares its form; another dialect is another form. */
import { z } from 'zod';
import { type AppError, ERROR_CODES, type ErrorKind } from '../../infra/errors.ts';
import { errorText, openAiTypeOf } from './errors.ts';

export interface AnswerForm {
  /** Around `data` that is JSON text already, with its exact numbers. */
  success(dataText: string, traceId: string): string;
  error(error: AppError, traceId: string): string;
  /** The status of an error, where the form has its own. */
  readonly statusOf?: (error: AppError) => number;
  /** A header in which its clients look for the id of a request. */
  readonly requestIdHeader?: string;
  /** Both for the API document. */
  successSchema(data: z.ZodType): z.ZodType;
  readonly errorSchema: z.ZodType;
  /** Where an error names the wrong field. */
  readonly wrongField: string;
}

const SUCCESS_CODE = 200;

const traceIdOutput = z.string().describe('Id of this request in logs and traces; also in the header X-Trace-Id');

/** The schema of an envelope around `data`. */
export function envelopeOf(code: number, data: z.ZodType) {
  return z.object({
    code: z.literal(code).describe('200 for every success; the HTTP status may be 201 or 202'),
    message: z.string().describe('The outcome in words'),
    data: data.description === undefined ? data.describe('The answer itself') : data,
    traceId: traceIdOutput,
  });
}

const errorEnvelope = z
  .object({
    code: z.literal(ERROR_CODES).describe('What went wrong, as a number that does not change'),
    message: z.string().describe('What went wrong, in words'),
    data: z
      .object({
        errors: z
          .array(
            z.object({
              path: z.string().describe('The field, with dots: history.0.role'),
              message: z.string().describe('What is wrong with it'),
            }),
          )
          .describe('The wrong fields, at most 20'),
      })
      .nullable()
      .describe('The wrong fields of the request, or null'),
    traceId: traceIdOutput,
  })
  .meta({ id: 'Error' });

/** `{code,message,data,traceId}`, the form of most routes and of paths that do not exist. */
export const ENVELOPE: AnswerForm = {
  success: (dataText, traceId) =>
    `{"code":${SUCCESS_CODE},"message":"success","data":${dataText},"traceId":"${traceId}"}`,
  error: (error, traceId) =>
    errorText(error, ({ message, errors }) => {
      const data = errors === undefined ? null : { errors };
      return JSON.stringify({ code: error.code, message, data, traceId });
    }),
  successSchema: (data) => envelopeOf(SUCCESS_CODE, data),
  errorSchema: errorEnvelope,
  wrongField: 'data.errors',
};

/** The data itself; errors in the envelope. */
export const BARE: AnswerForm = { ...ENVELOPE, success: (dataText) => dataText, successSchema: (data) => data };

const openAiError = z
  .object({
    error: z
      .object({
        message: z.string().describe('What went wrong, in words'),
        type: z.string().describe("The kind of failure in OpenAI's words, such as invalid_request_error"),
        param: z.string().nullable().describe('The wrong field, if one is to blame'),
        code: z.string().nullable().describe("OpenAI's code, the provider's own, or the gateway's number as text"),
      })
      .describe('The failure'),
  })
  .meta({ id: 'OpenAIError' });

/** A provider's own code may be any text. */
const MAX_CODE = 100;

/** The words that clients of OpenAI look for in `code`; other kinds carry our own number. */
const OPENAI_CODES: Partial<Record<ErrorKind, string>> = {
  notAuthenticated: 'invalid_api_key',
  invalidToken: 'invalid_api_key',
  modelNotFound: 'model_not_found',
  tooManyRequests: 'rate_limit_exceeded',
  insufficientBalance: 'insufficient_quota',
  budgetSpent: 'insufficient_quota',
};

/** OpenAI's word for a failure, or the provider's own. */
export function openAiCodeOf({ kind, details }: AppError): string | undefined {
  return (details.providerCode ?? OPENAI_CODES[kind])?.slice(0, MAX_CODE);
}

/** As OpenAI answers: the data itself, errors as `{"error":{message,type,param,code}}`. */
export const OPENAI: AnswerForm = {
  success: (dataText) => dataText,
  error: (error) => {
    const code = openAiCodeOf(error) ?? String(error.code);
    return errorText(error, ({ message, param }) =>
      JSON.stringify({
        error: {
          message,
          type: openAiTypeOf(error.kind),
          param: param ?? null,
          code,
        },
      }),
    );
  },
  successSchema: (data) => data,
  errorSchema: openAiError,
  wrongField: 'error.param',
};
