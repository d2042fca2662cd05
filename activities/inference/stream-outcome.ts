/** What a stream that broke tells of its provider's key. Pure. */
import { type FailureClass, UpstreamFailure } from '../../core/providers/failure.ts';

/**
 * @param heldUp whether the client held the reader up: nobody may open the circuits of keys that all share by reading
 * slowly, so what is late or breaks off then counts as the client's doing.
 */
export function outcomeOfStream(error: unknown, heldUp: boolean): FailureClass {
  if (!(error instanceof UpstreamFailure)) return 'cancelled';
  const { failure, details } = error;
  const cutOff = failure === 'timeout' || (failure === 'transient' && details.status === 0);
  return heldUp && cutOff ? 'cancelled' : failure;
}
