/** A call that got no whole answer, in the gateway's classes. */
import { outboundFailure } from '../../infra/outbound.ts';
import { UpstreamFailure } from './failure.ts';

/** Addresses and the connection's own words are for the log (`cause`), not for the caller. */
export function transportFailure(error: unknown, signal: AbortSignal): UpstreamFailure {
  if (signal.aborted) return abortedBy(signal, error);
  const details = { status: 0, cause: error };
  switch (outboundFailure(error)) {
    case 'timeout':
    // Not by the caller's signal, so by a timer on the way.
    case 'aborted':
      return new UpstreamFailure('timeout', 'the provider did not answer in time', details);
    case 'refused':
      // Another model may have an address that may be called.
      return new UpstreamFailure('model', "the provider's address must not be called", details);
    case 'unreachable':
      return new UpstreamFailure('transient', 'the provider could not be reached', details);
    case 'too-large':
      return new UpstreamFailure('transient', "the provider's answer is too large", details);
    default:
      return new UpstreamFailure('transient', 'the connection to the provider broke', details);
  }
}

/** A deadline that was given with `AbortSignal.timeout` tells itself by its reason; any other abort is the caller's. */
function abortedBy(signal: AbortSignal, cause: unknown): UpstreamFailure {
  const reason: unknown = signal.reason;
  return reason instanceof DOMException && reason.name === 'TimeoutError'
    ? new UpstreamFailure('timeout', 'the provider did not answer in time', { status: 0, cause })
    : new UpstreamFailure('cancelled', 'the caller has left', { status: 0, cause });
}
