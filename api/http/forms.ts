/** The forms in which routes answer. A route declares its form; another dialect is another form. */
import { z } from 'zod';
import { errorText, openAiErrorText } from '../../infra/error-answers.ts';
import { type AppError, ERROR_CODES } from '../../infra/errors.ts';

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

/** As OpenAI answers: the data itself, errors as `{"error":{message,type,param,code}}`. */
export const OPENAI: AnswerForm = {
  success: (dataText) => dataText,
  error: openAiErrorText,
  successSchema: (data) => data,
  errorSchema: openAiError,
  wrongField: 'error.param',
};
