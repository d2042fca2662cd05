/** The wire form of every answer outside the OpenAI-style paths. */
import type { AppError } from '../../infra/errors.ts';
import { refusalText } from './refusal.ts';

const SUCCESS_CODE = 200;

/** Text of a successful answer around `data` that is JSON text already, with its exact numbers. */
export function successTextOf(dataText: string, traceId: string): string {
  return `{"code":${SUCCESS_CODE},"message":"success","data":${dataText},"traceId":"${traceId}"}`;
}

export function errorText(error: AppError, traceId: string): string {
  return refusalText(error, ({ message, errors }) => {
    const data = errors === undefined ? null : { errors };
    return JSON.stringify({ code: error.code, message, data, traceId });
  });
}
