/** Idempotency of calls that hold money: the key is claimed together with the hold, not around the handler. */
import type { AccessKeyCaller } from '../../core/accounts/caller.ts';
import { invalid } from '../../infra/errors.ts';
import { idempotencyKey, idempotencyScope, requestFingerprint } from './idempotency.ts';
import type { ApiContext } from './route-input.ts';

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
  const key = idempotencyKey(ctx.get('Idempotency-Key'), false) ?? requestIdKey(bodyRequestId);
  if (key === undefined) return undefined;
  return { scope: idempotencyScope(caller), key, fingerprint: requestFingerprint(ctx.method, ctx.path, rawBody) };
}

/** A request id of the body and a header of the same text are different keys. */
function requestIdKey(requestId: string | undefined): string | undefined {
  if (requestId === undefined || requestId === '') return undefined;
  if (requestId.length > MAX_REQUEST_ID) {
    throw invalid([{ path: 'requestId', message: `must have at most ${MAX_REQUEST_ID} characters` }]);
  }
  return `body:${requestId}`;
}
