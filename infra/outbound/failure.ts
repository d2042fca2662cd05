/** What happened to a call that got no complete answer. Pure. */
import { AppError } from '../errors.ts';

/**
 * - `refused`: our own rules forbid the address; nothing was sent.
 * - `unreachable`: no connection; nothing was sent, so trying again is safe whatever the call does.
 * - `timeout`: the first byte, the next chunk or the end did not come in time.
 * - `aborted`: the caller's signal.
 * - `too-large`: the answer exceeds the limit.
 * - `cut`: the connection broke after the call may have been sent.
 */
export type OutboundFailure = 'refused' | 'unreachable' | 'timeout' | 'aborted' | 'too-large' | 'cut';

const BY_CODE: Readonly<Record<string, OutboundFailure>> = {
  UND_ERR_CONNECT_TIMEOUT: 'unreachable',
  ECONNREFUSED: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'unreachable',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_ABORTED: 'aborted',
  ABORT_ERR: 'aborted',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'too-large',
};

const DEEPEST_CAUSE = 5;

/**
 * Classifies an error of the outbound client, also when another library wrapped it as its cause.
 * @returns undefined if it is not an error of a connection.
 */
export function outboundFailure(error: unknown): OutboundFailure | undefined {
  let at: unknown = error;
  for (let depth = 0; depth < DEEPEST_CAUSE && at instanceof Error; depth += 1) {
    const known = failureOf(at);
    if (known !== undefined) return known;
    at = at.cause;
  }
  return undefined;
}

function failureOf(error: Error): OutboundFailure | undefined {
  if (error instanceof AppError) return error.kind === 'proxyFailed' ? 'refused' : undefined;
  if (error.name === 'AbortError') return 'aborted';
  if (error.name === 'TimeoutError') return 'timeout';
  // The name is unknown, or no name at all (EINVAL for one that is too long).
  if ('syscall' in error && error.syscall === 'getaddrinfo') return 'unreachable';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code.startsWith('ERR_TLS_') || code.includes('CERT')) return 'unreachable';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'cut';
  return BY_CODE[code] ?? (code.startsWith('UND_ERR_') || code.startsWith('HPE_') ? 'cut' : undefined);
}
