/** The last failure of a provider as the caller is told about it (PROVIDERS.md, "Suggested canonical error classes"). */

import type { FailureDetails, UpstreamFailure } from '../../core/providers/failure.ts';
import { AppError } from '../../infra/errors.ts';

/** A caller is never told to wait longer than this for a rate limit: by then another key is likely to be free. */
const LONGEST_RATE_WAIT_SECONDS = 60;

/**
 * @param waitSeconds until some key may be used again.
 * @returns the failure itself when the caller has left: nobody is there to be told.
 */
export function errorOf(failure: UpstreamFailure, waitSeconds: number): AppError | UpstreamFailure {
  const { message, details } = failure;
  switch (failure.failure) {
    case 'content':
      return new AppError('invalidParameter', message, {
        ...field(details),
        openaiCode: 'content_policy_violation',
        cause: failure,
      });
    case 'bad-request':
      return new AppError('invalidParameter', message, {
        ...field(details),
        ...(details.code === undefined ? {} : { openaiCode: details.code }),
        cause: failure,
      });
    case 'account':
      // Never 401: the caller's own key is fine. The provider's words about our account are not the caller's business.
      return new AppError('modelOffline', "the provider refuses the gateway's key; the operator has been told", {
        retryAfterSeconds: waitSeconds,
        cause: failure,
      });
    case 'model':
      return new AppError('modelIncapable', `the provider does not serve this model as it is set up: ${message}`, {
        cause: failure,
      });
    case 'rate': {
      const asked = details.retryAfterMs === undefined ? waitSeconds : Math.ceil(details.retryAfterMs / 1_000);
      const retryAfterSeconds = Math.min(Math.max(asked, 1), LONGEST_RATE_WAIT_SECONDS);
      return new AppError('tooManyRequests', message, { retryAfterSeconds, cause: failure });
    }
    case 'transient':
      return new AppError('modelCallFailed', message, { cause: failure });
    case 'timeout':
      return new AppError('upstreamTimeout', message, { cause: failure });
    case 'cancelled':
      return failure;
  }
}

/** The field that the provider named: callers of OpenAI's interface look for it. */
function field({ param }: FailureDetails): { param?: string } {
  return param === undefined ? {} : { param };
}
