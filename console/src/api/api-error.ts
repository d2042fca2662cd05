/** A failure as the API reports it. */

/** The id of the request in logs and traces. */
export const TRACE_HEADER = 'X-Trace-Id';

export interface FieldFailure {
  readonly path: string;
  readonly message: string;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** The API's own number of the failure; 0 for none. */
  readonly code: number;
  readonly fields: readonly FieldFailure[];
  readonly traceId: string | undefined;

  constructor(
    status: number,
    code: number,
    message: string,
    fields: readonly FieldFailure[],
    traceId: string | undefined,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.traceId = traceId;
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/**
 * From the body of an error, in the envelope or in OpenAI's form.
 * @param trace that of the answer's header, which OpenAI's form has not in its body.
 */
export function errorOf(status: number, body: unknown, trace?: string | null): ApiError {
  const openAi = member(body, 'error');
  const message = member(body, 'message') ?? member(openAi, 'message');
  const code = Number(member(body, 'code') ?? member(openAi, 'code'));
  const errors = member(member(body, 'data'), 'errors');
  const traceId = member(body, 'traceId') ?? trace;
  return new ApiError(
    status,
    Number.isSafeInteger(code) ? code : 0,
    typeof message === 'string' ? message : `HTTP ${status}`,
    Array.isArray(errors)
      ? errors.map((error) => ({ path: String(member(error, 'path')), message: String(member(error, 'message')) }))
      : [],
    typeof traceId === 'string' ? traceId : undefined,
  );
}
