/** A failure as the API reports it. */

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

/** From the body of an error, in the envelope or in OpenAI's form. */
export function errorOf(status: number, body: unknown): ApiError {
  const message = member(body, 'message') ?? member(member(body, 'error'), 'message');
  const code = member(body, 'code');
  const errors = member(member(body, 'data'), 'errors');
  const traceId = member(body, 'traceId');
  return new ApiError(
    status,
    typeof code === 'number' ? code : 0,
    typeof message === 'string' ? message : `HTTP ${status}`,
    Array.isArray(errors)
      ? errors.map((error) => ({ path: String(member(error, 'path')), message: String(member(error, 'message')) }))
      : [],
    typeof traceId === 'string' ? traceId : undefined,
  );
}
