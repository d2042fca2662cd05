/** Requests that carry an Idempotency-Key: the same key and body give the first answer again. */
import type { AccessKeyCaller, Caller } from '../../core/accounts/caller.ts';
import { AppError, invalid } from '../../infra/errors.ts';
import { boundaryOf, MOST_PARTS } from './edit-form.ts';
import type { ApiContext } from './route-input.ts';

/** JSON text of `data`, as it is kept for a repeated call. */
export interface KeptAnswer {
  readonly status: number;
  readonly dataText: string;
}

export interface Idempotency {
  /**
   * Runs `handler` unless the same key was seen in `scope` within 24 hours; then gives what was kept. `operationId` is
   * the same when it runs again after a crash.
   * @throws {AppError} idempotencyInUse while the first call runs, idempotencyMismatch when `body` differs.
   */
  run(
    scope: string,
    key: string,
    body: Uint8Array,
    handler: (operationId: string) => Promise<KeptAnswer>,
  ): Promise<KeptAnswer>;
}

export const KEY_HEADER = 'Idempotency-Key';
const MAX_KEY_LENGTH = 255;

/** @throws {AppError} when the header is required and missing, or is no printable text of at most 255 characters. */
export function idempotencyKey(header: string, required: boolean): string | undefined {
  if (header === '') {
    if (required) throw invalid([{ path: KEY_HEADER, message: 'is required' }], 'missingParameter');
    return undefined;
  }
  if (header.length <= MAX_KEY_LENGTH && /^[\x21-\x7e]+$/.test(header)) return header;
  throw invalid([{ path: KEY_HEADER, message: `must be at most ${MAX_KEY_LENGTH} printable characters` }]);
}

/** Keys of one caller never meet those of another. */
export function idempotencyScope(caller: Caller | undefined): string {
  if (caller === undefined) throw new AppError('notAuthenticated', `${KEY_HEADER} needs a caller`);
  return caller.kind === 'user' ? `u${caller.userId}` : `k${caller.accessKeyId}`;
}

/** What must be equal for two requests to be the same: method, path and the bytes of the body. */
export function requestFingerprint(ctx: Pick<ApiContext, 'method' | 'path' | 'get'>, body: Buffer): Buffer {
  const boundary = boundaryOf(ctx.get('Content-Type'));
  const pieces = boundary === undefined ? [body] : piecesOfForm(body, boundary);
  return Buffer.concat([Buffer.from(`${ctx.method} ${ctx.path}\n`), ...pieces]);
}

/**
 * The parts of a form, each after its length, without what stands between them: clients choose a boundary at random for
 * each try. What is beyond the most parts stays as it is, for such a form is refused.
 */
function piecesOfForm(body: Buffer, boundary: string): Buffer[] {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const pieces: Buffer[] = [];
  // The first delimiter may have no line before it.
  let from = body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2)) ? delimiter.length - 2 : 0;
  while (pieces.length < 2 * (MOST_PARTS + 2)) {
    const at = body.indexOf(delimiter, from);
    const part = body.subarray(from, at === -1 ? undefined : at);
    pieces.push(Buffer.from(`${part.length}\n`), part);
    if (at === -1) return pieces;
    from = at + delimiter.length;
  }
  return [...pieces, body.subarray(from)];
}

/** A keyed call that holds money: its key is claimed together with the hold, not around the handler. */
export interface KeyedRequest {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: Buffer;
}

/** Characters of the body's own request id. */
export const MAX_REQUEST_ID = 255;

/**
 * The key of a request: the Idempotency-Key header, or the body's own request id.
 * @throws {AppError} when either is malformed.
 */
export function keyedRequest(
  ctx: ApiContext,
  caller: AccessKeyCaller,
  rawBody: Buffer,
  bodyRequestId: string | undefined,
): KeyedRequest | undefined {
  const key = idempotencyKey(ctx.get(KEY_HEADER), false) ?? requestIdKey(bodyRequestId);
  if (key === undefined) return undefined;
  return { scope: idempotencyScope(caller), key, fingerprint: requestFingerprint(ctx, rawBody) };
}

/** A request id of the body and a header of the same text are different keys. */
function requestIdKey(requestId: string | undefined): string | undefined {
  if (requestId === undefined || requestId === '') return undefined;
  if (requestId.length > MAX_REQUEST_ID) {
    throw invalid([{ path: 'requestId', message: `must have at most ${MAX_REQUEST_ID} characters` }]);
  }
  return `body:${requestId}`;
}
